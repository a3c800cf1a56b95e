//! What every machine of the dispatcher is given with what it is to do.

use jiff::Timestamp;

use super::{
    event::{Asker, Ticket},
    notifier::Notifier,
};
use crate::{
    domain::{inventory::Inventory, job::JobId, operation::OperationId},
    ports::Identity,
};

/// What a machine may look at and count with. It owns nothing else but its own
/// state.
#[derive(Debug)]
pub struct Ctx<'a> {
    /// What is managed.
    pub inventory: &'a Inventory,
    /// The time.
    pub now: Timestamp,
    /// Numbers that nobody else has.
    pub ids: &'a mut Ids,
    /// Whether there is a room to speak in yet.
    pub can_speak: bool,
}

impl<'a> Ctx<'a> {
    /// For one machine's answer to one event.
    pub fn new(inventory: &'a Inventory, now: Timestamp, ids: &'a mut Ids, notifier: &Notifier) -> Self {
        Self { inventory, now, ids, can_speak: notifier.can_speak() }
    }

    /// What commands begin with.
    pub fn prefix(&self) -> &str {
        &self.inventory.commands.prefix
    }
}

/// Numbers that nobody else has: for tickets, and from the ledger's identity
/// for operations.
#[derive(Debug)]
pub struct Ids {
    identity: Identity,
    next_ticket: u64,
}

impl Ids {
    /// Counts on from where the ledger is.
    pub fn new(identity: Identity) -> Self {
        Self { identity, next_ticket: 1 }
    }

    /// A new ticket.
    pub fn ticket(&mut self, asker: Asker) -> Ticket {
        let number = self.next_ticket;
        self.next_ticket += 1;
        Ticket { asker, number }
    }

    /// The next operation.
    pub fn operation(&mut self) -> OperationId {
        let number = self.identity.next_operation;
        self.identity.next_operation += 1;
        OperationId(number)
    }

    /// The name of an operation's job, unlike any other bot's.
    pub fn job(&self, operation: OperationId) -> JobId {
        JobId::new(&self.identity.instance, operation.0)
    }

    /// What an operation's job marks its own lines with.
    pub fn nonce(&self, operation: OperationId) -> String {
        self.identity.nonce(operation.0)
    }

    /// What a script that is only read marks its lines with.
    pub fn read_nonce(&self, ticket: Ticket) -> String {
        self.identity.nonce(ticket.number)
    }

    /// Which process this is of all that have used the ledger. Keys of what is
    /// counted anew by each process name it too.
    pub fn process(&self) -> u64 {
        self.identity.start
    }

    /// When the process before this one was last known to live.
    pub fn last_lived(&self) -> Option<Timestamp> {
        self.identity.lived
    }
}
