//! A request that passed the door: somebody may have it done.

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
