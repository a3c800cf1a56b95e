//! Incidents: problems that people are told of. Opened, announced, edited as
//! they develop, acknowledged, and told again when they are over. This machine
//! alone decides what is said of a problem, how loudly and when.
//!
//! The first is announced at once. What comes shortly after is announced
//! together with all else that came until then: when a host's fifty containers
//! die, two messages tell of it, not fifty.

mod acknowledge;
mod announce;
mod close;
mod edit;
mod open;
mod remind;
mod silence;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use self::edit::AlertMessage;
use super::{
    ctx::Ctx,
    effect::Effect,
    event::Ticket,
    step::{Form, Notification, Signal, Step},
};
use crate::{
    domain::{
        incident::{Incident, IncidentId},
        inventory::Inventory,
        maintenance::Window,
        message::MessageClass,
        outgoing::MessageKey,
        silence::{Silence, in_maintenance},
        subject::Subject,
        watch::Level,
    },
    ports::Entry,
};

/// See the module.
#[derive(Debug)]
pub struct Incidents {
    open: BTreeMap<IncidentId, Incident>,
    next: u64,
    silences: BTreeMap<u64, Silence>,
    next_silence: u64,
    /// To be announced together soon.
    waiting: Vec<IncidentId>,
    due: Option<Timestamp>,
    /// When something was last announced.
    announced_at: Option<Timestamp>,
    /// When somebody was notified lately.
    pages: VecDeque<Timestamp>,
    /// Those that have waited long to be announced.
    delayed: BTreeSet<IncidentId>,
    /// Over, to be told together soon.
    closed: Vec<Incident>,
    closed_due: Option<Timestamp>,
    last_closed: Option<Timestamp>,
    /// When what is due was last looked at.
    ticked_at: Option<Timestamp>,
    /// What was said about what, by the incident that the message is named for.
    messages: BTreeMap<IncidentId, AlertMessage>,
    /// Logs that are being read, as evidence.
    evidence: BTreeMap<Ticket, IncidentId>,
}

impl Incidents {
    /// Nothing is wrong yet.
    pub fn new() -> Self {
        Self {
            open: BTreeMap::new(),
            next: 1,
            silences: BTreeMap::new(),
            next_silence: 1,
            waiting: Vec::new(),
            due: None,
            announced_at: None,
            pages: VecDeque::new(),
            delayed: BTreeSet::new(),
            closed: Vec::new(),
            closed_due: None,
            last_closed: None,
            ticked_at: None,
            messages: BTreeMap::new(),
            evidence: BTreeMap::new(),
        }
    }

    /// Goes on from where an earlier process was.
    pub fn restore(&mut self, next: u64, open: Vec<Incident>, silences: Vec<Silence>, now: Timestamp) {
        self.next = next;
        self.next_silence = silences.iter().map(|silence| silence.id + 1).max().unwrap_or(1);
        self.silences = silences.into_iter().map(|silence| (silence.id, silence)).collect();
        for incident in open {
            if incident.said.is_some() && incident.has_relapsed() {
                // That it came back was not told any more.
                self.waiting.push(incident.id);
                self.due = Some(now);
            }
            match (incident.told_with, incident.message()) {
                (Some(with), Some(MessageKey(key))) => {
                    let class = match incident.told_as.or(incident.said) {
                        Some(Level::Page) => MessageClass::Page,
                        Some(Level::Note) | None => MessageClass::Answer,
                    };
                    self.messages.entry(with).or_insert(AlertMessage::outdated(key, class));
                }
                (None, _) | (Some(_), None) => {
                    self.waiting.push(incident.id);
                    self.due = Some(now);
                }
            }
            self.open.insert(incident.id, incident);
        }
    }

    /// What is wrong, oldest first.
    pub fn open(&self) -> impl Iterator<Item = &Incident> {
        self.open.values()
    }

    /// What notifies nobody for a while.
    pub fn silences(&self) -> impl Iterator<Item = &Silence> {
        self.silences.values()
    }

    /// Those that one message tells of.
    pub fn told_with(&self, message: IncidentId) -> impl Iterator<Item = &Incident> {
        self.open.values().filter(move |incident| incident.told_with == Some(message))
    }

    /// Whether nobody is to be notified of this.
    pub fn is_silent(&self, subject: &Subject, inventory: &Inventory, now: Timestamp) -> bool {
        let covers = |silence: &Silence| silence.until > now && silence.covers(subject, inventory);
        self.silences.values().any(covers) || in_maintenance(subject, inventory, now)
    }

    fn about(&self, subject: &Subject) -> Option<IncidentId> {
        self.open.values().find(|incident| incident.subject == *subject).map(|incident| incident.id)
    }

    /// What is due by now.
    pub fn tick(&mut self, ctx: &mut Ctx<'_>) -> Step {
        // Without a room nothing can be said.
        if !ctx.can_speak {
            return Step::none();
        }
        self.ticked_at = Some(ctx.now);
        let announced = self.announce_waiting(ctx);
        let closed = self.tell_closed(ctx);
        let edited = self.edit(ctx);
        let reminded = self.remind(ctx);
        announced.then(closed).then(edited).then(reminded).then(self.end_silences(ctx))
    }

    /// When something will be due.
    pub fn deadline(&self, inventory: &Inventory) -> Option<Timestamp> {
        let edits = self.messages.values().filter_map(AlertMessage::deadline);
        let silences = self.silences.values().map(|silence| silence.until);
        let after = remind_after(inventory);
        let nobody = self.open.values().filter(|incident| incident.acknowledged.is_none());
        let reminders = nobody.filter_map(|i| i.last_paged_at.and_then(|at| at.checked_add(after).ok()));
        // No event tells of the end of a maintenance window.
        let held = self.open.values().any(Incident::is_held);
        let windows = self.ticked_at.filter(|_| held).map(Window::next_look);
        edits.chain(silences).chain(reminders).chain(windows).chain(self.due).chain(self.closed_due).min()
    }
}

impl Default for Incidents {
    fn default() -> Self {
        Self::new()
    }
}

fn remind_after(inventory: &Inventory) -> SignedDuration {
    SignedDuration::try_from(inventory.watch.remind_after).unwrap_or(SignedDuration::MAX)
}

/// Writes down how an incident is now.
fn record(incident: &Incident) -> Effect {
    Effect::Record(Entry::Incident(Box::new(incident.clone())))
}

/// Says a new message in every room.
fn notify(key: String, class: MessageClass, text: String) -> Signal {
    Signal::Notify(Notification { key, class, text, form: Form::Message })
}
