//! Messages about incidents are edited while those go on, so that each is true
//! whenever somebody reads it.

use jiff::{SignedDuration, Timestamp};

use super::Incidents;
use crate::{
    domain::{
        incident::{Incident, IncidentId},
        message::MessageClass,
        reply,
    },
    engine::{
        ctx::Ctx,
        step::{Form, Notification, Signal, Step},
    },
};

/// Least time between two edits of a message about what goes on.
const EVERY: SignedDuration = SignedDuration::from_secs(30);

/// A message about incidents.
#[derive(Debug)]
pub(super) struct AlertMessage {
    /// What it is called.
    key: String,
    class: MessageClass,
    /// Those that it tells of and that have ended.
    closed: Vec<Incident>,
    edits: u32,
    /// When its text was last made.
    written_at: Option<Timestamp>,
    /// Whether its text has become wrong.
    outdated: bool,
}

impl AlertMessage {
    /// One that is said now.
    pub(super) fn said(key: String, class: MessageClass, now: Timestamp) -> Self {
        Self { key, class, closed: Vec::new(), edits: 0, written_at: Some(now), outdated: false }
    }

    /// One of an earlier process: what it says may be wrong by now.
    pub(super) fn outdated(key: String, class: MessageClass) -> Self {
        Self { key, class, closed: Vec::new(), edits: 0, written_at: None, outdated: true }
    }

    /// Something that it tells of is over.
    pub(super) fn closed(&mut self, incident: Incident) {
        self.closed.push(incident);
        self.outdated = true;
    }

    /// When it is to be edited.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.written_at.filter(|_| self.outdated).and_then(|at| at.checked_add(EVERY).ok())
    }

    /// What it says is not all there is to say.
    pub(super) fn outdate(&mut self) {
        self.outdated = true;
    }

    fn is_due(&self, now: Timestamp) -> bool {
        self.written_at.is_none_or(|at| now.duration_since(at) >= EVERY)
    }
}

impl Incidents {
    /// What was said of an incident has become wrong.
    pub(super) fn outdate(&mut self, incident: &Incident) {
        if let Some(message) = incident.told_with.and_then(|id| self.messages.get_mut(&id)) {
            message.outdated = true;
        }
    }

    /// A newer message is about to tell of it: the one before says so, and no
    /// more.
    pub(super) fn supersede(&mut self, id: IncidentId, ctx: &Ctx<'_>) -> Step {
        let (Some(message), Some(incident)) = (self.messages.remove(&id), self.open.get(&id)) else {
            return Step::none();
        };
        let text = reply::incident::superseded(incident, ctx.inventory, ctx.now);
        let (key, form) = (format!("{}#last", message.key), Form::Edit { of: message.key, last: true });
        Signal::Notify(Notification { key, class: message.class, text, form }).into()
    }

    /// One of those that a message told of is told elsewhere from now on. The
    /// last one leaves it as it is.
    pub(super) fn leave(&mut self, message: IncidentId) {
        let others = self.told_with(message).next().is_some();
        if !others {
            self.messages.remove(&message);
        } else if let Some(message) = self.messages.get_mut(&message) {
            message.outdated = true;
        }
    }

    /// The same, and nobody should wait for the new text.
    pub(super) fn outdate_now(&mut self, incident: &Incident) {
        if let Some(message) = incident.told_with.and_then(|id| self.messages.get_mut(&id)) {
            message.outdated = true;
            message.written_at = None;
        }
    }

    /// Edits messages that are not true any more; their last text at once.
    pub(super) fn edit(&mut self, ctx: &Ctx<'_>) -> Step {
        let outdated = self.messages.iter().filter(|(_, message)| message.outdated);
        let outdated: Vec<IncidentId> = outdated.map(|(id, _)| *id).collect();
        outdated.into_iter().map(|id| self.edit_message(id, ctx)).collect()
    }

    fn edit_message(&mut self, id: IncidentId, ctx: &Ctx<'_>) -> Step {
        let open: Vec<&Incident> = self.told_with(id).collect();
        let Some(message) = self.messages.get(&id) else { return Step::none() };
        let last = open.is_empty();
        if !last && !message.is_due(ctx.now) {
            return Step::none();
        }
        let closed: Vec<&Incident> = message.closed.iter().collect();
        let text = reply::incident::told(&open, &closed, ctx.inventory, ctx.now);
        let (of, class) = (message.key.clone(), message.class);
        let edits = message.edits + 1;
        if last {
            self.messages.remove(&id);
        } else if let Some(message) = self.messages.get_mut(&id) {
            message.edits = edits;
            message.written_at = Some(ctx.now);
            message.outdated = false;
        }
        // Keys of edits are counted anew by each process, so they name it too.
        let number = if last { "last".to_owned() } else { format!("{}.{edits}", ctx.ids.process()) };
        let key = format!("{of}#{number}");
        Signal::Notify(Notification { key, class, text, form: Form::Edit { of, last } }).into()
    }
}
