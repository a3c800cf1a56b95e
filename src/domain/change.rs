//! Changes: what can be asked to happen to one service.

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
}

impl Change {
    /// The command that asks for it.
    pub fn command(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::Restart => "restart",
            Self::Stop => "stop",
            Self::Start => "start",
        }
    }

    /// "updating": what a service is called while it goes on.
    pub fn doing(self) -> &'static str {
        match self {
            Self::Update => "updating",
            Self::Restart => "restarting",
            Self::Stop => "stopping",
            Self::Start => "starting",
        }
    }

    /// "updated": what it is called afterwards.
    pub fn done(self) -> &'static str {
        match self {
            Self::Update => "updated",
            Self::Restart => "restarted",
            Self::Stop => "stopped",
            Self::Start => "started",
        }
    }
}
