//! What `opsroom check` says of changes on the bot's own machine.

use crate::{
    config::{Settings, Transport},
    domain::names::HostName,
    local::scope::Scope,
};

/// A warning where the end of the bot would be the end of a job. Nothing where no
/// service is on the bot's own machine.
pub fn local_jobs(settings: &Settings) -> Option<String> {
    let has_services = |name: &HostName| settings.inventory.services.iter().any(|service| service.host == *name);
    let local =
        settings.hosts.iter().find(|host| matches!(host.transport, Transport::Local) && has_services(&host.name))?;
    let why = Scope::here().warning()?;
    Some(format!("changes on {} run beside the bot: {why}.", local.name))
}
