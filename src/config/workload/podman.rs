//! A container of Podman.

use super::Kind;
use crate::{
    config::section::Section,
    domain::{
        names::{ContainerName, ServiceName},
        runtime::Workload,
    },
};

pub(super) const KIND: Kind =
    Kind { name: "podman", key: "container", others: &["stop_timeout"], strategies: &[], read, write };

fn write(workload: &Workload) -> Option<String> {
    let Workload::Podman(container) = workload else { return None };
    Some(format!("runtime = \"podman\"\ncontainer = {:?}", container.as_str()))
}

/// The container; without a name of its own it is called like the service.
fn read(section: &Section<'_>, name: Option<&ServiceName>) -> Option<Workload> {
    let container = match section.text("container") {
        Some(text) => section.parsed("container", Some(text), ContainerName::parse),
        None => name.and_then(|name| ContainerName::parse(name.as_str()).ok()),
    };
    container.map(Workload::Podman)
}
