//! Runtimes: what runs a service. A runtime renders remote commands and parses
//! their output, and does nothing else. One file each.

pub mod docker;
pub mod docker_change;

use super::names::ContainerName;

/// One line of a runtime's event stream, as far as the watcher cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerEvent {
    /// The container's ID.
    pub id: String,
    /// Its name at the time.
    pub name: ContainerName,
    /// When, by the host's clock.
    pub at: jiff::Timestamp,
    /// What happened to it.
    pub kind: EventKind,
}

/// What happened to a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// Its process was started.
    Started,
    /// Its process ended with this status.
    Died {
        /// The exit status.
        code: i64,
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
