//! Gives a change its one outcome.

use jiff::SignedDuration;

use super::{Operations, active::ActiveOperation};
use crate::{
    domain::{
        inventory::Service,
        message::MessageClass,
        names::UserId,
        operation::{Operation, Outcome},
        record::End,
        reply::change::{self, ResultContext},
    },
    engine::{
        ctx::Ctx,
        effect::Effect,
        speech,
        step::{EndedOperation, Signal, Step},
    },
    ports::Entry,
};

/// A result that took longer than this is worth a message of its own: nobody
/// looks at an edit that long.
const NOTICED: SignedDuration = SignedDuration::from_secs(30);

impl Operations {
    /// Notes the outcome and says it.
    pub(super) fn conclude(
        &mut self,
        mut active: ActiveOperation,
        mut outcome: Outcome,
        service: Option<&Service>,
        ctx: &Ctx<'_>,
    ) -> Step {
        let reached = active.newly_reached(ctx.now);
        let ActiveOperation { operation, progress, cancelled_by, .. } = active;
        tracing::info!(operation = operation.id.0, service = %operation.service, "{}", outcome.name());
        if let Outcome::Cancelled { by, .. } = &mut outcome {
            *by = cancelled_by;
        }
        let told = ResultContext {
            operation: &operation,
            service,
            progress: &progress,
            outcome: &outcome,
            prefix: ctx.prefix(),
            now: ctx.now,
        };
        let (class, mentions) = loudness(&operation, &outcome);
        // Who asked for what is over soon still looks at the message that is edited: it says all.
        let noticed = ctx.now.duration_since(operation.began) > NOTICED;
        // What nobody in a room asked for has no message there that could be edited.
        let foreign = operation.origin.place().is_none();
        let apart = class == MessageClass::Page || noticed || foreign;
        let (text, short) = (change::result(&told), change::finished(&told, apart));
        let end = End { at: ctx.now, outcome: outcome.name().to_owned(), verdict: change::verdict(&told) };
        let mut step = reached
            .then(speech::edit(&operation.origin, "progress", MessageClass::Progress, "last", true, &short))
            .then(Effect::Record(Entry::Ended { id: operation.id, end }));
        if apart {
            step.push(speech::say(&operation.origin, "result", class, &text, mentions));
        }
        step.then(Signal::OperationEnded(Box::new(EndedOperation { operation, progress, outcome })))
    }
}

/// How loudly an outcome is told, and to whom.
fn loudness(operation: &Operation, outcome: &Outcome) -> (MessageClass, Vec<UserId>) {
    let owner = operation.origin.actor();
    let page = || (MessageClass::Page, owner.person().cloned().into_iter().collect());
    match outcome {
        Outcome::Succeeded => (MessageClass::Answer, vec![]),
        // Who asked for it must know that it did not happen.
        Outcome::Failed { .. } | Outcome::NotStarted(_) | Outcome::TimedOut { .. } | Outcome::Unknown { .. } => page(),
        // Who cancelled it knows; the owner is notified.
        Outcome::Cancelled { by: Some(by), .. } if *by != owner => page(),
        // Who asked looks at the answer that comes at once.
        Outcome::Refused(_) | Outcome::Cancelled { .. } => (MessageClass::Answer, vec![]),
    }
}
