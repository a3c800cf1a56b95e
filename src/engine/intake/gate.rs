//! Where commands wait at the door: until they are known to be no copy of
//! earlier ones. In memory only: after a restart the inbox hands them in again.

use std::collections::BTreeMap;

use crate::{
    domain::{command::Parsed, inbound::Inbound},
    engine::event::Ticket,
};

/// A command that may be carried out once it is let through.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) message: Inbound,
    /// As it was written: what it names is looked up again when it is let
    /// through.
    pub(super) parsed: Parsed,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Gate {
    pending: BTreeMap<Ticket, Pending>,
}

impl Gate {
    /// Keeps a command until its ticket is answered. The check of copies
    /// answers each within its own limit, so nothing waits for good.
    pub(super) fn wait(&mut self, ticket: Ticket, pending: Pending) {
        self.pending.insert(ticket, pending);
    }

    /// Takes one out.
    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<Pending> {
        self.pending.remove(&ticket)
    }
}
