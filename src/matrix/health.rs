//! Whether the bot hears anything: the time of the last good sync, and what is
//! said about outages.
//!
//! An outage is logged when it begins, when its cause changes, and when it
//! ends; not at each attempt.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tracing::{debug, info, warn};

use super::notice::Notice;

/// Takes notices. Whoever listens may be slow; what does not fit is logged.
///
/// The loop alone holds the channel open: when it ends, whoever listens learns
/// of it, though the bot's mouth lives on.
#[derive(Debug, Clone)]
pub(super) struct Notices(mpsc::WeakSender<Notice>);

impl Notices {
    pub(super) fn to(sender: &mpsc::Sender<Notice>) -> Self {
        Self(sender.downgrade())
    }

    pub(super) fn say(&self, notice: Notice) {
        if let Some(Err(error)) = self.0.upgrade().map(|sender| sender.try_send(notice)) {
            warn!(%error, "nobody takes the Matrix side's notices");
        }
    }
}

/// The state of the connection, over all sessions and restarts of the sync.
#[derive(Debug)]
pub(super) struct Health {
    last_good: watch::Sender<Option<Instant>>,
    notices: Notices,
    /// When the last good sync was, or when the process began to try.
    since: Instant,
    cause: Option<String>,
}

impl Health {
    pub(super) fn new(last_good: watch::Sender<Option<Instant>>, notices: Notices) -> Self {
        Self { last_good, notices, since: Instant::now(), cause: None }
    }

    /// A sync came back.
    pub(super) fn good(&mut self) {
        let now = Instant::now();
        if self.cause.take().is_some() {
            let after = now - self.since;
            info!(seconds = after.as_secs_f32(), "syncing again");
            self.notices.say(Notice::ConnectionRestored { after });
        }
        self.since = now;
        self.last_good.send_replace(Some(now));
    }

    /// A sync, or what has to go before it, failed.
    pub(super) fn failed(&mut self, cause: String) {
        match &self.cause {
            None => {
                warn!(%cause, "the sync failed");
                self.notices.say(Notice::ConnectionLost { cause: cause.clone() });
            }
            Some(before) if *before != cause => warn!(%cause, "the sync still fails, now differently"),
            Some(_) => debug!(%cause, "the sync still fails"),
        }
        self.cause = Some(cause);
    }

    /// Whether the last sync failed.
    pub(super) fn is_failing(&self) -> bool {
        self.cause.is_some()
    }

    /// How long nothing was heard.
    pub(super) fn silent_for(&self) -> Duration {
        self.since.elapsed()
    }
}
