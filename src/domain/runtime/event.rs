//! What a runtime's event stream tells, as far as the watcher cares.

use jiff::Timestamp;

use crate::domain::{member::Member, observation::Reason};

/// Something that happened to what runs a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeEvent {
    /// What tells it from another of the same name: a container's ID.
    pub id: String,
    /// Its name in its runtime at the time.
    pub name: String,
    /// What it belongs to by name, and which of its members it is.
    pub of: Option<(String, Member)>,
    /// When, by the host's clock.
    pub at: Timestamp,
    /// What happened to it.
    pub kind: EventKind,
}

/// What happened to a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// Its process was started.
    Started,
    /// It ended or was started, and only a look shows why.
    Changed {
        /// The status with which it ended.
        code: Option<i64>,
    },
    /// Its process ended with this status.
    Died {
        /// The exit status.
        code: i64,
    },
    /// It failed, for a reason that its status does not tell.
    Failed {
        /// Which.
        reason: Reason,
    },
    /// The kernel killed something in it for memory.
    OutOfMemory,
    /// Somebody sent it a signal; a death that follows was asked for.
    Killed {
        /// Which, if it is told.
        signal: Option<u32>,
    },
    /// It was stopped as asked.
    Stopped,
    /// It was removed.
    Removed,
    /// Somebody froze it.
    Paused,
    /// Somebody let it go on.
    Resumed,
    /// Its health check succeeds (again).
    Healthy,
    /// Its health check fails.
    Unhealthy,
}
