//! The one owner of everything that changes: questions under way, operations,
//! the watch's memory. Synchronous and total: an event and the time in, effects
//! out. It can be tested without a runtime, and it cannot block.
//!
//! A message takes one line through here: `message` → `access::admit` →
//! `command::read` → freshness → `access::authorise` → the command's own file.

mod alerts;
mod changes;
mod dashboard;
mod gate;
mod hosts;
mod incidents;
mod lost;
mod operations;
mod questions;
mod watch;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

use self::{
    changes::ActiveOperation, dashboard::Dashboards, hosts::HostMonitor, incidents::Desk, questions::Question,
    watch::ServiceMonitor,
};
use super::event::{Effect, Event, Ticket};
use crate::{
    domain::{
        access::{self, Admission, Missing, Role},
        command::{self, Command, Reading},
        inbound::{Inbound, Me, Protection},
        inventory::Inventory,
        message::{Body, MessageClass},
        names::{EventId, HostName, RoomId, ServiceName, UserId},
        operation::OperationId,
        outgoing::{MessageKey, Outgoing, What},
        record::Record,
        reply,
    },
    ports::{Identity, Watching},
};

/// See the module.
#[derive(Debug)]
pub struct Dispatcher {
    inventory: Arc<Inventory>,
    me: Me,
    identity: Identity,
    /// Rooms the bot can speak in.
    rooms: BTreeSet<RoomId>,
    /// What is to be said everywhere, kept until there is a room at all.
    unsaid: Vec<(String, MessageClass, String)>,
    next_ticket: u64,
    questions: BTreeMap<Ticket, Question>,
    underway: BTreeMap<OperationId, ActiveOperation>,
    watched: BTreeMap<ServiceName, ServiceMonitor>,
    hosts: BTreeMap<HostName, HostMonitor>,
    desk: Desk,
    dashboards: Dashboards,
}

impl Dispatcher {
    /// A dispatcher that knows nothing of the world yet.
    pub fn new(inventory: Arc<Inventory>, me: Me, identity: Identity) -> Self {
        let watched = inventory.services.iter().map(|s| (s.name.clone(), ServiceMonitor::new(s))).collect();
        let hosts = inventory.hosts.iter().map(|h| (h.name.clone(), HostMonitor::new(&inventory.watch))).collect();
        Self {
            inventory,
            me,
            identity,
            rooms: BTreeSet::new(),
            unsaid: Vec::new(),
            next_ticket: 1,
            questions: BTreeMap::new(),
            underway: BTreeMap::new(),
            watched,
            hosts,
            desk: Desk::new(),
            dashboards: Dashboards::default(),
        }
    }

    /// Goes on with what an earlier process knew of services and incidents.
    pub fn restore(&mut self, watching: Watching, now: Timestamp) {
        let Watching { next_incident, open, silences, memories, dashboards } = watching;
        let lived = self.identity.lived;
        if let Some(lived) = lived {
            self.restore_watch(memories, lived);
            self.restore_hosts(&open, lived);
        }
        self.restore_incidents(next_incident, open, silences, now);
        self.restore_dashboards(dashboards);
    }

    /// Takes up operations that an earlier process left without an outcome.
    pub fn resume(&mut self, unfinished: Vec<Record>, now: Timestamp) -> Vec<Effect> {
        unfinished.into_iter().flat_map(|record| self.take_up(record, now)).collect()
    }

