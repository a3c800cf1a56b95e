//! Whether a death was asked for.
//!
//! `docker stop` tells `kill`, then `die`, then `stop`; `docker kill` tells
//! `kill` and `die`; a crash tells `die` alone. But a signal that did not end
//! the process (`docker kill -s HUP`, to read its config again) excuses no
//! crash an hour later.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// How long a process may take to end after the signal that asks it to, when
/// nothing else is configured: no compose file that people write gives more.
const PATIENCE: Duration = Duration::from_secs(120);
/// A signal that is not meant to end anything excuses a death at once only.
const PASSING: SignedDuration = SignedDuration::from_secs(5);
/// Between what the engine counts as the limit and the `kill` that follows.
const SLACK: Duration = Duration::from_secs(30);

/// Remembers the last signal that somebody sent.
#[derive(Debug, Default)]
pub(super) struct ExpectedStop {
    until: Option<Timestamp>,
}

impl ExpectedStop {
    /// Somebody sent it this signal.
    pub(super) fn signalled(&mut self, signal: Option<u32>, stop_timeout: Option<Duration>, now: Timestamp) {
        let patience = stop_timeout.map_or(PATIENCE, |limit| limit.max(PATIENCE)) + SLACK;
        let lasts = match signal {
            // HUP, USR1, USR2, CONT, WINCH: what daemons do things at.
            Some(1 | 10 | 12 | 18 | 28) => PASSING,
            Some(_) | None => SignedDuration::try_from(patience).unwrap_or(PASSING),
        };
        let until = now.checked_add(lasts).ok();
        self.until = self.until.max(until);
    }

    /// It was started: what was sent before does not count any more.
    pub(super) fn spent(&mut self) {
        self.until = None;
    }

    /// Whether a death now was asked for.
    pub(super) fn covers(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now <= until)
    }
}
