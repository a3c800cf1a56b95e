//! The desk at which troubles become incidents: opened, told, edited as they
//! develop, acknowledged, and told again when they are over.
//!
//! The first trouble is told at once. What comes shortly after is told together
//! with all else that came until then: when a host's fifty containers die, two
//! messages tell of it, not fifty.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use super::{Dispatcher, questions::Question};
use crate::{
    domain::{
        incident::{Cause, Incident, IncidentId, Resolution, Silence, Subject},
        maintenance::Window,
        message::{Body, MessageClass},
        outgoing::{MessageKey, Outgoing, What},
        reply,
        watch::{Closed, Level, Who},
    },
    engine::event::Effect,
};

/// A trouble so long after the last one that was told is told at once.
const APART: SignedDuration = SignedDuration::from_secs(10);
/// How long others are waited for, to be told with it.
const GATHER: SignedDuration = SignedDuration::from_secs(3);
/// The same, when phones have rung often in the last minute.
const GATHER_LONGER: SignedDuration = SignedDuration::from_secs(20);
/// So often in a minute is often.
const OFTEN: usize = 3;
/// Least time between two edits of a message about what goes on.
const EDIT_EVERY: SignedDuration = SignedDuration::from_secs(30);
/// An alert waits no longer than this for its evidence.
const EVIDENCE: Duration = Duration::from_secs(3);

/// See the module.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) open: BTreeMap<IncidentId, Incident>,
    next: u64,
    pub(super) silences: BTreeMap<u64, Silence>,
    pub(super) next_silence: u64,
    /// To be told together soon.
    waiting: Vec<IncidentId>,
    due: Option<Timestamp>,
    /// When phones rang lately.
    rang: VecDeque<Timestamp>,
    /// Over, to be told together soon.
    over: Vec<Incident>,
    over_due: Option<Timestamp>,
    last_over: Option<Timestamp>,
    /// When what is due was last looked at.
    looked: Option<Timestamp>,
    /// What was said about what, by the incident that the message is named for.
    told: BTreeMap<IncidentId, Told>,
}

/// A message about incidents.
#[derive(Debug, Default)]
struct Told {
    /// Those that it tells of and that have ended.
    over: Vec<Incident>,
    edits: u32,
    /// When its text was last renewed.
    renewed: Option<Timestamp>,
    /// Whether its text has become wrong.
    stale: bool,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self {
            open: BTreeMap::new(),
            next: 1,
            silences: BTreeMap::new(),
            next_silence: 1,
            waiting: Vec::new(),
            due: None,
            rang: VecDeque::new(),
            over: Vec::new(),
            over_due: None,
            last_over: None,
            looked: None,
            told: BTreeMap::new(),
        }
    }

    fn about(&self, subject: &Subject) -> Option<IncidentId> {
        self.open.values().find(|incident| incident.subject == *subject).map(|incident| incident.id)
    }

    /// Those that one message tells of.
    pub(super) fn told_with(&self, message: IncidentId) -> impl Iterator<Item = &Incident> {
        self.open.values().filter(move |incident| incident.told_with == Some(message))
    }

    fn gather(&self, now: Timestamp) -> SignedDuration {
        let lately = self.rang.iter().filter(|at| now.duration_since(**at) < SignedDuration::from_mins(1)).count();
        if lately >= OFTEN { GATHER_LONGER } else { GATHER }
    }

    fn rings(&mut self, now: Timestamp) {
        self.rang.push_back(now);
        if self.rang.len() > 10 {
            self.rang.pop_front();
        }
    }

    fn outdated(&mut self, incident: &Incident) {
        if let Some(told) = incident.told_with.and_then(|id| self.told.get_mut(&id)) {
            told.stale = true;
        }
    }

    /// The same, and nobody should wait for the new text.
    pub(super) fn outdated_now(&mut self, incident: &Incident) {
        if let Some(told) = incident.told_with.and_then(|id| self.told.get_mut(&id)) {
            told.stale = true;
            told.renewed = None;
        }
    }

    pub(super) fn deadline(&self, remind_after: SignedDuration) -> Option<Timestamp> {
        let stale = self.told.values().filter(|told| told.stale);
        let edits = stale.filter_map(|told| told.renewed.and_then(|at| at.checked_add(EDIT_EVERY).ok()));
        let silences = self.silences.values().map(|silence| silence.until);
        let nobody = self.open.values().filter(|incident| incident.acknowledged.is_none());
        let reminders = nobody.filter_map(|i| i.last_paged_at.and_then(|at| at.checked_add(remind_after).ok()));
        // No event tells of the end of a maintenance window.
        let held = self.open.values().any(Incident::is_held);
        let windows = self.looked.filter(|_| held).map(Window::next_look);
        edits.chain(silences).chain(reminders).chain(windows).chain(self.due).chain(self.over_due).min()
    }
}

