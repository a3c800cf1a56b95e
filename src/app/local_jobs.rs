//! What `opsroom check` says of changes on the bot's own machine.

use crate::{
    config::{HostSettings, Settings, Transport},
    domain::{names::HostName, rights::Rights},
    local::scope::Scope,
};

/// A warning where the end of the bot would be the end of a job. Nothing where no
/// service is on the bot's own machine.
pub fn local_jobs(settings: &Settings) -> Option<String> {
    let has_services = |name: &HostName| settings.inventory.on_host(name).next().is_some();
    let finds = |host: &HostSettings| host.discover.as_ref().is_some_and(|policy| policy.rights > Rights::Read);
    let is_changed = |host: &&HostSettings| has_services(&host.name) || finds(host);
    let local = settings.hosts.iter().filter(is_changed).find(|host| matches!(host.transport, Transport::Local))?;
    let why = Scope::here().warning()?;
    Some(format!("changes on {} run beside the bot: {why}.", local.name))
}
