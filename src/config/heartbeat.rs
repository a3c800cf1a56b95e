//! `[heartbeat]`: who is told that the bot lives.

use std::time::Duration;

use super::{section::Section, settings::HeartbeatSettings, surroundings::Surroundings};

/// More often wears whoever listens.
const SHORTEST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// `None` only when a problem was reported.
pub(super) fn read(section: &Section<'_>, outside: &Surroundings<'_>) -> Option<HeartbeatSettings> {
    let every = section.duration("every", Duration::from_secs(60), SHORTEST..=LONGEST);
    let url = outside.secret(section, "url_file", "url_env");
    if url.is_none() && section.place("url_file").is_none() && section.place("url_env").is_none() {
        section.missing("url_file", "name a file that holds the URL, or a variable with `url_env`");
    }
    Some(HeartbeatSettings { url: url?.value, every })
}
