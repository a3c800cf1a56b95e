//! The seams between the engine and the outside.
//!
//! `matrix` and `console` implement [`Chat`]; `ssh` and `local` implement
//! [`Remote`]. No SDK's type appears here. Errors are typed by what the engine
//! can do about them: wait and retry, give up, or admit that it does not know.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::domain::{
    dashboard::Dashboard,
    inbound::Inbound,
    incident::Incident,
    message::{Body, MessageClass},
    names::{EventId, HostName, RoomId, ServiceName, UserId},
    operation::{Operation, OperationId},
    origin::Actor,
    outgoing::{MessageKey, Outgoing},
    output::Exit,
    progress::Phase,
    record::{End, Record},
    roster::FoundService,
    silence::Silence,
    watch::Saved,
};

// ---------------------------------------------------------------- Chat

/// Where sentences go: a Matrix homeserver, or a terminal.
pub trait Chat: Send + Sync + 'static {
    /// Delivers one message and returns the event it became.
    ///
    /// Delivering the same `transaction` again must not make a second
    /// message: after an error the engine does just that.
    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<EventId, ChatError>>;

    /// What an encrypted message and all its copies have, and no other message.
    /// None where messages cannot be copied by others.
    fn replay_key<'a>(&'a self, message: &'a Inbound) -> BoxFuture<'a, Result<Option<String>, ChatError>>;
}

/// One message on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The same for every attempt at this message, and for no other one.
    pub transaction: String,
    /// The room it goes to.
    pub room: RoomId,
    /// What is said.
    pub content: Content,
}

/// What a delivery carries.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Content {
    /// A new message.
    Message {
        /// Decides whether it notifies (`m.text`) or not (`m.notice`).
        class: MessageClass,
        /// Plain and formatted text.
        body: Body,
        /// The message this answers.
        reply_to: Option<EventId>,
        /// Whose phones it is for (`m.mentions`).
        mentions: Vec<UserId>,
    },
    /// A new text for an earlier message of ours. Never pushes.
    Edit {
        /// The message that is replaced.
        target: EventId,
        /// The class the target was sent with.
        class: MessageClass,
        /// The whole new text.
        body: Body,
    },
    /// A reaction to somebody's message.
    Reaction {
        /// What is reacted to.
        target: EventId,
        /// One emoji.
        key: String,
    },
    /// A message of ours that is to be pinned. What others have pinned stays.
    Pin {
        /// The message.
        target: EventId,
        /// The one that is not to be pinned any more.
        instead_of: Option<EventId>,
    },
    /// Text too long for a message, as an attachment.
    File {
        /// File name shown in the room.
        name: String,
        /// The file's text, UTF-8.
        text: String,
        /// The message this answers.
        reply_to: Option<EventId>,
    },
}

/// Why a message was not delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    /// The server asks for a pause (`M_LIMIT_EXCEEDED`); try again after it.
    #[error("the homeserver asks for a pause of {0:?}")]
    RateLimited(Duration),
    /// Not reached, or it failed on its side. The message may or may not have
    /// arrived; the same transaction tries again.
    #[error("the homeserver is not available: {0}")]
    Unavailable(String),
    /// It will never be accepted as it is (too large, not in the room…).
    #[error("the homeserver refused the message: {0}")]
    Refused(String),
}

// --------------------------------------------------------------- Inbox

/// Where a chat adapter puts what came in. The engine implements it over the
/// ledger: what was accepted is handled once, whatever dies in between.
pub trait Inbox: Send + Sync + 'static {
    /// Writes the messages durably, with the room's new position, in one step;
    /// those whose event is known already are passed over. When this returns,
    /// the adapter may forget them.
    fn accept(&self, arrived: Arrived) -> BoxFuture<'_, Result<(), InboxError>>;

    /// How far a room had been read: the last event that was accepted or
    /// passed over. `None` for a room that was never read.
    fn position<'a>(&'a self, room: &'a RoomId) -> BoxFuture<'a, Result<Option<EventId>, InboxError>>;

    /// Keeps an event that could not be decrypted until its key comes, also
    /// over a restart. `raw` is the encrypted event as JSON.
    fn park<'a>(&'a self, room: &'a RoomId, event: &'a EventId, raw: String) -> BoxFuture<'a, Result<(), InboxError>>;

    /// The parked events, oldest first. Accepting an event un-parks it.
    fn parked(&self) -> BoxFuture<'_, Result<Vec<Parked>, InboxError>>;

    /// Drops a parked event that is nothing to act on after all.
    fn unpark<'a>(&'a self, event: &'a EventId) -> BoxFuture<'a, Result<(), InboxError>>;
}

/// What one look at a room brought.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// The room that was looked at.
    pub room: RoomId,
    /// Its messages for the bot, oldest first. May be empty.
    pub messages: Vec<Inbound>,
    /// The newest event of the room that was looked at, of whatever kind.
    pub position: Option<EventId>,
}

