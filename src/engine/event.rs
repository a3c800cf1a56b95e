//! What can happen, and what can be done about it.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::{
    dashboard::Dashboard,
    inbound::{Inbound, Me, Unreadable},
    incident::{Incident, Silence},
    job::Job,
    names::{EventId, HostName, RoomId, ServiceName, UserId},
    observation::HostReport,
    operation::{Operation, OperationId},
    outgoing::{MessageKey, Outgoing},
    progress::{Phase, Progress},
    record::{End, Record},
    runtime::ContainerEvent,
    watch::Checkpoint,
};
use crate::ports::Entry;

/// Ties an answer to the question it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

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
    /// A host was looked at: for a question, or by the watch.
    Report {
        /// The question; none for the watch's own look.
        ticket: Option<Ticket>,
        /// What was seen.
        report: HostReport,
    },
    /// A log was read, or why not.
    Log {
        /// The question.
        ticket: Ticket,
        /// The text and whether its beginning was cut off.
        log: Result<(String, bool), String>,
    },
    /// What an update would bring was asked for.
    Preview {
        /// The question.
        ticket: Ticket,
        /// The status it ended with, and what it told; or why there is none.
        told: Result<(u32, Box<Progress>), String>,
    },
    /// Something happened to a container.
    Container {
        /// On this host.
        host: HostName,
        /// What.
        event: ContainerEvent,
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
    /// A job was told to end, or could not be.
    Cancelled {
        /// The question.
        ticket: Ticket,
        /// What came of it.
        how: Cancelled,
    },
    /// It was looked whether a message is a copy.
    ReplayChecked {
        /// The question.
        ticket: Ticket,
        /// What came of it.
        replay: Replay,
    },
    /// The ledger was asked.
    Recalled {
        /// The question.
        ticket: Ticket,
        /// What it has.
        records: Vec<Record>,
    },
    /// The bot is about to end. What it says now is said before it does.
    Stopping,
    /// A time that [`Dispatcher::deadline`](super::dispatcher::Dispatcher::deadline) named has come.
    Tick,
}

/// What came of telling a job to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancelled {
    /// It has ended, and no process of its group is left.
    Ended,
    /// It was told, and still puts back what it had touched.
    Ending,
    /// It had not begun, and cannot any more.
    NeverBegan,
    /// It has ended, and processes of its group do not.
    Stragglers,
    /// It could not be told, for this reason.
    Untold(String),
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

/// What is known of a job when it is to be carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobState {
    /// No host was asked to start it.
    New,
    /// A host was asked to start it; whether it did is not known.
    Submitted,
    /// It was seen to run.
    Started,
}

/// What is asked of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerQuery {
    /// The last operations; of one service, or of all.
    Last(Option<ServiceName>),
    /// One operation.
    One(OperationId),
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

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Note a message as dealt with.
    Handled {
        /// Which.
        event: EventId,
        /// What was made of it.
        how: String,
    },
    /// Note a change as begun.
    Begin(Box<Operation>),
    /// Note that a change was seen to reach a phase.
    Reach {
        /// Which change.
        id: OperationId,
        /// Which phase.
        phase: Phase,
        /// When it was seen.
        at: Timestamp,
    },
    /// Note that somebody called a change off.
    CallOff {
        /// Which.
        id: OperationId,
        /// Who.
        by: UserId,
        /// When.
        at: Timestamp,
    },
    /// Note a change's outcome.
    End {
        /// Which.
        id: OperationId,
        /// How it ended.
        end: End,
    },
    /// Note how an incident is now.
    Incident(Box<Incident>),
    /// Note that troubles are silent for a while.
    Silence(Silence),
    /// Note that a silence is over.
    EndSilence(u64),
    /// Note how a room's dashboard is now.
    Dashboard(Dashboard),
    /// Note what the watch knows of a service.
    Remember {
        /// Of which.
        service: ServiceName,
        /// What.
        memory: Box<Checkpoint>,
    },
    /// Say something.
    Say(Outgoing),
    /// Look at all services of a host.
    Look {
        /// Which host.
        host: HostName,
        /// Whose question it is.
        ticket: Ticket,
    },
    /// Take up a host's streams of events anew: they are silent and should not be.
    Resubscribe {
        /// Which host.
        host: HostName,
    },
    /// Read the end of a service's log.
    ReadLog {
        /// Where.
        host: HostName,
        /// Whose.
        service: ServiceName,
        /// How much.
        lines: u32,
        /// How long it may take.
        limit: Duration,
        /// Whose question it is.
        ticket: Ticket,
    },
    /// Ask what an update would bring.
    Preview {
        /// Where.
        host: HostName,
        /// The command.
        command: String,
        /// By which its marks are known.
        nonce: String,
        /// Whose question it is.
        ticket: Ticket,
    },
    /// Carry out a job and follow it.
    Carry {
        /// Where.
        host: HostName,
        /// Whose.
        operation: OperationId,
        /// What.
        job: Job,
        /// How long it may take from now.
        limit: Duration,
        /// Only what is new may be started.
        known: JobState,
    },
    /// Tell a job to end.
    Cancel {
        /// Where.
        host: HostName,
        /// Whose.
        operation: OperationId,
        /// Which.
        job: Job,
        /// Whose question it is.
        ticket: Ticket,
    },
    /// Look whether a message is a copy of one that was acted on.
    CheckReplay {
        /// The message.
        message: Box<Inbound>,
        /// Whose question it is.
        ticket: Ticket,
    },
    /// Ask the ledger.
    LedgerQuery {
        /// For what.
        what: LedgerQuery,
        /// Whose question it is.
        ticket: Ticket,
    },
}

impl Effect {
    /// What of it is durable: that is written before anything of it is done.
    pub fn entry(&self) -> Option<Entry> {
        match self {
            Self::Handled { event, how } => Some(Entry::Handled { event: event.clone(), how: how.clone() }),
            Self::Begin(operation) => Some(Entry::Began(operation.clone())),
            Self::Reach { id, phase, at } => Some(Entry::Reached { id: *id, phase: *phase, at: *at }),
            Self::CallOff { id, by, at } => Some(Entry::CalledOff { id: *id, by: by.clone(), at: *at }),
            Self::End { id, end } => Some(Entry::Ended { id: *id, end: end.clone() }),
            Self::Incident(incident) => Some(Entry::Incident(incident.clone())),
            Self::Silence(silence) => Some(Entry::Silenced(silence.clone())),
            Self::EndSilence(id) => Some(Entry::SilenceOver(*id)),
            Self::Dashboard(dashboard) => Some(Entry::Dashboard(dashboard.clone())),
            Self::Remember { service, memory } => {
                Some(Entry::Remembered { service: service.clone(), memory: memory.clone() })
            }
            Self::Say(outgoing) if outgoing.is_durable() => Some(Entry::Queued(outgoing.clone())),
            Self::Say(_)
            | Self::Look { .. }
            | Self::Resubscribe { .. }
            | Self::ReadLog { .. }
            | Self::Preview { .. }
            | Self::Carry { .. }
            | Self::Cancel { .. }
            | Self::CheckReplay { .. }
            | Self::LedgerQuery { .. } => None,
        }
    }
}