    /// Answers an event.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        let only_time = matches!(event, Event::Tick);
        let mut effects = self.happened(event, now);
        // A tick that does nothing changes nothing.
        if !only_time || !effects.is_empty() {
            self.touch_dashboards(now);
        }
        effects.extend(self.dashboards_tick(now));
        effects
    }

    fn happened(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        match event {
            Event::Message(message) => self.message(message, now),
            Event::Reply { message, to } => self.reply(message, &to, now),
            Event::Named(me) => {
                self.me = me;
                Vec::new()
            }
            Event::RoomReady(room) => self.room_ready(room, now),
            Event::MayPin(room) => self.may_pin(room, now),
            Event::Unreadable { room, event, why } => {
                let text = reply::refusal::unreadable(why);
                vec![answer(&room, &event, "unreadable", MessageClass::Answer, &text, vec![])]
            }
            Event::Report { ticket, report } => {
                let mut effects = self.seen_again(&report, now);
                effects.extend(self.watch_report(&report));
                effects.extend(ticket.map(|t| self.question_report(t, report, now)).unwrap_or_default());
                effects
            }
            Event::Log { ticket, log } => self.question_log(ticket, log, now),
            Event::Preview { ticket, told } => self.question_preview(ticket, told, now),
            Event::Cancelled { ticket, how } => self.cancel_told(ticket, &how),
            Event::ReplayChecked { ticket, replay } => self.replay_checked(ticket, &replay, now),
            Event::Recalled { ticket, records } => self.recalled(ticket, &records, now),
            Event::Stopping => self.last_words(now),
            Event::Container { host, event } => self.watch_event(&host, &event, now),
            Event::EngineWent(host) => self.engine_went(&host, now),
            Event::Job { operation, news } => self.job_news(operation, news, now),
            Event::Tick => {
                let mut effects = self.questions_tick(now);
                effects.extend(self.hosts_tick(now));
                effects.extend(self.watch_tick(now));
                effects.extend(self.incidents_tick(now));
                effects
            }
        }
    }

    /// When [`Event::Tick`] should come next.
    pub fn deadline(&self) -> Option<Timestamp> {
        let questions = self.questions.values().filter_map(Question::deadline);
        let watched = self.watched.values().filter_map(ServiceMonitor::deadline);
        let hosts = self.hosts.values().filter_map(HostMonitor::deadline);
        // Without a room nothing can be said, and a room that is ready is a moment of its own.
        let desk = if self.rooms.is_empty() { None } else { self.desk.deadline(self.remind_after()) };
        questions.chain(watched).chain(hosts).chain(desk).chain(self.dashboards.deadline()).min()
    }

    fn message(&mut self, message: Inbound, now: Timestamp) -> Vec<Effect> {
        if message.reaction {
            return vec![handled(&message, "not a command")];
        }
        let body = message.body.clone();
        self.message_meaning(message, &body, now)
    }

    /// A message that means what `body` says.
    fn message_meaning(&mut self, message: Inbound, body: &str, now: Timestamp) -> Vec<Effect> {
        let inventory = Arc::clone(&self.inventory);
        let prefix = inventory.commands.prefix.as_str();
        let admission = access::admit(&message, &inventory);
        if admission == Admission::Stranger {
            tracing::info!(sender = %message.sender, room = %message.room, "ignored: not on the list of operators");
            return vec![handled(&message, "stranger")];
        }
        let reading = command::read(body, message.mentions_bot, prefix, &self.me);
        if matches!(reading, Reading::NotForMe) {
            return vec![handled(&message, "not a command")];
        }
        let role = match admission {
            Admission::Admitted(role) => role,
            Admission::Stranger | Admission::Unprotected => {
                return self.refuse(&message, "not encrypted", &reply::refusal::unprotected());
            }
        };
        match reading {
            Reading::Command(command) if command.changes() && message.protection == Protection::Encrypted => {
                let name = command.name();
                match access::authorise(command, role) {
                    Ok(authorised) => self.check_replay(message, authorised, role),
                    Err(missing) => self.not_allowed(&message, name, &missing),
                }
            }
            _ if self.is_stale(&message, now) => self.too_late(&message, now),
            Reading::NotForMe => vec![handled(&message, "not a command")],
            Reading::NoSuchCommand { written, nearest } => {
                self.refuse(&message, "no such command", &reply::refusal::no_such_command(&written, nearest, prefix))
            }
            Reading::Misused { spec, fault } => {
                self.refuse(&message, "misused", &reply::refusal::misused(spec, &fault, prefix))
            }
            Reading::Command(command) => match access::authorise(command.clone(), role) {
                Ok(authorised) => self.carry_out(authorised.into_inner(), &message, role, now),
                Err(missing) => self.not_allowed(&message, command.name(), &missing),
            },
        }
    }

    fn is_stale(&self, message: &Inbound, now: Timestamp) -> bool {
        let limit = SignedDuration::try_from(self.inventory.commands.stale_after).unwrap_or(SignedDuration::MAX);
        now.duration_since(message.sent_at) > limit
    }

    fn too_late(&self, message: &Inbound, now: Timestamp) -> Vec<Effect> {
        self.refuse(message, "stale", &reply::refusal::stale(message.sent_at, now, message.arrival))
    }

    fn not_allowed(&self, message: &Inbound, name: &str, missing: &Missing) -> Vec<Effect> {
        let name = format!("{}{name}", self.inventory.commands.prefix);
        self.refuse(message, "not allowed", &reply::refusal::missing_right(&name, missing))
    }

    fn carry_out_fresh(&mut self, command: Command, message: &Inbound, role: Role, now: Timestamp) -> Vec<Effect> {
        if self.is_stale(message, now) {
            return self.too_late(message, now);
        }
        self.carry_out(command, message, role, now)
    }

    fn carry_out(&mut self, command: Command, message: &Inbound, role: Role, now: Timestamp) -> Vec<Effect> {
        let prefix = self.inventory.commands.prefix.clone();
        match command {
            Command::Help { about: None } => self.answer(message, "help", &reply::help::list(role, &prefix)),
            Command::Help { about: Some(about) } => {
                let name = about.strip_prefix(&prefix).unwrap_or(&about).to_lowercase();
                let text = match command::spec(&name) {
                    Some(spec) => reply::help::about(spec, &prefix),
                    None => reply::refusal::no_such_command(&about, command::nearest(&name), &prefix),
                };
                self.answer(message, "help", &text)
            }
            Command::Ping => self.answer(message, "ping", &reply::help::pong()),
            Command::Whoami => self.answer(message, "whoami", &reply::help::whoami(&message.sender, role, &prefix)),
            Command::Status { selectors } => self.ask_status(message, &selectors, now),
            Command::Logs { service, lines } => self.ask_log(message, &service, lines),
            Command::Preview { service } => self.ask_preview(message, &service),
            Command::Operations => self.tell_operations(message, now),
            Command::Cancel { which } => self.cancel(message, &which, now),
            Command::Alerts => self.tell_alerts(message, now),
            Command::Ack { which } => self.acknowledge(message, &which, now),
            Command::Silence { selector, length, reason } => self.silence(message, &selector, length, reason, now),
            Command::Unsilence { which } => self.unsilence(message, &which, now),
            Command::History { about } => self.ask_history(message, about.as_deref()),
            Command::Change { wanted, service } => self.begin(message, &wanted, &service, now),
        }
    }

    fn room_ready(&mut self, room: RoomId, now: Timestamp) -> Vec<Effect> {
        let first = self.rooms.is_empty();
        self.rooms.insert(room);
        if !first {
            return Vec::new();
        }
        let unsaid = std::mem::take(&mut self.unsaid);
        let say = |(key, class, text): (String, _, String)| self.say_everywhere(&key, class, &text);
        let mut effects: Vec<Effect> = unsaid.into_iter().flat_map(say).collect();
        effects.extend(self.incidents_tick(now));
        effects
    }

    /// Says something in every room; pages ring the phones of those who can
    /// do something about it.
    fn say_everywhere(&mut self, key: &str, class: MessageClass, text: &str) -> Vec<Effect> {
        if self.rooms.is_empty() {
            self.unsaid.push((key.to_owned(), class, text.to_owned()));
            return Vec::new();
        }
        let operators = self.inventory.operators.iter().filter(|(_, role)| **role >= Role::Operator);
        let mentions: Vec<UserId> = match class {
            MessageClass::Page => operators.map(|(user, _)| user.clone()).collect(),
            MessageClass::Answer | MessageClass::Progress => Vec::new(),
        };
        let body = Body::from_markdown(text);
        self.rooms
            .iter()
            .map(|room| {
                let what = What::Say { class, body: body.clone(), reply_to: None, mentions: mentions.clone() };
                Effect::Say(Outgoing { key: MessageKey(format!("{key}/{room}")), room: room.clone(), what })
            })
            .collect()
    }

    fn answer(&self, message: &Inbound, how: &str, text: &str) -> Vec<Effect> {
        vec![answer(&message.room, &message.event, "answer", MessageClass::Answer, text, vec![]), handled(message, how)]
    }

    fn refuse(&self, message: &Inbound, how: &str, text: &str) -> Vec<Effect> {
        tracing::info!(sender = %message.sender, event = %message.event, "not run: {how}");
        self.answer(message, how, text)
    }

    fn ticket(&mut self) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        ticket
    }
}

fn handled(message: &Inbound, how: &str) -> Effect {
    Effect::Handled { event: message.event.clone(), how: how.to_owned() }
}

/// The key of something said because of an event.
fn key(event: &EventId, which: &str) -> MessageKey {
    MessageKey(format!("{event}/{which}"))
}

fn answer(
    room: &RoomId,
    event: &EventId,
    which: &str,
    class: MessageClass,
    text: &str,
    mentions: Vec<UserId>,
) -> Effect {
    let what = What::Say { class, body: Body::from_markdown(text), reply_to: Some(event.clone()), mentions };
    Effect::Say(Outgoing { key: key(event, which), room: room.clone(), what })
}