/// An event that waits for its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// Its room.
    pub room: RoomId,
    /// Its ID.
    pub event: EventId,
    /// The encrypted event as JSON.
    pub raw: String,
}

/// The ledger behind the inbox failed. The adapter must not go on: what it
/// read would be lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ledger could not be written: {0}")]
pub struct InboxError(pub String);

// -------------------------------------------------------------- Ledger

/// The durable record. Each call is one transaction; when it returns, a crash
/// loses nothing of it.
pub trait Ledger: Send + Sync + 'static {
    /// Writes what arrived. Returns the messages that were not known before.
    fn accept(&self, arrived: Arrived) -> BoxFuture<'_, Result<Vec<Inbound>, LedgerError>>;
    /// See [`Inbox::position`].
    fn position<'a>(&'a self, room: &'a RoomId) -> BoxFuture<'a, Result<Option<EventId>, LedgerError>>;
    /// See [`Inbox::park`].
    fn park(&self, parked: Parked) -> BoxFuture<'_, Result<(), LedgerError>>;
    /// See [`Inbox::parked`].
    fn parked(&self) -> BoxFuture<'_, Result<Vec<Parked>, LedgerError>>;
    /// See [`Inbox::unpark`].
    fn unpark<'a>(&'a self, event: &'a EventId) -> BoxFuture<'a, Result<(), LedgerError>>;
    /// Messages that were accepted and not handled, oldest first.
    fn unhandled(&self) -> BoxFuture<'_, Result<Vec<Inbound>, LedgerError>>;

    /// Writes entries in order, all or none.
    fn commit(&self, entries: Vec<Entry>) -> BoxFuture<'_, Result<(), LedgerError>>;

    /// What was queued for a room and has not been delivered, in order.
    fn undelivered(&self) -> BoxFuture<'_, Result<Vec<Outgoing>, LedgerError>>;
    /// Notes what became of a queued message.
    fn delivered<'a>(&'a self, key: &'a MessageKey, how: Delivered) -> BoxFuture<'a, Result<(), LedgerError>>;
    /// The event that a message became.
    fn event_of<'a>(&'a self, key: &'a MessageKey) -> BoxFuture<'a, Result<Option<EventId>, LedgerError>>;

    /// Who sent a message that was accepted.
    fn sender_of<'a>(&'a self, event: &'a EventId) -> BoxFuture<'a, Result<Option<UserId>, LedgerError>>;

    /// Gives a replay key to the event that asks first. Whether it is this one's.
    fn claim_replay_key<'a>(&'a self, key: &'a str, event: &'a EventId) -> BoxFuture<'a, Result<bool, LedgerError>>;

    /// Operations that began and have no outcome, oldest first.
    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<Record>, LedgerError>>;
    /// The last operations, the newest first; of one service, or of all.
    fn history<'a>(
        &'a self,
        service: Option<&'a ServiceName>,
        most: u32,
    ) -> BoxFuture<'a, Result<Vec<Record>, LedgerError>>;
    /// One operation.
    fn operation(&self, id: OperationId) -> BoxFuture<'_, Result<Option<Record>, LedgerError>>;
    /// Notes that a process takes the ledger up, and tells whose it is.
    fn begin_process(&self) -> BoxFuture<'_, Result<Identity, LedgerError>>;
    /// What is known of services and incidents.
    fn watching(&self) -> BoxFuture<'_, Result<Watching, LedgerError>>;
    /// Notes that the process lives.
    fn live(&self) -> BoxFuture<'_, Result<(), LedgerError>>;
    /// The name of the message that became an event.
    fn key_of<'a>(&'a self, event: &'a EventId) -> BoxFuture<'a, Result<Option<MessageKey>, LedgerError>>;
    /// Forgets what is over since so long that nobody asks for it. The audit
    /// chain is kept.
    fn prune(&self) -> BoxFuture<'_, Result<(), LedgerError>>;
}

/// One fact for the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A message was dealt with, and how.
    Handled {
        /// The message.
        event: EventId,
        /// What was made of it, in a few words.
        how: String,
    },
    /// A change is about to begin. Written before its first effect.
    Began(Box<Operation>),
    /// A change was seen to reach a phase.
    Reached {
        /// Which change.
        id: OperationId,
        /// Which phase.
        phase: Phase,
        /// When it was seen.
        at: jiff::Timestamp,
    },
    /// Somebody asked for a change to be cancelled.
    CancelRequested {
        /// Which.
        id: OperationId,
        /// Who.
        by: Actor,
        /// When.
        at: jiff::Timestamp,
    },
    /// A change has an outcome.
    Ended {
        /// Which.
        id: OperationId,
        /// How.
        end: End,
    },
    /// A message is to be delivered. A key that is known already is passed over.
    Queued(Outgoing),
    /// An incident is so now.
    Incident(Box<Incident>),
    /// Troubles notify nobody for a while.
    Silenced(Silence),
    /// A silence is over.
    SilenceOver(u64),
    /// A service was found on a host, or is missing there.
    Found(Box<FoundService>),
    /// A service that was found is gone.
    Gone(ServiceName),
    /// A room's dashboard is so now.
    Dashboard(Dashboard),
    /// The watch knows this of a service now.
    Checkpoint {
        /// Of which service.
        service: ServiceName,
        /// What.
        checkpoint: Box<Saved>,
    },
}

