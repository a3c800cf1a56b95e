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
    // Nothing runs there yet; it can be examined all the same.
    let (bare, others): (Vec<&String>, Vec<&String>) =
        written.iter().partition(|word| inventory.hosts.iter().any(|host| is_bare(&host.name, word, inventory)));
    let selectors = others.iter().map(|word| selector(word, inventory)).collect::<Result<Vec<_>, _>>()?;
    let services =
        if others.is_empty() && !bare.is_empty() { Vec::new() } else { selector::select(&selectors, inventory)? };
    let targets = inventory.hosts.iter().map(|host| Target {
        host: host.name.clone(),
        services: services.iter().filter(|s| s.host == host.name).map(|s| (*s).clone()).collect(),
    });
    let is_named = |target: &Target| {
        written.is_empty()
            || !target.services.is_empty()
            || bare.iter().any(|word| is_bare(&target.host, word, inventory))
    };
    Ok(targets.filter(is_named).collect())
}

/// Whether a word names a host on which no service is.
fn is_bare(host: &HostName, word: &str, inventory: &Inventory) -> bool {
    let is_named = host.as_str().eq_ignore_ascii_case(word.strip_suffix(':').unwrap_or(word));
    let is_service = inventory.services.iter().any(|service| service.name.as_str().eq_ignore_ascii_case(word));
    is_named && !is_service && inventory.on_host(host).next().is_none()
}

fn selector(word: &str, inventory: &Inventory) -> Result<Selector, NoMatch> {
    let is_service = inventory.services.iter().any(|service| service.name.as_str().eq_ignore_ascii_case(word));
    let is_host = inventory.hosts.iter().any(|host| host.name.as_str().eq_ignore_ascii_case(word));
    if is_host && !is_service { Selector::parse(&format!("{word}:")) } else { Selector::parse(word) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inventory::Host;

    #[test]
    fn a_host_on_which_nothing_is_can_be_named() {
        let host = |name: &str| Host { name: HostName::parse(name).unwrap(), any_of: vec![], discover: None };
        let inventory = Inventory { hosts: vec![host("spark-1"), host("spark-2")], ..Inventory::default() };
        let named = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let targets = targets(&words, &inventory).map_err(|_| "nothing is called that")?;
            Ok::<_, &str>(targets.iter().map(|target| target.host.to_string()).collect::<Vec<_>>())
        };
        assert_eq!(named(&["Spark-2"]), Ok(vec!["spark-2".to_owned()]));
        assert_eq!(named(&["spark-1:", "spark-2"]), Ok(vec!["spark-1".to_owned(), "spark-2".to_owned()]));
        assert_eq!(named(&[]), Ok(vec!["spark-1".to_owned(), "spark-2".to_owned()]));
        assert_eq!(named(&["spark-3"]), Err("nothing is called that"));
    }
}
