//! What runs on a host and is in no config yet.

use std::collections::BTreeSet;

use super::{
    inventory::Inventory,
    names::{ContainerName, HostName, LoginName, RemoteDir, ServiceName},
    runtime::Workload,
};

/// Something that a runtime shows and that could be a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is there.
    pub workload: Workload,
    /// Its parts by name, where it has some.
    pub parts: Vec<ContainerName>,
    /// Where its files are, as far as it says.
    pub dir: Option<RemoteDir>,
    /// How it is, in a few words: "3 running, 1 exited".
    pub state: String,
}

/// What a runtime showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// What could be a service, in the order of its names.
    pub found: Vec<Found>,
    /// What has a name, or a shape, that no service can have; as it was shown.
    pub refused: Vec<String>,
}

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

/// What of a host is not in the config, each with a name of its own.
pub fn proposals(
    found: Vec<Found>,
    host: &HostName,
    run_as: Option<&LoginName>,
    inventory: &Inventory,
) -> Vec<Proposal> {
    let mut taken: BTreeSet<String> =
        inventory.services.iter().map(|service| service.name.as_str().to_lowercase()).collect();
    let there: Vec<_> = inventory.on_host(host).collect();
    let known = |workload: &Workload| {
        let own = |login| !workload.is_of_a_login() || login == run_as;
        there.iter().any(|service| service.workload == *workload && own(service.run_as.as_ref()))
    };
    let mut proposals = Vec::new();
    for found in found.into_iter().filter(|found| !known(&found.workload)) {
        // A service's name may be shorter than what it stands for.
        let own: String = found.workload.name().chars().take(40).collect();
        // With the host's name it may be too long for one; with a number it is not.
        let names = [own.clone(), format!("{own}-{host}")].into_iter().chain((2..).map(|n| format!("{own}-{n}")));
        let free = names.filter(|name| name != "all" && !taken.contains(&name.to_lowercase()));
        let Some(name) = free.take(1_000).find_map(|name| ServiceName::parse(&name).ok()) else { continue };
        taken.insert(name.as_str().to_lowercase());
        let is_part = |workload: &Workload| found.parts.iter().any(|part| part.as_str() == workload.name());
        let overlaps = there.iter().filter(|service| is_part(&service.workload)).map(|service| service.name.clone());
        proposals.push(Proposal { name, overlaps: overlaps.collect(), run_as: run_as.cloned(), found });
    }
    proposals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_gets_a_name_of_its_own_however_long_it_and_its_host_are() {
        let host = HostName::parse(&"h".repeat(63)).unwrap();
        let found = |name: &str| {
            let workload = Workload::Docker(ContainerName::parse(name).unwrap());
            Found { workload, parts: Vec::new(), dir: None, state: "running".to_owned() }
        };
        let long = ["x", "y"].map(|end| format!("{}{end}", "c".repeat(100)));
        let all = proposals(vec![found("all"), found(&long[0]), found(&long[1])], &host, None, &Inventory::default());
        let names: Vec<&str> = all.iter().map(|proposal| proposal.name.as_str()).collect();
        assert_eq!(names, ["all-2", &"c".repeat(40), &format!("{}-2", "c".repeat(40))]);
    }
}
