//! Services that were found on hosts: in no config, but kept in the ledger, so
//! that one has the same name for as long as it is there.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    discovery::{Found, Policy, Shown},
    inventory::{Inventory, Service},
    names::{HostName, LoginName, ServiceName},
    proposal::{Proposal, proposals},
    rights::Rights,
    runtime::workload::Workload,
    watch,
};

/// Services that one host may bring: more would make every list useless.
pub const MOST: usize = 200;
/// What comes up becomes a service once it is there for so long.
pub const STAYS: SignedDuration = SignedDuration::from_secs(10);

/// A service that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundService {
    /// Its name in the room.
    pub name: ServiceName,
    /// Where it runs.
    pub host: HostName,
    /// The login that it was shown to, where that is not the SSH user.
    pub login: Option<LoginName>,
    /// What it is there.
    pub workload: Workload,
    /// Since when it is not shown any more.
    pub missing_since: Option<Timestamp>,
}

/// What a runtime showed to a login of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// To whom; none is the SSH user.
    pub login: Option<LoginName>,
    /// Which runtime, by its label.
    pub runtime: &'static str,
    /// What.
    pub shown: Shown,
}

/// What is different since a host was last asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// New ones.
    pub added: Vec<FoundService>,
    /// Known ones that are missing, or back.
    pub updated: Vec<FoundService>,
    /// Those that are gone.
    pub gone: Vec<FoundService>,
    /// How many more were allowed than one host may bring.
    pub left_out: usize,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Roster {
    services: BTreeMap<ServiceName, FoundService>,
    /// Since when what is no service yet is there, on hosts that were asked before.
    seen: BTreeMap<HostName, HashMap<(Workload, Option<LoginName>), Timestamp>>,
}

impl FoundService {
    fn service(&self, policy: &Policy, watched: &watch::Policy) -> Service {
        Service {
            run_as: self.login.clone(),
            // Nobody said that it has to be there.
            watch: watch::Policy { optional: true, ..watched.clone() },
            rights: policy.rights,
            ..Service::new(self.name.clone(), self.host.clone(), self.workload.clone())
        }
    }

    fn is_same(&self, workload: &Workload, login: Option<&LoginName>) -> bool {
        self.workload == *workload && (!workload.is_of_a_login() || self.login.as_ref() == login)
    }
}

impl Roster {
    /// Goes on with what an earlier process had found. What the config does not
    /// allow any more, or has itself by now, is given back.
    pub fn restore(&mut self, kept: Vec<FoundService>, inventory: &Inventory) -> Vec<FoundService> {
        let mut dropped = Vec::new();
        for service in kept {
            let is_allowed = policy(&service.host, inventory).is_some_and(|policy| {
                let logs_in = policy.all_logins().any(|login| login == service.login.as_ref());
                logs_in && policy.allows(&service.workload)
            });
            let is_configured =
                inventory.on_host(&service.host).any(|other| service.is_same(&other.workload, other.run_as.as_ref()));
            let mut others = inventory.services.iter();
            let is_taken = others.any(|other| other.name.as_str().eq_ignore_ascii_case(service.name.as_str()));
            if is_allowed && !is_configured && !is_taken {
                self.services.insert(service.name.clone(), service);
            } else {
                dropped.push(service);
            }
        }
        dropped
    }

    /// A host was asked what runs there; `inventory` has what was found so far.
    /// What is `busy` is not gone, whatever is shown.
    pub fn listed(
        &mut self,
        host: &HostName,
        listings: &[Listing],
        inventory: &Inventory,
        busy: impl Fn(&ServiceName) -> bool,
        now: Timestamp,
    ) -> Changes {
        let Some(policy) = policy(host, inventory) else { return Changes::default() };
        let gone_after = SignedDuration::try_from(policy.gone_after).unwrap_or(SignedDuration::MAX);
        let mut changes = Changes::default();
        for known in self.services.values_mut().filter(|service| service.host == *host) {
            let listing = listings
                .iter()
                .find(|listing| listing.login == known.login && listing.runtime == known.workload.runtime().label());
            // A runtime that did not answer says nothing.
            let Some(listing) = listing.filter(|listing| listing.shown.covers(&known.workload)) else { continue };
            let shown = listing.shown.found.iter().find(|found| found.workload == known.workload);
            // The config has a part of it by now.
            if shown.is_some_and(|found| is_configured_in_part(found, host, inventory)) && !busy(&known.name) {
                changes.gone.push(known.clone());
                continue;
            }
            match (shown.is_some(), known.missing_since) {
                (true, Some(_)) => known.missing_since = None,
                (false, None) => known.missing_since = Some(now),
                (false, Some(since)) if now.duration_since(since) >= gone_after && !busy(&known.name) => {
                    changes.gone.push(known.clone());
                    continue;
                }
                (true, None) | (false, Some(_)) => continue,
            }
            changes.updated.push(known.clone());
        }
        for gone in &changes.gone {
            self.services.remove(&gone.name);
        }
        let allowed = listings.iter().flat_map(|listing| {
            let found = listing.shown.found.iter().filter(|found| policy.allows(&found.workload));
            found.map(|found| (listing.login.clone(), found.clone()))
        });
        let mut new = proposals(allowed.collect(), host, inventory);
        // A part of it is a service already: each death would be told twice.
        new.retain(|proposal| proposal.overlaps.is_empty());
        self.settle(host, &mut new, now);
        let room = MOST.saturating_sub(self.services.values().filter(|service| service.host == *host).count());
        changes.left_out = new.len().saturating_sub(room);
        for Proposal { name, found, run_as, .. } in new.into_iter().take(room) {
            let login = run_as;
            let (host, workload) = (host.clone(), found.workload);
            let service = FoundService { name: name.clone(), host, login, workload, missing_since: None };
            changes.added.push(service.clone());
            self.services.insert(name, service);
        }
        changes
    }

    /// Keeps of what is new that which is there for longer than a moment: not each
    /// run of something is a service. What is there when a host is first asked is.
    fn settle(&mut self, host: &HostName, new: &mut Vec<Proposal>, now: Timestamp) {
        let Some(seen) = self.seen.get(host) else {
            self.seen.insert(host.clone(), HashMap::new());
            return;
        };
        let key = |proposal: &Proposal| (proposal.found.workload.clone(), proposal.run_as.clone());
        let first: HashMap<_, _> = new.iter().map(|new| (key(new), *seen.get(&key(new)).unwrap_or(&now))).collect();
        new.retain(|new| first.get(&key(new)).is_some_and(|at| now.duration_since(*at) >= STAYS));
        self.seen.insert(host.clone(), first);
    }

    /// All that was found, as services.
    pub fn services(&self, inventory: &Inventory) -> Vec<Service> {
        as_services(self.services.values(), inventory)
    }
}

/// What was found, as services.
pub fn as_services<'a>(found: impl IntoIterator<Item = &'a FoundService>, inventory: &Inventory) -> Vec<Service> {
    let service =
        |found: &FoundService| Some(found.service(policy(&found.host, inventory)?, &inventory.watch.services));
    found.into_iter().filter_map(service).collect()
}

/// Whether a service of the config is a part of it.
fn is_configured_in_part(found: &Found, host: &HostName, inventory: &Inventory) -> bool {
    let is_part = |service: &Service| found.parts.iter().any(|part| part.as_str() == service.workload.name());
    inventory.on_host(host).any(|service| service.rights == Rights::Change && is_part(service))
}

fn policy<'a>(host: &HostName, inventory: &'a Inventory) -> Option<&'a Policy> {
    inventory.host(host)?.discover.as_ref()
}
