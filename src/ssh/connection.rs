//! A connection that stands: what it is, who uses it, and channels on it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use russh::client::Handle;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    channel::{Janitor, Opened},
    gatekeeper::{Gatekeeper, Witness},
};

/// One authenticated connection.
pub(super) struct Connection {
    handle: Arc<Handle<Gatekeeper>>,
    witness: Arc<Witness>,
    version: Option<String>,
    since: Instant,
    expires: Instant,
    usage: Mutex<Usage>,
    janitor: Arc<Janitor>,
    cut: CancellationToken,
    /// Keeps the jump host's connection in use for as long as this one lives.
    _through: Option<Lease>,
}

struct Usage {
    leases: usize,
    last: Instant,
}

/// Why no channel was opened. Nothing was started.
#[derive(Debug)]
pub(super) enum NotOpened {
    /// The host refused: too many sessions, or a target it cannot reach.
    Refused(russh::ChannelOpenFailure),
    /// The connection is gone; the clause says why.
    Gone(String),
    /// The host did not answer in time.
    Silent,
}

/// What a channel is opened for.
#[derive(Debug, Clone)]
pub(super) enum Purpose {
    /// Running one command.
    Session,
    /// A TCP connection from the host onwards.
    Tcp { address: String, port: u16 },
}

impl Connection {
    pub(super) fn new(
        handle: Handle<Gatekeeper>,
        witness: Arc<Witness>,
        version: Option<String>,
        recycle_after: Duration,
        cut: CancellationToken,
        through: Option<Lease>,
    ) -> Self {
        let since = Instant::now();
        Self {
            handle: Arc::new(handle),
            witness,
            version,
            since,
            expires: since + recycle_after,
            usage: Mutex::new(Usage { leases: 0, last: since }),
            janitor: Arc::new(Janitor::new()),
            cut,
            _through: through,
        }
    }

    /// Whether new commands may go on it.
    pub(super) fn is_usable(&self) -> bool {
        !self.handle.is_closed() && Instant::now() < self.expires
    }

    /// Since when it stands.
    pub(super) fn since(&self) -> Instant {
        self.since
    }

    /// The host's software, from its greeting.
    pub(super) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// `ssh-ed25519 SHA256:…`.
    pub(super) fn host_key(&self) -> Option<&str> {
        self.witness.host_key()
    }

    /// Since when nothing uses it; `None` while something does.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        (usage.leases == 0).then_some(usage.last)
    }

    /// How many given-up commands still hold a slot on the host.
    pub(super) fn ghosts(&self) -> usize {
        self.janitor.ghosts()
    }

    /// Why it ended, as a clause; `None` while it stands.
    pub(super) fn end(&self) -> Option<String> {
        self.handle.is_closed().then(|| self.witness.end().unwrap_or("the connection ended").to_owned())
    }

    /// Ends it at once, with everything on it.
    pub(super) fn cut(&self) {
        self.cut.cancel();
    }

    /// Opens a channel. The opening goes on when the asker leaves, so that a
    /// channel that is confirmed afterwards is closed again: russh would leave
    /// it open, and sshd would count it for ever.
    pub(super) async fn open(&self, purpose: Purpose, deadline: Instant) -> Result<Opened, NotOpened> {
        let (reply, answer) = oneshot::channel();
        let handle = Arc::clone(&self.handle);
        let janitor = Arc::clone(&self.janitor);
        self.janitor.spawn(async move {
            let channel = match purpose {
                Purpose::Session => handle.channel_open_session().await,
                Purpose::Tcp { address, port } => {
                    handle.channel_open_direct_tcpip(address, port.into(), "127.0.0.1", 0).await
                }
            };
            // Dropping an `Opened` closes its channel, wherever it is dropped.
            let _ = reply.send(channel.map(|channel| Opened::new(channel, janitor)));
        });
        match timeout_at(deadline, answer).await {
            Ok(Ok(Ok(opened))) => Ok(opened),
            Ok(Ok(Err(russh::Error::ChannelOpenFailure(reason)))) => Err(NotOpened::Refused(reason)),
            Ok(Ok(Err(_)) | Err(_)) => {
                Err(NotOpened::Gone(self.witness.end().unwrap_or("the connection ended").to_owned()))
            }
            Err(_) => Err(NotOpened::Silent),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.cut.cancel();
    }
}

/// Keeps a connection from being closed as idle.
pub(super) struct Lease(Arc<Connection>);

impl Lease {
    pub(super) fn new(connection: &Arc<Connection>) -> Self {
        connection.usage.lock().unwrap_or_else(PoisonError::into_inner).leases += 1;
        Self(Arc::clone(connection))
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut usage = self.0.usage.lock().unwrap_or_else(PoisonError::into_inner);
        usage.leases -= 1;
        usage.last = Instant::now();
    }
}
