//! Saying something because of a request: in its room, as an answer to it, or
//! in every room where it came from elsewhere.

use super::{
    effect::Effect,
    request::Request,
    step::{Form, Notification, Signal, Step},
};
use crate::{
    domain::{
        message::{Body, MessageClass},
        names::{EventId, RoomId, UserId},
        origin::Origin,
        outgoing::{MessageKey, Outgoing, What},
    },
    ports::Entry,
};

/// A new message.
pub fn say(origin: &Origin, which: &str, class: MessageClass, text: &str, mentions: Vec<UserId>) -> Step {
    let key = origin.key(which);
    match origin.place() {
        Some((room, event)) => {
            let what = What::Say { class, body: Body::from_markdown(text), reply_to: Some(event.clone()), mentions };
            Effect::Say(Outgoing { key, room: room.clone(), what }).into()
        }
        None => Signal::Notify(Notification { key: key.0, class, text: text.to_owned(), form: Form::Message }).into(),
    }
}

/// The answer to a request.
pub fn answer(origin: &Origin, text: &str) -> Step {
    say(origin, "answer", MessageClass::Answer, text, vec![])
}

/// A new text for the message `which`. `number` tells it from other texts of
/// that message.
pub fn edit(origin: &Origin, which: &str, class: MessageClass, number: &str, last: bool, text: &str) -> Step {
    let (of, key) = (origin.key(which), origin.key(&format!("{which}#{number}")));
    match origin.place() {
        Some((room, _)) => {
            let what = What::Edit { of, class, body: Body::from_markdown(text), last };
            Effect::Say(Outgoing { key, room: room.clone(), what }).into()
        }
        None => {
            let form = Form::Edit { of: of.0, last };
            Signal::Notify(Notification { key: key.0, class, text: text.to_owned(), form }).into()
        }
    }
}

/// A text as a file.
pub fn file(origin: &Origin, name: String, text: String) -> Step {
    let key = origin.key("file");
    match origin.place() {
        Some((room, event)) => {
            let what = What::File { name, text, reply_to: Some(event.clone()) };
            Effect::Say(Outgoing { key, room: room.clone(), what }).into()
        }
        None => {
            let form = Form::File { name };
            Signal::Notify(Notification { key: key.0, class: MessageClass::Answer, text, form }).into()
        }
    }
}

/// An answer to a message that is no request.
pub fn reply(room: &RoomId, event: &EventId, which: &str, text: &str) -> Effect {
    let (class, body) = (MessageClass::Answer, Body::from_markdown(text));
    let what = What::Say { class, body, reply_to: Some(event.clone()), mentions: Vec::new() };
    Effect::Say(Outgoing { key: MessageKey(format!("{event}/{which}")), room: room.clone(), what })
}

/// Notes that the message behind a request was dealt with.
pub fn handled(origin: &Origin, how: &str) -> Step {
    let entry = |event| Effect::Record(Entry::Handled { event, how: how.to_owned() });
    origin.event().cloned().map(entry).into()
}

impl Request {
    /// Answers it for good. `how` is what the ledger says was made of it.
    pub fn answer(&self, how: &str, text: &str) -> Step {
        answer(&self.origin, text).then(handled(&self.origin, how))
    }

    /// The same, because it is not done.
    pub fn refuse(&self, how: &str, text: &str) -> Step {
        tracing::info!(by = %self.origin.actor(), "not run: {how}");
        self.answer(how, text)
    }
}
