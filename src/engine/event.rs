//! What can happen.

use crate::domain::{
    inbound::{Inbound, Me, Unreadable},
    names::{EventId, HostName, LoginName, RoomId},
    observation::HostReport,
    operation::OperationId,
    outgoing::MessageKey,
    output::CommandOutput,
    progress::Progress,
    record::Record,
    roster::Listing,
    runtime::RuntimeEvent,
};

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// Somebody wrote something. It is in the ledger already.
    Message(Inbound),
    /// Somebody answered something that the bot had said.
    Reply {
        /// The answer. It is in the ledger already.
        message: Inbound,
        /// The name of what it answers.
        to: MessageKey,
    },
    /// The bot has learned what it is called.
    Named(Me),
    /// The bot is in a configured room and can speak there.
    RoomReady(RoomId),
    /// The bot may pin messages in a room, and is to show a dashboard there.
    MayPin(RoomId),
    /// An allowlisted person wrote something that cannot be read.
    Unreadable {
        /// Where.
        room: RoomId,
        /// Which message.
        event: EventId,
        /// Why.
        why: Unreadable,
    },
    /// A host was looked at: because somebody asked, or by the watch.
    Snapshot {
        /// Who asked; none for the watch's own.
        ticket: Option<Ticket>,
        /// What was seen.
        report: HostReport,
    },
    /// Something happened to what runs a service.
    Runtime {
        /// The login that saw it, where that is not the SSH user.
        login: Option<LoginName>,
        /// On this host.
        host: HostName,
        /// What.
        event: RuntimeEvent,
    },
    /// A host was asked what runs there, whether or not the config has it.
    Discovered {
        /// Which.
        host: HostName,
        /// What each runtime showed to each login.
        listings: Vec<Listing>,
        /// What those said that showed nothing.
        complaints: Vec<String>,
    },
    /// The event stream of a host's engine ended, by the engine's own doing.
    EngineWent(HostName),
    /// News of a job.
    Job {
        /// Whose.
        operation: OperationId,
        /// What.
        news: JobNews,
    },
    /// What was asked for is there.
    Answer {
        /// Who asked.
        ticket: Ticket,
        /// What it is.
        answer: Answer,
    },
    /// The bot is about to end. What it says now is said before it does.
    Stopping,
    /// A time that [`Dispatcher::deadline`](super::dispatcher::Dispatcher::deadline) named has come.
    Tick,
}

/// Ties an answer to whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket {
    /// The part of the dispatcher that asked.
    pub asker: Asker,
    /// Which of its questions it is.
    pub number: u64,
}

/// A part of the dispatcher that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Asker {
    /// For a command that waits at the door.
    Intake,
    /// For an answer to somebody.
    Queries,
    /// For a change.
    Operations,
    /// For the evidence of an alert.
    Incidents,
    /// For what is known of services; it hears every report anyway.
    Watcher,
}

/// What came of asking.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A command was run; or why its output is not to be had.
    Output(Result<CommandOutput, String>),
    /// A job was told to end, or could not be.
    Cancel(CancelResult),
    /// Whether a message is a copy.
    Replay(Replay),
    /// What the ledger has.
    Records(Vec<Record>),
}

/// What came of telling a job to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CancelResult {
    /// It has ended, and no process of its group is left.
    Ended,
    /// It was told, and still puts back what it had touched.
    Ending,
    /// It had not begun, and cannot any more.
    NeverBegan,
    /// It has ended, and processes of its group do not.
    Stragglers,
    /// It could not be told, for this reason.
    NotDelivered(String),
}

/// Whether a message is a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replay {
    /// It is the first of its kind.
    New,
    /// Another event brought the same message before.
    Duplicate,
    /// That could not be found out, for this reason.
    Unclear(String),
}

/// What is known of a job when it is to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobState {
    /// No host was asked to start it.
    New,
    /// A host was asked to start it; whether it did is not known.
    Submitted,
    /// It was seen to run.
    Started,
}

/// News of a job.
#[derive(Debug, Clone)]
pub enum JobNews {
    /// It got further.
    Progress(Box<Progress>),
    /// It cannot be followed at the moment, for this reason.
    Blocked(String),
    /// It ended by itself.
    Exited {
        /// With this status.
        code: u32,
        /// And this far.
        progress: Box<Progress>,
    },
    /// It certainly never began.
    NotStarted(String),
    /// Its time is over, it was told to end, and it goes on.
    Stuck,
    /// The host does not know how it ended; the text says what was checked.
    Vanished(String),
    /// The host could not be asked until its time was over, for this reason.
    Unreached(String),
}
