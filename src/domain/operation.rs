//! Operations: one requested change each, with an owner, phases and an outcome.

use jiff::Timestamp;

use super::{
    change::Change,
    inventory::Service,
    job::Job,
    names::{EventId, HostName, RoomId, ServiceName, UserId},
    observation::{Observation, State},
    progress::{Phase, Progress},
    runtime::docker,
};

/// An operation's number: short enough to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct OperationId(pub u64);

/// One requested change.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Operation {
    /// Its number.
    pub id: OperationId,
    /// What is done.
    pub change: Change,
    /// To which service.
    pub service: ServiceName,
    /// On which host.
    pub host: HostName,
    /// Who asked for it.
    pub owner: UserId,
    /// Where.
    pub room: RoomId,
    /// With which message.
    pub request: EventId,
    /// When it was asked for.
    pub began: Timestamp,
    /// What the host carries out.
    pub job: Job,
}

/// How an operation ended. Never a guess.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Done, and seen to be done.
    Succeeded,
    /// The host said no, or what came up does not stand.
    Failed {
        /// Where it failed.
        phase: Option<Phase>,
        /// What failed, in one line.
        why: String,
        /// What the tools said last.
        output: Vec<String>,
    },
    /// It never began on the host.
    NotStarted(String),
    /// Its limit passed; the job was told to end.
    TimedOut(std::time::Duration),
    /// How it ended is not known, with what was checked.
    Unknown(String),
}

impl Outcome {
    /// The word for it in the ledger.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
            Self::NotStarted(_) => "not started",
            Self::TimedOut(_) => "timed out",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// Judges a job that ended by itself: by its exit status, and by what was seen
/// of the service afterwards.
pub fn judge(change: Change, service: &Service, exit: u32, progress: &Progress, now: Timestamp) -> Outcome {
    let phase = progress.phases.last().map(|(phase, _)| *phase);
    let output: Vec<String> = progress.tail.iter().cloned().collect();
    if exit != 0 {
        let why = match exit {
            143 => "it was told to end (SIGTERM)".to_owned(),
            137 => "it was killed (SIGKILL)".to_owned(),
            code => format!("exit {code}"),
        };
        return Outcome::Failed { phase, why, output };
    }
    let Some(after) = seen(progress.after.as_deref(), service, now) else {
        let said = progress.after.clone().unwrap_or_default();
        return match change {
            // A container that is removed when it stops is stopped.
            Change::Stop if docker::names_missing(&said, &service.container) => Outcome::Succeeded,
            _ => Outcome::Failed { phase, why: "no such container afterwards".to_owned(), output: vec![said] },
        };
    };
    let before = seen(progress.before.as_deref(), service, now);
    // The engine counts anew for a new container and for one started by hand;
    // one that was running and was left alone goes on counting.
    let untouched = before.filter(|b| b.id == after.id && b.state == State::Running && change != Change::Restart);
    let died_since = after.restarts > untouched.map_or(0, |b| b.restarts);
    match (change, &after.state) {
        (Change::Stop, State::Exited(_) | State::Created) => Outcome::Succeeded,
        (Change::Stop, _) => Outcome::Failed { phase, why: "it did not stop".to_owned(), output },
        (_, State::Running) if !died_since => Outcome::Succeeded,
        (_, State::Running) => Outcome::Failed { phase, why: "it died and was restarted meanwhile".to_owned(), output },
        (_, State::Restarting { last } | State::Exited(last)) => {
            Outcome::Failed { phase, why: format!("it started and died: {}", last.explain()), output }
        }
        (_, State::Paused | State::Created | State::Removing | State::NotDeployed | State::Unknown(_)) => {
            Outcome::Failed { phase, why: "it is not running afterwards".to_owned(), output }
        }
    }
}

/// What a job's `before` or `after` line says of the service.
pub fn seen(line: Option<&str>, service: &Service, now: Timestamp) -> Option<Observation> {
    docker::read_inspect(line?, service, now)
}
