//! A container of Docker Engine.

use super::Kind;
use crate::{
    config::section::Section,
    domain::{
        names::{ContainerName, ServiceName},
        runtime::Workload,
    },
};

pub(super) const KIND: Kind =
    Kind { name: "docker", key: "container", others: &["dir", "branch", "update", "stop_timeout"], read };

/// The container; without a name of its own it is called like the service.
fn read(section: &Section<'_>, name: Option<&ServiceName>) -> Option<Workload> {
    let container = match section.text("container") {
        Some(text) => section.parsed("container", Some(text), ContainerName::parse),
        None => name.and_then(|name| ContainerName::parse(name.as_str()).ok()),
    };
    container.map(Workload::Docker)
}
