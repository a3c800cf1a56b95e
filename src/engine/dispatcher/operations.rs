//! What is asked about operations, and calling them off.

use jiff::Timestamp;

use super::{Dispatcher, answer, handled, key, questions::Question};
use crate::{
    domain::{
        inbound::Inbound,
        message::{Body, MessageClass},
        names::{EventId, RoomId, ServiceName},
        operation::{Operation, OperationId},
        outgoing::{Outgoing, What},
        record::Record,
        reply::operations as reply,
    },
    engine::event::{Cancelled, Effect, LedgerQuery, Ticket},
};

/// Somebody who waits to hear that a change was told to end.
#[derive(Debug)]
pub(super) struct Cancel {
    room: RoomId,
    event: EventId,
    operation: Operation,
}

/// Somebody who waits to hear of the past.
#[derive(Debug)]
pub(super) struct History {
    room: RoomId,
    event: EventId,
    what: LedgerQuery,
}

/// What somebody writes where an operation or a service can be meant.
enum Named {
    Operation(OperationId),
    Service(ServiceName),
}

impl Dispatcher {
    pub(super) fn tell_operations(&self, message: &Inbound, now: Timestamp) -> Vec<Effect> {
        let operations: Vec<_> = self.underway.values().map(|u| (&u.operation, &u.progress)).collect();
        self.answer(message, "ops", &reply::underway(&operations, &self.inventory.commands.prefix, now))
    }

    pub(super) fn cancel(&mut self, message: &Inbound, written: &str, now: Timestamp) -> Vec<Effect> {
        let prefix = self.inventory.commands.prefix.clone();
        let id = match self.named(written) {
            Ok(Named::Operation(id)) => Some(id),
            Ok(Named::Service(service)) => self.underway_for(&service).map(|operation| operation.id),
            Err(text) => return self.refuse(message, "no such service", &text),
        };
        let Some(underway) = id.and_then(|id| self.underway.get_mut(&id)) else {
            return self.refuse(message, "not under way", &reply::nothing_to_cancel(written, &prefix));
        };
        underway.cancelled_by = Some(message.sender.clone());
        let operation = underway.operation.clone();
        tracing::info!(operation = operation.id.0, by = %message.sender, "called off");
        let ticket = self.ticket();
        let (room, event) = (message.room.clone(), message.event.clone());
        let text = reply::calling_off(&operation);
        let effects = vec![
            Effect::CallOff { id: operation.id, by: message.sender.clone(), at: now },
            handled(message, "cancel"),
            answer(&room, &event, "answer", MessageClass::Answer, &text, vec![]),
            Effect::Cancel {
                host: operation.host.clone(),
                operation: operation.id,
                job: operation.job.clone(),
                ticket,
            },
        ];
        self.questions.insert(ticket, Question::Cancel(Box::new(Cancel { room, event, operation })));
        effects
    }

    pub(super) fn cancel_told(&mut self, ticket: Ticket, how: &Cancelled) -> Vec<Effect> {
        let Some(Question::Cancel(asked)) = self.questions.remove(&ticket) else { return Vec::new() };
        let Cancel { room, event, operation } = *asked;
        let text = match how {
            Cancelled::Ended => reply::ended(&operation),
            Cancelled::Ending => reply::ending(&operation),
            Cancelled::NeverBegan => reply::never_began(&operation),
            Cancelled::Stragglers => reply::stragglers(&operation),
            Cancelled::Untold(why) => reply::untold(&operation, why, &self.inventory.commands.prefix),
        };
        let what = What::Edit {
            of: key(&event, "answer"),
            class: MessageClass::Answer,
            body: Body::from_markdown(&text),
            last: true,
        };
        vec![Effect::Say(Outgoing { key: key(&event, "answer#last"), room, what })]
    }

    pub(super) fn ask_history(&mut self, message: &Inbound, about: Option<&str>) -> Vec<Effect> {
        let what = match about.map(|written| self.named(written)).transpose() {
            Ok(None) => LedgerQuery::Last(None),
            Ok(Some(Named::Service(service))) => LedgerQuery::Last(Some(service)),
            Ok(Some(Named::Operation(id))) => LedgerQuery::One(id),
            Err(text) => return self.refuse(message, "no such service", &text),
        };
        let ticket = self.ticket();
        let history = History { room: message.room.clone(), event: message.event.clone(), what: what.clone() };
        self.questions.insert(ticket, Question::History(history));
        vec![Effect::LedgerQuery { what, ticket }]
    }

    pub(super) fn recalled(&mut self, ticket: Ticket, records: &[Record], now: Timestamp) -> Vec<Effect> {
        let Some(Question::History(History { room, event, what })) = self.questions.remove(&ticket) else {
            return Vec::new();
        };
        let prefix = self.inventory.commands.prefix.as_str();
        let mut file = None;
        let text = match (&what, records) {
            (LedgerQuery::Last(service), records) => reply::history(service.as_ref(), records, prefix, now),
            (LedgerQuery::One(_), [record, ..]) => {
                let (text, name, script) = reply::past(record, now);
                file = Some(What::File { name, text: script, reply_to: Some(event.clone()) });
                text
            }
            (LedgerQuery::One(id), []) => reply::no_such_operation(id.0, prefix),
        };
        let mut effects = vec![answer(&room, &event, "answer", MessageClass::Answer, &text, vec![])];
        effects.extend(file.map(|what| Effect::Say(Outgoing { key: key(&event, "file"), room, what })));
        effects.push(Effect::Handled { event, how: "history".to_owned() });
        effects
    }

    /// What the bot says before it ends: who follows a change sees why it is
    /// silent from now on.
    pub(super) fn last_words(&mut self, now: Timestamp) -> Vec<Effect> {
        let ids: Vec<OperationId> = self.underway.keys().copied().collect();
        let found: Vec<_> = ids.into_iter().filter_map(|id| self.underway.remove(&id)).collect();
        found.into_iter().flat_map(|underway| self.say_progress(underway, Some(reply::LEFT_RUNNING), now)).collect()
    }

    /// "12", "#12" or a service. A service may be called 12.
    fn named(&self, written: &str) -> Result<Named, String> {
        let number = written.strip_prefix('#').unwrap_or(written).parse().map(OperationId);
        match (self.service(written), number) {
            (Ok(name), _) => Ok(Named::Service(name)),
            (Err(_), Ok(id)) => Ok(Named::Operation(id)),
            (Err(text), Err(_)) => Err(text),
        }
    }
}
