//! Who is to be examined.

use crate::domain::{
    inventory::{Inventory, Service},
    names::HostName,
    selector::{self, NoMatch, Selector},
};

/// A host and those of its services that are to be examined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The host.
    pub host: HostName,
    /// Services on it; none for one that others are reached through.
    pub services: Vec<Service>,
}

/// Whom the words name, in config order: services by any selector, hosts also
/// by their bare names. No word at all means everybody.
pub fn targets(written: &[String], inventory: &Inventory) -> Result<Vec<Target>, NoMatch> {
    let selectors = written.iter().map(|word| selector(word, inventory)).collect::<Result<Vec<_>, _>>()?;
    let services = selector::select(&selectors, inventory)?;
    let targets = inventory.hosts.iter().map(|host| Target {
        host: host.name.clone(),
        services: services.iter().filter(|s| s.host == host.name).map(|s| (*s).clone()).collect(),
    });
    Ok(targets.filter(|target| written.is_empty() || !target.services.is_empty()).collect())
}

fn selector(word: &str, inventory: &Inventory) -> Result<Selector, NoMatch> {
    let is_service = inventory.services.iter().any(|service| service.name.as_str().eq_ignore_ascii_case(word));
    let is_host = inventory.hosts.iter().any(|host| host.name.as_str().eq_ignore_ascii_case(word));
    if is_host && !is_service { Selector::parse(&format!("{word}:")) } else { Selector::parse(word) }
}
