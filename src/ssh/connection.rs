//! A connection that stands: opens channels on it, and looks after those that
//! nobody waits for any more.
//!
//! sshd counts a session until its process has ended, whatever we close. A
//! command that was given up therefore leaves a *ghost*: its slot is gone for
//! this connection until the process ends, perhaps for ever.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use russh::client::{Handle, Msg};
use tokio::{
    sync::oneshot,
    task::JoinSet,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::host_key::{Gatekeeper, Witness};

pub(super) type Channel = russh::Channel<Msg>;
type ReadHalf = russh::ChannelReadHalf;
type WriteHalf = russh::ChannelWriteHalf<Msg>;

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
        self.janitor.ghosts.load(Ordering::Relaxed)
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
            let _ = reply.send(channel.map(|channel| Opened { channel: Some(channel), janitor }));
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

/// A channel that is closed when it is dropped.
pub(super) struct Opened {
    channel: Option<Channel>,
    janitor: Arc<Janitor>,
}

impl Opened {
    /// The bare channel: whoever takes it closes it.
    pub(super) fn into_channel(mut self) -> Option<Channel> {
        self.channel.take()
    }

    /// Its two halves, still closed on drop.
    pub(super) fn into_halves(mut self) -> Option<Halves> {
        let (read, write) = self.channel.take()?.split();
        Some(Halves { read: Some(read), write: Some(write), janitor: Arc::clone(&self.janitor) })
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if let Some(channel) = self.channel.take() {
            let (read, write) = channel.split();
            self.janitor.bury(read, write);
        }
    }
}

/// A channel in use; given up when it is dropped before its end.
pub(super) struct Halves {
    read: Option<ReadHalf>,
    write: Option<WriteHalf>,
    janitor: Arc<Janitor>,
}

impl Halves {
    /// The next message; `None` when the channel or the connection has ended.
    pub(super) async fn next(&mut self) -> Option<russh::ChannelMsg> {
        let message = self.read.as_mut()?.wait().await;
        if message.is_none() {
            self.read = None;
            self.write = None;
        }
        message
    }

    /// Asks for the command to be run. An error means that it was not sent.
    pub(super) async fn exec(&self, command: &str) -> Result<(), russh::Error> {
        match &self.write {
            Some(write) => write.exec(true, command).await,
            None => Err(russh::Error::SendError),
        }
    }

    /// Ends the command's standard input. A connection that is gone shows in
    /// `next`.
    pub(super) async fn end_of_input(&self) {
        if let Some(write) = &self.write {
            let _ = write.eof().await;
        }
    }
}

impl Drop for Halves {
    fn drop(&mut self) {
        if let (Some(read), Some(write)) = (self.read.take(), self.write.take()) {
            self.janitor.bury(read, write);
        }
    }
}

/// Owns the connection's small tasks. They end with the connection at the
/// latest: all of them wait for something russh gives up with it.
struct Janitor {
    tasks: Mutex<JoinSet<()>>,
    /// A future may be dropped on a thread that knows no runtime.
    runtime: tokio::runtime::Handle,
    ghosts: Arc<AtomicUsize>,
}

impl Janitor {
    fn new() -> Self {
        Self {
            tasks: Mutex::new(JoinSet::new()),
            runtime: tokio::runtime::Handle::current(),
            ghosts: Arc::new(AtomicUsize::new(0)),
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(task, &self.runtime);
    }

    /// Closes a channel and drains what still comes, until the host has closed
    /// it too.
    fn bury(&self, mut read: ReadHalf, write: WriteHalf) {
        let ghosts = Arc::clone(&self.ghosts);
        ghosts.fetch_add(1, Ordering::Relaxed);
        self.spawn(async move {
            let _ = write.close().await;
            // A write half keeps the connection open: a retired one must be
            // able to end while the ghost lives on.
            drop(write);
            while read.wait().await.is_some() {}
            ghosts.fetch_sub(1, Ordering::Relaxed);
        });
    }
}
