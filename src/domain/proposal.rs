//! What is found on a host and is no service yet, with the name it would have.

use std::collections::{BTreeSet, HashSet};

use super::{
    discovery::Found,
    inventory::Inventory,
    names::{HostName, LoginName, ServiceName},
    runtime::workload::Workload,
};

/// Something that could be added to the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// A name that no service has yet.
    pub name: ServiceName,
    /// What it is.
    pub found: Found,
    /// The login that it was shown to, where that is not the SSH user.
    pub run_as: Option<LoginName>,
    /// Services of the config that are a part of it.
    pub overlaps: Vec<ServiceName>,
}

/// What of a host is no service yet, as its logins saw it, each with a name of its own.
pub fn proposals(found: Vec<(Option<LoginName>, Found)>, host: &HostName, inventory: &Inventory) -> Vec<Proposal> {
    let mut taken: BTreeSet<String> =
        inventory.services.iter().map(|service| service.name.as_str().to_lowercase()).collect();
    let there: Vec<_> = inventory.on_host(host).collect();
    // What all logins see is the same to each.
    let own = |workload: &Workload, login: &Option<LoginName>| {
        (workload.clone(), login.clone().filter(|_| workload.is_of_a_login()))
    };
    let mut known: HashSet<_> = there.iter().map(|service| own(&service.workload, &service.run_as)).collect();
    let mut proposals = Vec::new();
    for (run_as, found) in found {
        if !known.insert(own(&found.workload, &run_as)) {
            continue;
        }
        // A service's name may be shorter than what it stands for.
        let own = found.workload.short_name();
        // With the host's name it may be too long for one; with a number it is not.
        let names = [own.clone(), format!("{own}-{host}")].into_iter().chain((2..).map(|n| format!("{own}-{n}")));
        let free = names.filter(|name| name != "all" && !taken.contains(&name.to_lowercase()));
        let Some(name) = free.take(1_000).find_map(|name| ServiceName::parse(&name).ok()) else { continue };
        taken.insert(name.as_str().to_lowercase());
        let is_part = |workload: &Workload| found.parts.iter().any(|part| part.as_str() == workload.name());
        let overlaps = there.iter().filter(|service| is_part(&service.workload)).map(|service| service.name.clone());
        proposals.push(Proposal { name, overlaps: overlaps.collect(), run_as, found });
    }
    proposals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::names::ContainerName;

    #[test]
    fn what_is_found_gets_a_name_of_its_own_however_long_it_and_its_host_are() {
        let host = HostName::parse(&"h".repeat(63)).unwrap();
        let found = |name: &str| {
            let workload = Workload::Docker(ContainerName::parse(name).unwrap());
            Found { workload, parts: Vec::new(), dir: None, state: "running".to_owned() }
        };
        let long = ["x", "y"].map(|end| format!("{}{end}", "c".repeat(100)));
        let all =
            proposals(["all", &long[0], &long[1]].map(|name| (None, found(name))).into(), &host, &Inventory::default());
        let names: Vec<&str> = all.iter().map(|proposal| proposal.name.as_str()).collect();
        assert_eq!(names, ["all-2", &"c".repeat(40), &format!("{}-2", "c".repeat(40))]);
    }
}
