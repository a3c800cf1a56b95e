//! A container of Docker Engine, or a Compose project.

use super::Kind;
use crate::{
    config::section::Section,
    domain::{
        names::{ContainerName, ProjectName, ServiceName},
        runtime::Workload,
    },
};

pub(super) const KIND: Kind = Kind {
    name: "docker",
    key: "container",
    others: &["project", "dir", "branch", "update", "stop_timeout"],
    strategies: &["compose-git", "compose-pull", "command"],
    read,
    write,
};

fn write(workload: &Workload) -> Option<String> {
    if let Workload::Docker(container) = workload {
        return Some(format!("container = {:?}", container.as_str()));
    }
    if let Workload::Project(project) = workload { Some(format!("project = {:?}", project.as_str())) } else { None }
}

/// The project, if there is one; else the container; without a name of its own it is called like the service.
fn read(section: &Section<'_>, name: Option<&ServiceName>) -> Option<Workload> {
    if let Some(text) = section.text("project") {
        if let Some(at) = section.place("container") {
            let advice = "a service is all of a project or one container: drop one of them";
            section.problems.report(at, "`container` means nothing with `project`", advice);
        }
        return section.parsed("project", Some(text), ProjectName::parse).map(Workload::Project);
    }
    let container = match section.text("container") {
        Some(text) => section.parsed("container", Some(text), ContainerName::parse),
        None => name.and_then(|name| ContainerName::parse(name.as_str()).ok()),
    };
    container.map(Workload::Docker)
}
