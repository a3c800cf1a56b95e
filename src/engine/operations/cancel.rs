//! Cancels changes.

use super::Operations;
use crate::{
    domain::{
        message::MessageClass,
        operation::{Operation, OperationId},
        origin::Origin,
        reply::operations as reply,
    },
    engine::{
        ctx::Ctx,
        effect::Effect,
        event::{Asker, CancelResult, Ticket},
        host_request::HostRequest,
        request::Request,
        speech,
        step::Step,
    },
    ports::Entry,
};

/// Somebody who waits to hear that a change was told to end.
#[derive(Debug)]
pub(super) struct Waiting {
    origin: Origin,
    operation: Operation,
}

impl Operations {
    /// Tells a change to end.
    pub fn cancel(&mut self, request: &Request, id: OperationId, ctx: &mut Ctx<'_>) -> Step {
        let Some(active) = self.active.get_mut(&id) else {
            let text = reply::nothing_to_cancel(&format!("#{}", id.0), ctx.prefix());
            return request.refuse("not in progress", &text);
        };
        let (origin, by) = (request.origin.clone(), request.origin.actor());
        active.cancelled_by = Some(by.clone());
        let operation = active.operation.clone();
        tracing::info!(operation = id.0, %by, "cancelled");
        let ticket = ctx.ids.ticket(Asker::Operations);
        let cancel = HostRequest::CancelJob { operation: id, job: operation.job.clone(), ticket };
        let step = Step::from(Effect::Record(Entry::CancelRequested { id, by, at: ctx.now }))
            .then(request.answer("cancel", &reply::cancelling(&operation)))
            .then(Effect::Host { host: operation.host.clone(), request: cancel });
        self.cancelling.insert(ticket, Waiting { origin, operation });
        step
    }

    /// What came of telling it.
    pub fn cancelled(&mut self, ticket: Ticket, result: &CancelResult, ctx: &Ctx<'_>) -> Step {
        let Some(Waiting { origin, operation }) = self.cancelling.remove(&ticket) else { return Step::none() };
        let text = match result {
            CancelResult::Ended => reply::ended(&operation),
            CancelResult::Ending => reply::ending(&operation),
            CancelResult::NeverBegan => reply::never_began(&operation),
            CancelResult::Stragglers => reply::stragglers(&operation),
            CancelResult::NotDelivered(why) => reply::not_delivered(&operation, why, ctx.prefix()),
        };
        speech::edit(&origin, "answer", MessageClass::Answer, "last", true, &text)
    }
}
