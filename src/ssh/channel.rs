//! Channels, and those that nobody waits for any more.
//!
//! sshd counts a session until its process has ended, whatever we close. A
//! command that was given up therefore leaves a *ghost*: its slot is gone for
//! this connection until the process ends, perhaps for ever.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use russh::client::Msg;
use tokio::task::JoinSet;

type Channel = russh::Channel<Msg>;
type ReadHalf = russh::ChannelReadHalf;
type WriteHalf = russh::ChannelWriteHalf<Msg>;

/// A channel that is closed when it is dropped.
pub(super) struct Opened {
    channel: Option<Channel>,
    janitor: Arc<Janitor>,
}

impl Opened {
    pub(super) fn new(channel: Channel, janitor: Arc<Janitor>) -> Self {
        Self { channel: Some(channel), janitor }
    }

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
pub(super) struct Janitor {
    tasks: Mutex<JoinSet<()>>,
    /// A future may be dropped on a thread that knows no runtime.
    runtime: tokio::runtime::Handle,
    ghosts: Arc<AtomicUsize>,
}

impl Janitor {
    pub(super) fn new() -> Self {
        Self {
            tasks: Mutex::new(JoinSet::new()),
            runtime: tokio::runtime::Handle::current(),
            ghosts: Arc::new(AtomicUsize::new(0)),
        }
    }

    /// How many given-up commands still hold a slot on the host.
    pub(super) fn ghosts(&self) -> usize {
        self.ghosts.load(Ordering::Relaxed)
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
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
