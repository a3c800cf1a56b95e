//! What is asked of a host's worker. The dispatcher makes these, the worker
//! receives the same.

use std::time::Duration;

use jiff::Timestamp;

use super::event::{Answer, CancelResult, Event, JobNews, JobState, Ticket};
use crate::domain::{
    job::Job,
    names::HostName,
    observation::{HostFacts, HostReport, SnapshotError},
    operation::OperationId,
};

/// Something to be done on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostRequest {
    /// Look at all its services. Answered by [`Event::Snapshot`].
    Snapshot {
        /// Who asks.
        ticket: Ticket,
    },
    /// End the event streams and begin new ones: they are silent and should not be.
    RestartStreams,
    /// Run a command that changes nothing and is over soon. Answered by
    /// [`Answer::Output`].
    Read {
        /// The command line, every value in it quoted.
        command: String,
        /// How long it may take, waiting for its turn included.
        limit: Duration,
        /// Who asks.
        ticket: Ticket,
    },
    /// Carry out a job and follow it. Answered by [`Event::Job`], again and
    /// again.
    RunJob {
        /// Whose.
        operation: OperationId,
        /// What.
        job: Job,
        /// How long it may take from now.
        limit: Duration,
        /// Only what is new may be started.
        state: JobState,
    },
    /// Tell a job to end. Answered by [`Answer::Cancel`].
    CancelJob {
        /// Whose.
        operation: OperationId,
        /// Which.
        job: Job,
        /// Who asks.
        ticket: Ticket,
    },
}

impl HostRequest {
    /// What it means that a host's worker cannot take this, for a reason.
    pub fn unavailable(self, host: &HostName, why: String, now: Timestamp) -> Option<Event> {
        Some(match self {
            // The next snapshot asks again.
            Self::RestartStreams => return None,
            Self::Snapshot { ticket } => {
                let (host, facts) = (host.clone(), HostFacts::default());
                let report = HostReport { host, began: now, at: now, facts, seen: Err(SnapshotError::Busy(why)) };
                Event::Snapshot { ticket: Some(ticket), report }
            }
            Self::Read { ticket, .. } => Event::Answer { ticket, answer: Answer::Output(Err(why)) },
            Self::RunJob { operation, state: JobState::New, .. } => {
                Event::Job { operation, news: JobNews::NotStarted(why) }
            }
            // It may run: that there was no room to follow it says nothing about it.
            Self::RunJob { operation, .. } => Event::Job { operation, news: JobNews::Unreached(why) },
            Self::CancelJob { ticket, .. } => {
                Event::Answer { ticket, answer: Answer::Cancel(CancelResult::NotDelivered(why)) }
            }
        })
    }
}
