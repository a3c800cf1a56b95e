//! Reads what Compose and the engine said about a service.

use super::{ServiceCheck, answers::AboutService, script};
use crate::domain::{inventory::Service, runtime::docker, suggest};

/// The findings about a service's compose file and its container. Where the
/// engine cannot be used there are none.
pub(super) fn read(asked: &AboutService<'_, '_>, service: &Service) -> Vec<ServiceCheck> {
    let mut found = Vec::new();
    let project = Project::read(asked);
    match asked.get("file") {
        Some(file) if file.code == 124 => {
            found.push(ServiceCheck::ComposeFails("no answer within 20 s".to_owned()));
        }
        Some(file) if !file.is_good() => found.push(ServiceCheck::ComposeFails(file.words())),
        Some(file) if !file.value().is_empty() => found.push(ServiceCheck::ComposeWarns(unquoted(&file.words()))),
        Some(_) => found.push(ServiceCheck::ComposeReads),
        None => {}
    }
    found.extend(container(asked, service, project.as_ref()));
    found
}

/// A message of Compose's log, which writes it as a quoted string.
fn unquoted(message: &str) -> String {
    message.trim_matches('"').replace("\\\"", "\"")
}

/// What the compose file in the service's directory makes.
struct Project {
    name: String,
    containers: Vec<String>,
}

impl Project {
    fn read(asked: &AboutService<'_, '_>) -> Option<Self> {
        let names = |question: &str| -> Vec<String> {
            let answer = asked.get(question);
            answer.map(|answer| answer.value().split_whitespace().map(str::to_owned).collect()).unwrap_or_default()
        };
        let name = asked.get("project")?.value().trim_matches('"').to_owned();
        let mut containers = names("makes");
        // Compose v2's own names, where the file gives none.
        containers.extend(names("services").iter().map(|service| format!("{name}-{service}-1")));
        Some(Self { name, containers })
    }
}

fn container(asked: &AboutService<'_, '_>, service: &Service, project: Option<&Project>) -> Option<ServiceCheck> {
    let answer = asked.get("container")?;
    let container = service.container.as_str().to_owned();
    if answer.is_good() {
        let (state, label) = answer.value().rsplit_once('|')?;
        // Without a label docker prints nothing, or this.
        let theirs = Some(label).filter(|label| !label.is_empty() && *label != "<no value>");
        return Some(match project {
            Some(project) if theirs != Some(project.name.as_str()) => {
                ServiceCheck::Foreign { container, theirs: theirs.map(str::to_owned), ours: project.name.clone() }
            }
            Some(_) | None => ServiceCheck::Container(state.to_owned()),
        });
    }
    if !docker::names_missing(answer.value(), &service.container) {
        return Some(ServiceCheck::ContainerUnclear(answer.words()));
    }
    let others = asked.get("others").map(|others| others.value().to_owned()).unwrap_or_default();
    match project {
        Some(project) if project.containers.contains(&container) => Some(ServiceCheck::NotDeployed),
        Some(project) => Some(ServiceCheck::OtherContainers { container, makes: project.containers.clone() }),
        // A compose file that cannot be read is told already.
        None if script::needs_compose(service) => None,
        None => {
            let nearest = suggest::nearest(&container, others.split_whitespace().map(str::to_owned));
            Some(ServiceCheck::NoContainer { container, nearest })
        }
    }
}
