//! What all changes have in common, whatever runs the service.

use std::time::Duration;

use crate::domain::{change::Change, inventory::Service, shell};

/// The limit of everything that deploys nothing, beside the time it may take to
/// stop.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// Part of a script: how it says that nothing was touched.
pub(super) const REFUSE: &str = include_str!("refuse.sh");
/// Part of a script, behind [`REFUSE`]: the locks of the host. The header gives
/// `owner` and `change`.
pub(super) const LOCK: &str = include_str!("lock.sh");
/// Part of a script: what it tells last. `see` leaves what is there in `$seen`.
pub(super) const FINISH: &str = include_str!("finish.sh");

/// Part of a script, behind [`REFUSE`]: whether the directory can be deployed.
/// The header gives `dir`, `branch`, `min_free`, `discard` and `preview`.
pub(super) const DIRECTORY: &str = include_str!("directory.sh");
/// Part of a script, behind [`DIRECTORY`]: what is new at the remote.
pub(super) const FETCH: &str = include_str!("fetch.sh");
/// Part of a script: submodules.
pub(super) const SUBMODULES: &str = include_str!("submodules.sh");

/// Why a service cannot be changed that way, whatever its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotPossible {
    /// It has no directory in the config, so nothing to fetch or compose.
    NoDirectory,
    /// Its own script puts versions in place, and none is given for going back.
    NoUndo,
    /// Its own script puts versions in place: which one is that script's affair.
    NoChoice,
    /// Its runtime runs it as its files say, and not so many of it.
    NoReplicas,
    /// There is neither a clone nor a script of its own to update it with.
    NoStrategy,
}

/// How long the host lets a change take.
pub fn limit(change: Change, service: &Service) -> Duration {
    if change.deploys() { service.update.timeout } else { LIMIT + service.stop_timeout.unwrap_or_default() }
}

/// How much longer it may take to put things back when that time is over.
pub fn aftercare(service: &Service) -> Duration {
    let stops = service.stop_timeout.unwrap_or(Duration::from_secs(10)) * 2;
    Duration::from_secs(60) + stops + service.update.verify + service.update.healthy_within
}

/// A script's header: what differs from service to service, all of it quoted.
pub(super) fn header(variables: &[(&str, &str)]) -> String {
    variables.iter().map(|(name, value)| format!("{name}={}\n", shell::quote(value))).collect()
}

/// A script of its header and its parts, which are files.
pub(super) fn assemble(header: String, parts: &[&str]) -> String {
    parts.iter().fold(header, |script, part| script + shell::terse(part).as_str())
}
