//! A service of a swarm, or a stack.

use super::Kind;
use crate::{
    config::section::Section,
    domain::{
        names::{ServiceName, StackName},
        runtime::Workload,
    },
};

pub(super) const KIND: Kind =
    Kind { name: "swarm", key: "service", others: &["stack", "update"], strategies: &["pull"], read, write };

fn write(workload: &Workload) -> Option<String> {
    match workload {
        Workload::Swarm(name) => Some(format!("runtime = \"swarm\"\nservice = {:?}", name.as_str())),
        Workload::Stack(name) => Some(format!("runtime = \"swarm\"\nstack = {:?}", name.as_str())),
        _ => None,
    }
}

/// The stack, if there is one; else the service; without a name of its own it is called like the service here.
fn read(section: &Section<'_>, name: Option<&ServiceName>) -> Option<Workload> {
    if let Some(text) = section.text("stack") {
        if let Some(at) = section.place("service") {
            let advice = "a service is all of a stack or one service of the swarm: drop one of them";
            section.problems.report(at, "`service` means nothing with `stack`", advice);
        }
        return section.parsed("stack", Some(text), StackName::parse).map(Workload::Stack);
    }
    let service = match section.text("service") {
        Some(text) => section.parsed("service", Some(text), StackName::parse),
        None => name.and_then(|name| StackName::parse(name.as_str()).ok()),
    };
    service.map(Workload::Swarm)
}
