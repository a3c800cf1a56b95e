//! Services that were found, as the lines that would add them to the config.

use super::workload;
use crate::domain::{discovery::Proposal, names::HostName, text::visible};

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
        lines.push(format!("{}  # {}", workload::written(&found.workload), found.state));
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
        lines.extend(refused.iter().take(REFUSED).map(|name| format!("#   {}", visible(name).replace('\n', " "))));
        let more = refused.len().saturating_sub(REFUSED);
        if more > 0 {
            lines.push(format!("#   and {more} more"));
        }
    }
    lines.join("\n")
}
