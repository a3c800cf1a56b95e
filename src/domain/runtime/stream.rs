//! Event streams: one per login and runtime.

use jiff::Timestamp;

use super::Runtime;
use crate::domain::{names::LoginName, shell};

/// Marks the host's clock in the output of [`command`].
const CLOCK: &str = "::opsroom-clock ";

/// A stream of what happens, for as long as standard input stays open: a tool
/// would outlive the connection otherwise, because it notices a closed pipe only
/// at the next event.
///
/// `since` is the time of the last event that is known, by the host's clock:
/// what came after it is told again, as far as it is remembered. The first line
/// is that clock, for when nothing has happened before the stream breaks.
pub fn command(runtime: &dyn Runtime, login: Option<&LoginName>, since: Option<Timestamp>) -> Option<String> {
    let events = runtime.events(since)?;
    let text = format!("echo \"{CLOCK}$(date +%s)\"; {}", shell::until_hung_up(&events));
    Some(shell::script(login, &text))
}

/// Reads the host's clock, if this is the line that tells it.
pub fn read_clock(line: &str) -> Option<Timestamp> {
    Timestamp::from_second(line.strip_prefix(CLOCK)?.trim().parse().ok()?).ok()
}
