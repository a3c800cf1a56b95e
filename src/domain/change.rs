//! Changes: what can be asked to happen to one service.

use super::names::Version;

/// What is to happen to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Fetch the tracked branch, build, and put the result in place.
    Update,
    /// Stop and start the same container.
    Restart,
    /// Stop it, and leave it stopped.
    Stop,
    /// Start it, or deploy it where it is not.
    Start,
    /// Put an earlier version in place again.
    Rollback,
    /// Change how many of it run.
    Scale,
}

/// A change as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What is to happen.
    pub change: Change,
    /// Whether local changes in the clone may be set aside.
    pub discard: bool,
    /// The version to go back to; none means the last one that passed verification.
    pub version: Option<Version>,
    /// How many are to run, where that is what changes.
    pub replicas: Option<u32>,
}

impl Wanted {
    /// The change without anything else to it.
    pub fn plain(change: Change) -> Self {
        Self { change, discard: false, version: None, replicas: None }
    }
}

impl Change {
    /// The command that asks for it.
    pub fn command(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::Restart => "restart",
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Rollback => "rollback",
            Self::Scale => "scale",
        }
    }

    /// "updating": what a service is called while it goes on.
    pub fn doing(self) -> &'static str {
        match self {
            Self::Update => "updating",
            Self::Restart => "restarting",
            Self::Stop => "stopping",
            Self::Start => "starting",
            Self::Rollback => "rolling back",
            Self::Scale => "scaling",
        }
    }

    /// "updated": what it is called afterwards.
    pub fn done(self) -> &'static str {
        match self {
            Self::Update => "updated",
            Self::Restart => "restarted",
            Self::Stop => "stopped",
            Self::Start => "started",
            Self::Rollback => "rolled back",
            Self::Scale => "scaled",
        }
    }

    /// Whether it puts a version in place, with all the phases of that.
    pub fn deploys(self) -> bool {
        match self {
            Self::Update | Self::Rollback => true,
            Self::Restart | Self::Stop | Self::Start | Self::Scale => false,
        }
    }
}
