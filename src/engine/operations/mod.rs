//! Changes: begun once, followed to their one outcome.

mod active;
mod begin;
mod cancel;
mod conclude;
mod follow;
mod lost;

use std::collections::BTreeMap;

use self::{active::ActiveOperation, cancel::Waiting};
use super::{ctx::Ctx, event::Ticket, step::Step};
use crate::domain::{
    names::{HostName, ServiceName},
    operation::{Operation, OperationId},
    progress::Progress,
    reply,
};

/// See the module.
#[derive(Debug, Default)]
pub struct Operations {
    active: BTreeMap<OperationId, ActiveOperation>,
    /// Which of several hosts answered last, by what they are together.
    answering: BTreeMap<HostName, HostName>,
    /// Who waits to hear that a change was told to end.
    cancelling: BTreeMap<Ticket, Waiting>,
}

impl Operations {
    /// The change of a service that has no outcome yet.
    pub fn of(&self, service: &ServiceName) -> Option<&Operation> {
        self.active.values().map(|active| &active.operation).find(|operation| operation.service == *service)
    }

    /// Whether a change has no outcome yet.
    pub fn contains(&self, operation: OperationId) -> bool {
        self.active.contains_key(&operation)
    }

    /// All changes that have no outcome yet, and how far they are.
    pub fn active(&self) -> impl Iterator<Item = (&Operation, &Progress)> {
        self.active.values().map(|active| (&active.operation, &active.progress))
    }

    /// What the bot says before it ends: who follows a change sees why it is
    /// silent from now on.
    pub fn stopping(&mut self, ctx: &Ctx<'_>) -> Step {
        self.active.values_mut().map(|active| active.show(Some(reply::operations::LEFT_RUNNING), ctx)).collect()
    }
}
