//! What may be done with a service, whoever asks.

use super::change::Change;

/// Each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rights {
    /// It may be looked at.
    Read,
    /// It may be started, stopped and restarted as it is.
    Restart,
    /// All of it: also another version of it, and more or less of it.
    Change,
}

impl Rights {
    /// What a change takes.
    pub fn for_change(change: Change) -> Self {
        match change {
            Change::Restart | Change::Stop | Change::Start => Self::Restart,
            Change::Update | Change::Rollback | Change::Scale => Self::Change,
        }
    }
}
