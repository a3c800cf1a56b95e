//! How a check came out.

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Something will fail or be lost.
    Wrong,
    /// Perhaps as it should be; a person can tell.
    Doubtful,
    /// As it should be.
    Fine,
}
