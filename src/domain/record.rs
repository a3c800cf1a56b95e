//! Operations as the ledger has them: what was asked, how far it came, how it
//! ended.

use jiff::Timestamp;

use super::{
    names::ServiceName,
    operation::{Operation, OperationId},
    origin::Actor,
    progress::Phase,
};

/// One operation, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What was asked for.
    pub operation: Operation,
    /// The phases it was seen to reach, and when that was seen.
    pub phases: Vec<(Phase, Timestamp)>,
    /// Who called it off, if somebody did.
    pub cancelled_by: Option<Actor>,
    /// Its end, once it has one.
    pub end: Option<End>,
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// When that was told.
    pub at: Timestamp,
    /// The outcome's name.
    pub outcome: String,
    /// The sentence that the room got, as Markdown.
    pub verdict: String,
}

/// What is asked of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerQuery {
    /// The last operations; of one service, or of all.
    Last(Option<ServiceName>),
    /// One operation.
    One(OperationId),
}