impl Dispatcher {
    /// Something is wrong that was not, or more is known of it.
    pub(super) fn trouble(&mut self, subject: Subject, trouble: Cause, now: Timestamp) -> Vec<Effect> {
        let id = match self.desk.about(&subject) {
            Some(id) => id,
            None => {
                let id = IncidentId(self.desk.next);
                self.desk.next += 1;
                tracing::warn!(incident = id.0, ?subject, "opened");
                self.desk.open.insert(id, Incident::new(id, subject, trouble.clone(), now));
                id
            }
        };
        let Some(incident) = self.desk.open.get_mut(&id) else { return Vec::new() };
        incident.cause = trouble;
        let incident = incident.clone();
        let mut effects = vec![Effect::Incident(Box::new(incident.clone()))];
        let told_enough = incident.said.is_some_and(|said| said >= incident.cause.level());
        if told_enough {
            self.desk.outdated(&incident);
            effects.extend(self.renew(now));
        } else if !self.desk.waiting.contains(&id) && !self.evidence_asked(id) {
            effects.extend(self.announce(id, now));
        }
        effects
    }

    /// Tells of it at once, or together with others.
    fn announce(&mut self, id: IncidentId, now: Timestamp) -> Vec<Effect> {
        let quiet = self.desk.rang.back().is_none_or(|last| now.duration_since(*last) >= APART);
        if self.desk.waiting.is_empty() && quiet && !self.rooms.is_empty() {
            self.desk.rings(now);
            return self.tell_with_evidence(id, now);
        }
        self.desk.waiting.push(id);
        let due = now.checked_add(self.desk.gather(now)).unwrap_or(now);
        self.desk.due.get_or_insert(due);
        Vec::new()
    }

    fn evidence_asked(&self, id: IncidentId) -> bool {
        self.questions.values().any(|question| matches!(question, Question::Evidence(of) if *of == id))
    }

    fn tell_with_evidence(&mut self, id: IncidentId, now: Timestamp) -> Vec<Effect> {
        let Some(Subject::Service(service)) = self.desk.open.get(&id).map(|incident| incident.subject.clone()) else {
            return self.tell(vec![id], now);
        };
        let Some(host) = self.inventory.service(&service).map(|s| s.host.clone()) else { return Vec::new() };
        let ticket = self.ticket();
        self.questions.insert(ticket, Question::Evidence(id));
        let lines = reply::alert::LOG_LINES * 3;
        vec![Effect::ReadLog { host, service, lines, limit: EVIDENCE, ticket }]
    }

    /// The evidence is there, or will not come.
    pub(super) fn evidence(
        &mut self,
        id: IncidentId,
        log: Result<(String, bool), String>,
        now: Timestamp,
    ) -> Vec<Effect> {
        // Over while the log was read: there is nothing to tell of.
        let Some(incident) = self.desk.open.get_mut(&id) else { return Vec::new() };
        incident.log = Some(log.map(|(text, _)| text));
        self.tell(vec![id], now)
    }

    /// Says it: incidents that are open, in one message.
    fn tell(&mut self, ids: Vec<IncidentId>, now: Timestamp) -> Vec<Effect> {
        let Some(first) = ids.first().copied() else { return Vec::new() };
        let inventory = Arc::clone(&self.inventory);
        let mut effects = Vec::new();
        let mut loudest = None;
        for id in &ids {
            let silent = self.desk.open.get(id).is_some_and(|incident| self.is_silent(&incident.subject, now));
            let Some(incident) = self.desk.open.get_mut(id) else { continue };
            let level = if silent { Level::Note } else { incident.cause.level() };
            if let Some(before) = incident.told_with.replace(first).filter(|before| *before != first) {
                // The message that told of it more quietly stays as it was.
                self.desk.told.remove(&before);
            }
            incident.said = Some(level);
            incident.last_paged_at = (level == Level::Page).then_some(now);
            loudest = loudest.max(Some(level));
            effects.push(Effect::Incident(Box::new(incident.clone())));
        }
        let class = match loudest {
            Some(Level::Page) => MessageClass::Page,
            Some(Level::Note) | None => MessageClass::Answer,
        };
        let open: Vec<&Incident> = ids.iter().filter_map(|id| self.desk.open.get(id)).collect();
        let text = reply::incident::told(&open, &[], &inventory, now);
        self.desk.told.insert(first, Told { renewed: Some(now), ..Told::default() });
        let key = key(first, if class == MessageClass::Page { "page" } else { "note" });
        effects.extend(self.say_everywhere(&key, class, &text));
        effects
    }

