//! An answer that many hosts contribute to. After a moment it is given with what
//! is there, and completed by edits as the rest comes in: a dead host costs its
//! own time and nobody else's.

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{message::MessageClass, origin::Origin},
    engine::{speech, step::Step},
};

/// How long an answer waits for the last hosts before it is given in part.
const PATIENCE: SignedDuration = SignedDuration::from_millis(2_500);

/// See the module.
#[derive(Debug)]
pub(super) struct PartialAnswer {
    pub(super) origin: Origin,
    /// When to answer in part; none once that is done.
    due: Option<Timestamp>,
    /// Edits made so far, so that each has a key of its own.
    edits: u32,
}

impl PartialAnswer {
    pub(super) fn new(origin: Origin, now: Timestamp) -> Self {
        Self { origin, due: now.checked_add(PATIENCE).ok(), edits: 0 }
    }

    /// Whether nothing was said yet, and nothing needs to be for a moment.
    pub(super) fn can_wait(&self) -> bool {
        self.due.is_some()
    }

    /// Whether something is to be said by now.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|at| at <= now)
    }

    /// When that will be so.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.due
    }

    /// Says or edits the answer, by whether it was said in part already.
    pub(super) fn say(&mut self, complete: bool, text: &str) -> Step {
        if self.due.take().is_some() {
            return speech::answer(&self.origin, text);
        }
        self.edits += 1;
        let number = self.edits.to_string();
        speech::edit(&self.origin, "answer", MessageClass::Answer, &number, complete, text)
    }
}
