//! A request that passed the door: somebody may have it done.

use super::{speech, step::Step};
use crate::domain::{
    access::Authorized,
    command::{Command, Resolved},
    origin::Origin,
    role::Role,
};

/// See the module.
#[derive(Debug)]
pub struct Request {
    /// Who asks, and how.
    pub origin: Origin,
    /// What they may do.
    pub role: Role,
    /// What is asked for.
    pub command: Authorized<Command<Resolved>>,
    /// The same in its own words.
    pub asked: String,
}

impl Request {
    /// Answers it for good. `how` is what the ledger says was made of it.
    pub fn answer(&self, how: &str, text: &str) -> Step {
        speech::answer(&self.origin, text).then(speech::handled(&self.origin, how))
    }

    /// The same, because it is not done.
    pub fn refuse(&self, how: &str, text: &str) -> Step {
        tracing::info!(by = %self.origin.actor(), "not run: {how}");
        self.answer(how, text)
    }
}
