//! A change that has no outcome yet.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;

use super::lost::Lost;
use crate::{
    domain::{
        inventory::{Host, Inventory, Service},
        message::MessageClass,
        names::HostName,
        operation::Operation,
        origin::Actor,
        progress::{Phase, Progress},
        reply, runtime,
    },
    engine::{ctx::Ctx, effect::Effect, event::JobState, host_request::HostRequest, speech, step::Step},
    ports::Entry,
};

/// What is left, at least, to find out how a job ended.
const LEAST_LIMIT: Duration = Duration::from_secs(15);

/// See the module.
#[derive(Debug)]
pub(super) struct ActiveOperation {
    pub(super) operation: Operation,
    pub(super) progress: Progress,
    /// The phases that the ledger has.
    reached: BTreeSet<Phase>,
    edits: u32,
    /// Who cancelled it, if somebody did.
    pub(super) cancelled_by: Option<Actor>,
    /// Why nobody can follow it.
    pub(super) lost: Option<Lost>,
}

impl ActiveOperation {
    /// One that begins.
    pub(super) fn new(operation: Operation) -> Self {
        Self::resumed(operation, BTreeSet::new(), None)
    }

    /// One that an earlier process began.
    pub(super) fn resumed(operation: Operation, reached: BTreeSet<Phase>, cancelled_by: Option<Actor>) -> Self {
        Self { operation, progress: Progress::default(), reached, edits: 0, cancelled_by, lost: None }
    }

    /// The host whose looks show its service: of several, they are all of them together.
    pub(super) fn looked_at_through<'a>(&'a self, inventory: &'a Inventory) -> &'a HostName {
        let service = inventory.service(&self.operation.service);
        let has_both = |host: &&Host| {
            host.any_of.contains(&self.operation.host) && service.is_some_and(|service| service.host == host.name)
        };
        inventory.hosts.iter().find(has_both).map_or(&self.operation.host, |host| &host.name)
    }

    /// What is known of its job, when it is to be followed again.
    pub(super) fn state(&self) -> JobState {
        if self.reached.is_empty() { JobState::Submitted } else { JobState::Started }
    }

    /// Has its host run it. The host keeps the limit itself, and then puts back
    /// what it has touched: whoever follows waits for that too. What is left
    /// counts from when the change began, also after a restart.
    pub(super) fn run(&self, service: &Service, state: JobState, now: Timestamp) -> Effect {
        let operation = &self.operation;
        let whole = operation.job.limit + runtime::aftercare(service);
        let spent = Duration::try_from(now.duration_since(operation.began)).unwrap_or_default();
        let limit = whole.saturating_sub(spent).max(LEAST_LIMIT);
        let request = HostRequest::RunJob { operation: operation.id, job: operation.job.clone(), limit, state };
        Effect::Host { host: operation.host.clone(), request }
    }

    /// Notes the phases that were not noted before.
    pub(super) fn newly_reached(&mut self, now: Timestamp) -> Step {
        let id = self.operation.id;
        let phases = self.progress.phases.iter().map(|(phase, _)| *phase);
        let new: Vec<Phase> = phases.filter(|phase| self.reached.insert(*phase)).collect();
        new.into_iter().map(|phase| Effect::Record(Entry::Reached { id, phase, at: now })).collect()
    }

    /// Shows how far it is, with a note where there is more to say.
    pub(super) fn show(&mut self, note: Option<&str>, ctx: &Ctx<'_>) -> Step {
        let cancelled = self.cancelled_by.as_ref().map(reply::operations::cancelled_by);
        let note = note.or(cancelled.as_deref());
        let text = reply::change::in_progress(&self.operation, &self.progress, note, ctx.now);
        self.edits += 1;
        // Keys of edits are counted anew by each process, so they name it too.
        let number = format!("{}.{}", ctx.ids.process(), self.edits);
        speech::edit(&self.operation.origin, "progress", MessageClass::Progress, &number, false, &text)
    }
}
