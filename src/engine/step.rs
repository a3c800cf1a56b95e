//! What a machine of the dispatcher answers with: what is to be done, and what
//! the other machines should know.

use super::{effect::Effect, request::Request};
use crate::domain::{
    incident::{Cause, IncidentId, Resolution},
    inventory::Service,
    message::MessageClass,
    names::{HostName, ServiceName},
    operation::{Operation, Outcome},
    progress::Progress,
    subject::Subject,
};

/// See the module.
#[derive(Debug, Default)]
pub struct Step {
    /// To be done, in this order.
    pub effects: Vec<Effect>,
    /// To be carried on, in this order, once the effects are in line.
    pub signals: Vec<Signal>,
}

/// What one machine tells the others. The dispatcher carries it.
#[derive(Debug)]
pub enum Signal {
    /// Somebody may have this done: it passed the door.
    Accepted(Box<Request>),
    /// Somebody reacted to an alert, which acknowledges these.
    Reacted(Box<Request>, Vec<IncidentId>),
    /// A change begins.
    OperationStarted(Box<Operation>),
    /// A change is over.
    OperationEnded(Box<EndedOperation>),
    /// Something is wrong that was not, or more is known of it.
    Opened(Subject, Cause),
    /// It is not wrong any more.
    Closed(Subject, Resolution),
    /// Services were found on a host, or are gone from there.
    Managed {
        /// Where.
        host: HostName,
        /// New ones.
        added: Vec<Service>,
        /// Those that are gone.
        gone: Vec<ServiceName>,
    },
    /// To be said in every room.
    Notify(Notification),
}

/// A change that is over.
#[derive(Debug)]
pub struct EndedOperation {
    /// Which.
    pub operation: Operation,
    /// How far it came.
    pub progress: Progress,
    /// How it ended.
    pub outcome: Outcome,
}

/// Something to be said in every room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Its name; each room's message is named for it and the room.
    pub key: String,
    /// How loudly.
    pub class: MessageClass,
    /// The text, as Markdown.
    pub text: String,
    /// Whether it is a message of its own, or a new text for one.
    pub form: Form,
}

/// What form a notification has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// A new message.
    Message,
    /// A new text for the message of this key.
    Edit {
        /// The key it was said under.
        of: String,
        /// Whether no other text will come.
        last: bool,
    },
    /// A file.
    File {
        /// Its name.
        name: String,
    },
}

impl Step {
    /// Nothing is to be done.
    pub fn none() -> Self {
        Self::default()
    }

    /// Does what another step does, afterwards.
    pub fn then(mut self, next: impl Into<Self>) -> Self {
        self.push(next);
        self
    }

    /// The same, in place.
    pub fn push(&mut self, next: impl Into<Self>) {
        let next = next.into();
        self.effects.extend(next.effects);
        self.signals.extend(next.signals);
    }
}

impl From<Effect> for Step {
    fn from(effect: Effect) -> Self {
        Self { effects: vec![effect], signals: Vec::new() }
    }
}

impl From<Vec<Effect>> for Step {
    fn from(effects: Vec<Effect>) -> Self {
        Self { effects, signals: Vec::new() }
    }
}

impl From<Signal> for Step {
    fn from(signal: Signal) -> Self {
        Self { effects: Vec::new(), signals: vec![signal] }
    }
}

impl<S: Into<Step>> From<Option<S>> for Step {
    fn from(step: Option<S>) -> Self {
        step.map(Into::into).unwrap_or_default()
    }
}

impl<S: Into<Step>> FromIterator<S> for Step {
    fn from_iter<I: IntoIterator<Item = S>>(steps: I) -> Self {
        steps.into_iter().fold(Self::default(), Step::then)
    }
}
