//! `opsroom discover`: what runs on a host and is not in the config, as the
//! lines that would add it. Nothing is changed, on the host or here.

use std::io::Write as _;

use anyhow::Context as _;

use super::remotes::remotes;
use crate::{
    config::{self, Settings},
    domain::{
        names::{HostName, LoginName},
        proposal, suggest,
    },
    engine::discover::listings,
};

/// Asks each runtime on a host, and prints what could be added.
pub async fn discover(settings: Settings, host: String, run_as: Option<LoginName>) -> anyhow::Result<()> {
    let names = || settings.hosts.iter().map(|host| host.name.as_str());
    let host =
        HostName::parse(&host).ok().filter(|name| names().any(|known| known == name.as_str())).with_context(|| {
            let near = suggest::nearest(&host, names()).map_or(String::new(), |near| format!("; did you mean {near}?"));
            format!("no [[host]] in the config is called {host:?}{near}")
        })?;
    let remotes = remotes(&settings)?;
    let remote = remotes.get(&host).context("there is no way to that host")?;
    let policy = settings.hosts.iter().find(|known| known.name == host).and_then(|host| host.discover.as_ref());
    let sought = policy.map(|policy| policy.sought.clone()).unwrap_or_default();
    let (listings, silent) = listings(&**remote, &host, run_as.as_ref(), &sought).await;
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    for listing in listings {
        found.extend(listing.shown.found.into_iter().map(|found| (run_as.clone(), found)));
        refused.extend(listing.shown.refused);
    }
    let proposals = proposal::proposals(found, &host, &settings.inventory);
    let silent: Vec<String> = silent.iter().map(ToString::to_string).collect();
    // What the others show is true all the same.
    if silent.is_empty() || !proposals.is_empty() {
        writeln!(std::io::stdout(), "{}", config::proposal::text(&host, &proposals, &refused))
            .context("standard output is closed")?;
    }
    anyhow::ensure!(silent.is_empty(), "{}", silent.join("; "));
    Ok(())
}
