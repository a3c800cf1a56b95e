//! `!history`: who changed what.

use super::{Pending, Queries};
use crate::{
    domain::{
        origin::Origin,
        record::{LedgerQuery, Record},
        reply::operations as reply,
    },
    engine::{ctx::Ctx, effect::Effect, event::Asker, request::Request, speech, step::Step},
};

/// Somebody who waits to hear of the past.
#[derive(Debug)]
pub(super) struct History {
    origin: Origin,
    query: LedgerQuery,
}

impl Queries {
    /// Asks the ledger.
    pub fn history(&mut self, request: &Request, query: LedgerQuery, ctx: &mut Ctx<'_>) -> Step {
        let ticket = ctx.ids.ticket(Asker::Queries);
        let pending = History { origin: request.origin.clone(), query: query.clone() };
        self.pending.insert(ticket, Pending::History(pending));
        Effect::Query { query, ticket }.into()
    }
}

impl History {
    pub(super) fn answered(self, records: &[Record], ctx: &Ctx<'_>) -> Step {
        let Self { origin, query } = self;
        let (text, file) = match (&query, records) {
            (LedgerQuery::Last(service), records) => {
                (reply::history(service.as_ref(), records, ctx.prefix(), ctx.now), None)
            }
            (LedgerQuery::One(_), [record, ..]) => {
                let past = reply::past(record, ctx.now);
                (past.text, Some(speech::file(&origin, past.file, past.script)))
            }
            (LedgerQuery::One(id), []) => (reply::no_such_operation(id.0, ctx.prefix()), None),
        };
        speech::answer(&origin, &text).then(file).then(speech::handled(&origin, "history"))
    }
}
