//! Services that were found, as the lines that would add them to the config.

use super::workload;
use crate::domain::{names::HostName, proposal::Proposal, text::visible};

/// Names that were refused and are shown.
const REFUSED: usize = 20;

/// The lines, with what is to be known about each as comments.
pub fn text(host: &HostName, proposals: &[Proposal], refused: &[String]) -> String {
    let mut lines = vec![match proposals.len() {
        0 => format!("# Nothing on {host} is missing in the config."),
        1 => format!("# Found on {host}, and not in the config: 1 service."),
        count => format!("# Found on {host}, and not in the config: {count} services."),
    }];
    for Proposal { name, found, overlaps, run_as } in proposals {
        lines.push(String::new());
        lines.extend(
            overlaps
                .iter()
                .map(|other| format!("# A part of it is the service {other} already: keep the one or the other.")),
        );
        lines.push("[[service]]".to_owned());
        lines.push(format!("name = {:?}", name.as_str()));
        lines.push(format!("host = {:?}", host.as_str()));
        lines.push(format!("{}  # {}", workload::written(&found.workload), comment(&found.state)));
        lines.extend(run_as.iter().map(|login| format!("run_as = {:?}", login.as_str())));
        if let Some(dir) = &found.dir {
            lines.push(
                "# With the clone that it was deployed from, !update and !rollback work, and !start deploys:"
                    .to_owned(),
            );
            lines.push(format!("# dir = {}", toml::Value::from(dir.as_str())));
        }
    }
    if !refused.is_empty() {
        lines.push(String::new());
        lines.push("# Left out, because no service can be called that:".to_owned());
        lines.extend(refused.iter().take(REFUSED).map(|name| format!("#   {}", comment(name))));
        let more = refused.len().saturating_sub(REFUSED);
        if more > 0 {
            lines.push(format!("#   and {more} more"));
        }
    }
    lines.join("\n")
}

/// What a host said, on one line: it must end no comment.
fn comment(said: &str) -> String {
    visible(said).replace(['\n', '\r', '\t'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        discovery::Found,
        names::{ContainerName, ServiceName},
        runtime::Workload,
    };

    #[test]
    fn what_a_host_says_of_a_state_ends_no_comment() {
        let found = Found {
            workload: Workload::Podman(ContainerName::parse("web").unwrap()),
            parts: vec![],
            dir: None,
            state: "Up\n[[operator]]\r\nuser = \"@eve:example.org\"".to_owned(),
        };
        let (name, host) = (ServiceName::parse("web").unwrap(), HostName::parse("spark").unwrap());
        let proposal = Proposal { name, found, run_as: None, overlaps: vec![] };
        let lines = text(&host, &[proposal], &["x\n[[host]]".to_owned()]);
        assert!(!lines.contains("\n[[operator]]") && !lines.contains("\n[[host]]"), "{lines}");
        assert!(!lines.contains('\r'), "{lines}");
    }
}