    /// It is not wrong any more.
    pub(super) fn settled(&mut self, subject: &Subject, how: Resolution, now: Timestamp) -> Vec<Effect> {
        let Some(mut incident) = self.desk.about(subject).and_then(|id| self.desk.open.remove(&id)) else {
            return Vec::new();
        };
        tracing::info!(incident = incident.id.0, ?subject, "over");
        incident.end = Some((how, now));
        let mut effects = vec![Effect::Incident(Box::new(incident.clone()))];
        self.desk.waiting.retain(|id| *id != incident.id);
        // Over before it was told: that it was, is told silently.
        if let Some(told) = incident.told_with.and_then(|id| self.desk.told.get_mut(&id)) {
            told.over.push(incident.clone());
            told.stale = true;
        }
        self.desk.over.push(incident);
        let apart = self.desk.last_over.is_none_or(|last| now.duration_since(last) >= APART);
        let due = if apart && self.desk.over.len() == 1 { now } else { now.checked_add(GATHER).unwrap_or(now) };
        self.desk.over_due.get_or_insert(due);
        effects.extend(self.incidents_tick(now));
        effects
    }

    /// What is due by now.
    pub(super) fn incidents_tick(&mut self, now: Timestamp) -> Vec<Effect> {
        if self.rooms.is_empty() {
            return Vec::new();
        }
        self.desk.looked = Some(now);
        let mut effects = Vec::new();
        if self.desk.due.take_if(|due| *due <= now).is_some() {
            let waiting = std::mem::take(&mut self.desk.waiting);
            let open: Vec<IncidentId> = waiting.into_iter().filter(|id| self.desk.open.contains_key(id)).collect();
            if !open.is_empty() {
                self.desk.rings(now);
            }
            effects.extend(match open[..] {
                [one] => self.tell_with_evidence(one, now),
                _ => self.tell(open, now),
            });
        }
        if self.desk.over_due.take_if(|due| *due <= now).is_some() {
            effects.extend(self.tell_over(now));
        }
        effects.extend(self.renew(now));
        effects.extend(self.remind(now));
        effects.extend(self.end_silences(now));
        effects
    }

    fn tell_over(&mut self, now: Timestamp) -> Vec<Effect> {
        let over = std::mem::take(&mut self.desk.over);
        let Some(first) = over.first().map(|incident| incident.id) else { return Vec::new() };
        self.desk.last_over = Some(now);
        // Who stopped it through the bot knows, and sees the result.
        let done = |incident: &Incident| {
            matches!(incident.end, Some((Resolution::Service(Closed::Stopped(Who::Operator(_))), _)))
        };
        let rang = over.iter().any(|i| i.said == Some(Level::Page) && !done(i) && !self.is_silent(&i.subject, now));
        let class = if rang { MessageClass::Page } else { MessageClass::Answer };
        let text = reply::incident::over(&over, &self.inventory);
        self.say_everywhere(&key(first, "over"), class, &text)
    }

    /// Edits messages that are not true any more; their last text at once.
    pub(super) fn renew(&mut self, now: Timestamp) -> Vec<Effect> {
        let inventory = Arc::clone(&self.inventory);
        let stale: Vec<IncidentId> = self.desk.told.iter().filter(|(_, told)| told.stale).map(|(id, _)| *id).collect();
        let mut effects = Vec::new();
        for id in stale {
            let open: Vec<&Incident> = self.desk.told_with(id).collect();
            let Some(told) = self.desk.told.get(&id) else { continue };
            let last = open.is_empty();
            if !last && told.renewed.is_some_and(|at| now.duration_since(at) < EDIT_EVERY) {
                continue;
            }
            let over: Vec<&Incident> = told.over.iter().collect();
            let text = reply::incident::told(&open, &over, &inventory, now);
            let paged = open.iter().chain(&over).any(|incident| incident.said == Some(Level::Page));
            let (of, class) =
                if paged { (key(id, "page"), MessageClass::Page) } else { (key(id, "note"), MessageClass::Answer) };
            let number = told.edits + 1;
            effects.extend(self.edit_everywhere(&of, class, number, &text, last));
            if last {
                self.desk.told.remove(&id);
            } else if let Some(told) = self.desk.told.get_mut(&id) {
                *told = Told { edits: number, renewed: Some(now), stale: false, over: std::mem::take(&mut told.over) };
            }
        }
        effects
    }