/// What became of a queued message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// The homeserver took it.
    As(EventId),
    /// It will never be taken, or a newer text took its place.
    Dropped(String),
}

/// Whose ledger it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Random, made with the ledger: unlike any other bot's.
    pub instance: String,
    /// Random and never shown: what job marks are derived from.
    pub secret: String,
    /// The number of the next operation.
    pub next_operation: u64,
    /// How many processes have taken the ledger up, this one included.
    pub start: u64,
    /// When the process before this one was last known to live.
    pub lived: Option<jiff::Timestamp>,
}

/// What is known of services and incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watching {
    /// The number of the next incident.
    pub next_incident: u64,
    /// Incidents that have not ended, oldest first.
    pub open: Vec<Incident>,
    /// Silences, also those whose time has passed meanwhile.
    pub silences: Vec<Silence>,
    /// What the watch knew of each service.
    pub checkpoints: Vec<(ServiceName, Saved)>,
    /// The rooms' dashboards.
    pub dashboards: Vec<Dashboard>,
    /// Services that were found on hosts.
    pub found: Vec<FoundService>,
}

impl Identity {
    /// What an operation's job marks its own lines with: nothing that runs in
    /// the job can know it.
    pub fn nonce(&self, operation: u64) -> String {
        use sha2::Digest;
        let hash = sha2::Sha256::digest(format!("{}/job/{operation}", self.secret));
        hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The ledger could not be read or written. Nothing may go on without it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ledger failed: {0}")]
pub struct LedgerError(pub String);

// -------------------------------------------------------------- Remote

/// One host on which commands can be run: over SSH, or this machine.
///
/// An implementation keeps one connection, bounds how many commands run on it
/// at once, and reconnects by itself.
pub trait Remote: Send + Sync + 'static {
    /// Runs one command line under the login shell, to its end.
    ///
    /// `output` is called from the task that drains the channel. It must not
    /// block: a slow consumer would stall every other command on the host.
    fn exec<'a>(&'a self, exec: Exec, output: &'a mut dyn Output) -> BoxFuture<'a, Result<Exit, RemoteError>>;

    /// Which host answered last, where it is one of several.
    fn answering(&self) -> Option<HostName> {
        None
    }
}

/// A command line and its bounds.
#[derive(Debug, Clone)]
pub struct Exec {
    /// Read by the remote login shell; every value in it is already quoted.
    pub command: String,
    /// The longest it may take, from asking to its exit. On passing it the
    /// channel is closed; the remote process may live on.
    pub limit: Duration,
    /// How standard input behaves.
    pub stdin: Stdin,
}

/// Standard input of a remote command.
#[derive(Debug, Clone)]
pub enum Stdin {
    /// At its end from the start.
    Empty,
    /// Open and silent until the token is cancelled, then at its end. A
    /// command that reads it learns that way that nobody listens any more.
    OpenUntil(CancellationToken),
}

/// Which stream a chunk came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Takes a remote command's output, and bounds it.
pub trait Output: Send {
    /// Called for each chunk in the order of arrival; must not block.
    fn chunk(&mut self, stream: Stream, bytes: &[u8]);
}

/// Why no exit is known. The texts are shown in the room: they name the cause
/// and the next step, and hold no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// The command was not started: no connection could be made.
    #[error("{0}")]
    Unreachable(String),
    /// The command was not started: the host's key is not the pinned one.
    #[error("{0}")]
    HostKey(String),
    /// The command was not started: the login was refused.
    #[error("{0}")]
    Login(String),
    /// The command was not started: too many run on this host already.
    #[error("{0}")]
    Busy(String),
    /// The connection went away after the command was sent: whether it ran,
    /// and how it ended, is not known.
    #[error("the connection was lost while the command ran ({0}); how it ended is not known")]
    Lost(String),
    /// The limit passed first; the remote process may still be running.
    #[error("no end after {0:?}; the command may still be running")]
    TimedOut(Duration),
}

impl RemoteError {
    /// Whether the command may have had an effect. Only what certainly did
    /// not start may be tried again.
    pub fn may_have_run(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::HostKey(_) | Self::Login(_) | Self::Busy(_) => false,
            Self::Lost(_) | Self::TimedOut(_) => true,
        }
    }
}

/// All hosts, by name. Made once by `app`.
pub type Remotes = std::collections::BTreeMap<HostName, Arc<dyn Remote>>;
