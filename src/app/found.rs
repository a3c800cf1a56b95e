//! What runs on hosts, asked once, for whoever looks at a set-up.

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use crate::{
    config::Settings,
    domain::{
        inventory::Inventory,
        roster::{Roster, as_services},
    },
    engine::discover::{NotShown, listings},
    ports::Remotes,
};

/// Hosts asked at once.
const AT_ONCE: usize = 16;

/// What is managed, with what hosts would bring that have a `discover`; and what
/// runtimes say that show nothing.
pub(super) async fn with_found(settings: &Settings, remotes: &Remotes) -> (Inventory, Vec<String>) {
    let hosts = settings.hosts.iter().filter_map(|host| Some((&host.name, host.discover.as_ref()?)));
    let asked = stream::iter(hosts).map(|(host, policy)| async move {
        let (mut shown, mut complaints) = (Vec::new(), Vec::new());
        let Some(remote) = remotes.get(host) else { return (host, shown, complaints) };
        for login in policy.all_logins() {
            let (more, silent) = listings(&**remote, host, login, &policy.sought).await;
            shown.extend(more);
            // A host that is not reached is found to be that anyway.
            complaints.extend(silent.into_iter().filter_map(|why| match why {
                NotShown::Refused(said) => Some(said),
                NotShown::NotAsked(_) => None,
            }));
        }
        (host, shown, complaints)
    });
    let (mut inventory, mut all) = (settings.inventory.clone(), Vec::new());
    let mut roster = Roster::default();
    let asked: Vec<_> = asked.buffered(AT_ONCE).collect().await;
    for (host, shown, complaints) in asked {
        let changes = roster.listed(host, &shown, &inventory, |_| false, Timestamp::now());
        inventory.services.extend(as_services(&changes.added, &settings.inventory));
        all.extend(complaints);
    }
    (inventory, all)
}
