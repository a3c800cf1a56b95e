//! Operations: one requested change each, with an owner, phases and an outcome.

use jiff::Timestamp;

use super::{
    change::Change,
    impact::{Impact, VerifyFailure},
    inventory::Service,
    job::Job,
    names::{HostName, MemberName, ServiceName},
    observation::{Observation, State},
    origin::{Actor, Origin},
    preflight::Refusal,
    progress::{Phase, Progress},
    target::Target,
};

/// An operation's number: short enough to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct OperationId(pub u64);

/// One requested change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its number.
    pub id: OperationId,
    /// What is done.
    pub change: Change,
    /// To which service.
    pub service: ServiceName,
    /// To which of its members, if not to all of it.
    pub member: Option<MemberName>,
    /// On which host.
    pub host: HostName,
    /// Who asked for it, and how.
    pub origin: Origin,
    /// What was asked, in its own words.
    pub asked: String,
    /// When it was asked for.
    pub began: Timestamp,
    /// What the host carries out.
    pub job: Job,
}

impl Operation {
    /// What it changes.
    pub fn target(&self) -> Target {
        Target { service: self.service.clone(), member: self.member.clone() }
    }
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
        /// What is left of it.
        impact: Impact,
    },
    /// The host did not begin it, because it cannot or may not be made.
    Refused(Refusal),
    /// It never began on the host.
    NotStarted(String),
    /// Somebody called it off.
    Cancelled {
        /// Who, if somebody did.
        by: Option<Actor>,
        /// In this phase.
        phase: Option<Phase>,
        /// What is left of it.
        impact: Impact,
    },
    /// Its limit passed.
    TimedOut {
        /// The limit.
        limit: std::time::Duration,
        /// In this phase.
        phase: Option<Phase>,
        /// What is left of it.
        impact: Impact,
    },
    /// How it ended is not known.
    Unknown {
        /// What was looked at.
        checked: String,
        /// How the service was found afterwards, as a sentence.
        found: Option<String>,
    },
}

impl Outcome {
    /// The word for it in the ledger.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Refused(_) => "refused",
            Self::NotStarted(_) => "not started",
            Self::Cancelled { .. } => "cancelled",
            Self::TimedOut { .. } => "timed out",
            Self::Unknown { .. } => "unknown",
        }
    }
}

/// Judges a job that ended: by its exit status, by what it told, and by what was
/// seen of the service afterwards.
pub fn judge(operation: &Operation, service: &Service, exit: u32, progress: &Progress, now: Timestamp) -> Outcome {
    if exit == 0 {
        return judge_success(operation.change, service, progress, now);
    }
    if let Some(refusal) = &progress.refused {
        return Outcome::Refused(refusal.clone());
    }
    let (phase, output) = progress.failed();
    let impact = impact(progress);
    if progress.overdue {
        return Outcome::TimedOut { limit: operation.job.limit, phase, impact };
    }
    if progress.cancelled {
        return Outcome::Cancelled { by: None, phase, impact };
    }
    // What is seen afterwards is the service, and not its neighbour that died.
    let of_service = !matches!(progress.verify_failure, Some(VerifyFailure::Neighbour { .. }));
    let after = || seen(progress.after.as_deref(), service, now).filter(|_| of_service);
    let died = || after().and_then(|after| after.state.death());
    let died = progress.death.or_else(died);
    let why = match (&progress.verify_failure, died, exit) {
        (Some(failure), Some(death), _) if failure.is_death() => format!("{}: {}", failure.explain(), death.explain()),
        (Some(failure), _, _) => failure.explain(),
        (None, _, 143) => "it was told to end (SIGTERM)".to_owned(),
        (None, _, 137) => "it was killed (SIGKILL)".to_owned(),
        (None, _, code) => format!("exit {code}"),
    };
    Outcome::Failed { phase, why, output, impact }
}

/// What a job that ended has left. Before `switch`, no change touches anything
/// that runs.
fn impact(progress: &Progress) -> Impact {
    let switched = progress.phases.iter().any(|(phase, _)| *phase == Phase::Switch);
    match &progress.back {
        Some(back) => Impact::Back(back.clone()),
        None if switched => Impact::AsItIs,
        None => Impact::Untouched,
    }
}

/// The job says that it is done; what was seen afterwards has to say the same.
fn judge_success(change: Change, service: &Service, progress: &Progress, now: Timestamp) -> Outcome {
    let (phase, output) = progress.failed();
    let failed = |why: String| Outcome::Failed { phase, why, output, impact: Impact::AsItIs };
    let Some(after) = seen(progress.after.as_deref(), service, now) else {
        let said = progress.after.as_deref().unwrap_or_default();
        return match change {
            // A container that is removed when it stops is stopped.
            Change::Stop if service.workload.runtime().is_missing(said, service) => Outcome::Succeeded,
            Change::Stop | Change::Start | Change::Restart | Change::Update | Change::Rollback | Change::Scale => {
                failed(format!("no such container afterwards: {said}"))
            }
        };
    };
    match (change, &after.state) {
        (Change::Stop, _) if after.is_stopped() => Outcome::Succeeded,
        // What nothing holds is forgotten when it stops.
        (Change::Stop, State::NotDeployed) => Outcome::Succeeded,
        (Change::Stop, _) => failed("it did not stop".to_owned()),
        _ if after.task.is_some() && after.state.is_done() => Outcome::Succeeded,
        (_, State::Running) => Outcome::Succeeded,
        // Of a project the job has looked at each that was to come up, and knows which were not.
        _ if after.members.iter().any(|(_, one)| one.state == State::Running || one.state.is_done()) => {
            Outcome::Succeeded
        }
        (_, State::Restarting { last } | State::Exited(last)) => {
            failed(format!("it started and died: {}", last.explain()))
        }
        (_, State::Paused | State::Created | State::Removing | State::NotDeployed | State::Unknown(_)) => {
            failed("it is not running afterwards".to_owned())
        }
    }
}

/// What a job's `before` or `after` line says of the service.
pub fn seen(line: Option<&str>, service: &Service, now: Timestamp) -> Option<Observation> {
    service.workload.runtime().seen(line?, service, now)
}