    fn edit_everywhere(&self, of: &str, class: MessageClass, number: u32, text: &str, last: bool) -> Vec<Effect> {
        let body = Body::from_markdown(text);
        let number = if last { "last".to_owned() } else { format!("{}.{number}", self.identity.start) };
        let edit = |room: &crate::domain::names::RoomId| {
            let of = MessageKey(format!("{of}/{room}"));
            let key = MessageKey(format!("{of}#{number}"));
            let what = What::Edit { of, class, body: body.clone(), last };
            Effect::Say(Outgoing { key, room: room.clone(), what })
        };
        self.rooms.iter().map(edit).collect()
    }

    /// Rings again for what nobody is on.
    fn remind(&mut self, now: Timestamp) -> Vec<Effect> {
        let inventory = Arc::clone(&self.inventory);
        let after = self.remind_after();
        let due: Vec<IncidentId> = self
            .desk
            .open
            .values()
            .filter(|i| i.acknowledged.is_none() && i.last_paged_at.is_some_and(|at| now.duration_since(at) >= after))
            .map(|i| i.id)
            .collect();
        let (silent, due): (Vec<_>, Vec<_>) = due
            .into_iter()
            .partition(|id| self.desk.open.get(id).is_some_and(|incident| self.is_silent(&incident.subject, now)));
        for id in silent {
            // Its turn comes again.
            if let Some(incident) = self.desk.open.get_mut(&id) {
                incident.last_paged_at = Some(now);
            }
        }
        let Some(first) = due.first().copied() else { return Vec::new() };
        let mut effects = Vec::new();
        for id in &due {
            if let Some(incident) = self.desk.open.get_mut(id) {
                incident.last_paged_at = Some(now);
                effects.push(Effect::Incident(Box::new(incident.clone())));
            }
        }
        let incidents: Vec<&Incident> = due.iter().filter_map(|id| self.desk.open.get(id)).collect();
        let text = reply::incident::reminder(&incidents, &inventory, &inventory.commands.prefix, now);
        let key = format!("{}/{}", key(first, "still"), now.as_second());
        effects.extend(self.say_everywhere(&key, MessageClass::Page, &text));
        effects
    }

    pub(super) fn remind_after(&self) -> SignedDuration {
        SignedDuration::try_from(self.inventory.watch.remind_after).unwrap_or(SignedDuration::MAX)
    }

    pub(super) fn is_silent(&self, subject: &Subject, now: Timestamp) -> bool {
        let covers = |silence: &Silence| silence.until > now && silence.covers(subject, &self.inventory);
        self.desk.silences.values().any(covers) || self.inventory.in_maintenance(subject, now)
    }

    /// A silence that is over lets ring what is still open.
    fn end_silences(&mut self, now: Timestamp) -> Vec<Effect> {
        let over: Vec<u64> = self.desk.silences.values().filter(|s| s.until <= now).map(|s| s.id).collect();
        let mut effects: Vec<Effect> = over.iter().map(|id| Effect::EndSilence(*id)).collect();
        for id in over {
            self.desk.silences.remove(&id);
        }
        effects.extend(self.ring_what_was_silent(now));
        effects
    }

    pub(super) fn ring_what_was_silent(&mut self, now: Timestamp) -> Vec<Effect> {
        let held = self.desk.open.values().filter(|incident| incident.is_held());
        let rings: Vec<IncidentId> = held.filter(|i| !self.is_silent(&i.subject, now)).map(|i| i.id).collect();
        let new: Vec<IncidentId> =
            rings.into_iter().filter(|id| !self.desk.waiting.contains(id) && !self.evidence_asked(*id)).collect();
        new.into_iter().flat_map(|id| self.announce(id, now)).collect()
    }

    /// Goes on from where an earlier process was.
    pub(super) fn restore_incidents(&mut self, next: u64, open: Vec<Incident>, silences: Vec<Silence>, now: Timestamp) {
        self.desk.next = next;
        self.desk.next_silence = silences.iter().map(|silence| silence.id + 1).max().unwrap_or(1);
        self.desk.silences = silences.into_iter().map(|silence| (silence.id, silence)).collect();
        for incident in open {
            match (incident.said, incident.told_with) {
                (Some(_), Some(with)) => {
                    self.desk.told.entry(with).or_insert(Told { stale: true, ..Told::default() });
                }
                (None, _) | (Some(_), None) => {
                    self.desk.waiting.push(incident.id);
                    self.desk.due = Some(now);
                }
            }
            self.desk.open.insert(incident.id, incident);
        }
    }
}

/// The name of what is said about an incident.
fn key(id: IncidentId, which: &str) -> String {
    format!("incident/{}/{which}", id.0)
}

/// The incident that a message is named for.
pub(super) fn incident_of(key: &MessageKey) -> Option<IncidentId> {
    let (number, _) = key.0.strip_prefix("incident/")?.split_once('/')?;
    number.parse().ok().map(IncidentId)
}
