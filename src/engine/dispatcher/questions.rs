//! Questions: what is asked of hosts and answered when they have spoken.
//!
//! Each host answers for itself. After a moment the answer is given with what
//! is there, and completed by edits as the rest comes in: a dead host costs its
//! own time and nobody else's.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{
    Dispatcher, answer,
    gate::PendingCommand,
    key,
    operations::{Cancel, History},
    watch::ServiceMonitor,
};
use crate::{
    domain::{
        inbound::Inbound,
        incident::IncidentId,
        message::{Body, MessageClass},
        names::{EventId, HostName, RoomId, ServiceName},
        observation::HostReport,
        outgoing::{Outgoing, What},
        progress::Progress,
        reply::{
            self,
            status::{Line, View},
        },
        runtime::docker_change,
        selector::{self, Selector},
        suggest,
    },
    engine::event::{Effect, Ticket},
};

/// How long an answer waits for the last hosts before it is given in part.
const PATIENCE: SignedDuration = SignedDuration::from_millis(2_500);
/// How long reading a log may take when somebody waits for it.
const LOG_LIMIT: Duration = Duration::from_secs(20);

/// A question that hosts are still answering.
#[derive(Debug)]
pub(super) enum Question {
    Status(Status),
    Log(Log),
    Preview(Preview),
    /// The end of a log, as evidence for an alert.
    Evidence(IncidentId),
    Cancel(Box<Cancel>),
    History(History),
    Replay(Box<PendingCommand>),
}

#[derive(Debug)]
pub(super) struct Status {
    room: RoomId,
    event: EventId,
    services: Vec<ServiceName>,
    /// What each asked host said; none while it has not.
    hosts: BTreeMap<HostName, Option<HostReport>>,
    /// When to answer in part; none once that is done.
    partial_at: Option<Timestamp>,
    /// Edits made so far, so that each has a key of its own.
    edits: u32,
}

#[derive(Debug)]
pub(super) struct Log {
    room: RoomId,
    event: EventId,
    service: ServiceName,
}

#[derive(Debug)]
pub(super) struct Preview {
    room: RoomId,
    event: EventId,
    service: ServiceName,
}

impl Question {
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match self {
            Self::Status(status) => status.partial_at,
            Self::Log(_)
            | Self::Preview(_)
            | Self::Evidence(_)
            | Self::Cancel(_)
            | Self::History(_)
            | Self::Replay(_) => None,
        }
    }
}

impl Dispatcher {
    pub(super) fn ask_status(&mut self, message: &Inbound, selectors: &[Selector], now: Timestamp) -> Vec<Effect> {
        let inventory = Arc::clone(&self.inventory);
        let services = match selector::select(selectors, &inventory) {
            Ok(services) => services,
            Err(no_match) => {
                let text = reply::refusal::no_match(&no_match, &inventory.commands.prefix);
                return self.refuse(message, "no match", &text);
            }
        };
        let hosts: BTreeMap<HostName, _> = services.iter().map(|s| (s.host.clone(), None)).collect();
        let ticket = self.ticket();
        let effects: Vec<Effect> = hosts.keys().map(|host| Effect::Look { host: host.clone(), ticket }).collect();
        let status = Status {
            room: message.room.clone(),
            event: message.event.clone(),
            services: services.into_iter().map(|s| s.name.clone()).collect(),
            hosts,
            partial_at: now.checked_add(PATIENCE).ok(),
            edits: 0,
        };
        if effects.is_empty() {
            return self.answer(message, "status", &self.status_text(&status, now));
        }
        self.questions.insert(ticket, Question::Status(status));
        effects
    }

    pub(super) fn ask_log(&mut self, message: &Inbound, written: &str, lines: u32) -> Vec<Effect> {
        let service = match self.service(written) {
            Ok(service) => service,
            Err(text) => return self.refuse(message, "no such service", &text),
        };
        let Some(host) = self.inventory.service(&service).map(|s| s.host.clone()) else { return Vec::new() };
        let ticket = self.ticket();
        let log = Log { room: message.room.clone(), event: message.event.clone(), service: service.clone() };
        self.questions.insert(ticket, Question::Log(log));
        vec![Effect::ReadLog { host, service, lines, limit: LOG_LIMIT, ticket }]
    }

    pub(super) fn ask_preview(&mut self, message: &Inbound, written: &str) -> Vec<Effect> {
        let name = match self.service(written) {
            Ok(name) => name,
            Err(text) => return self.refuse(message, "no such service", &text),
        };
        let inventory = Arc::clone(&self.inventory);
        let Some(service) = inventory.service(&name) else { return Vec::new() };
        let ticket = self.ticket();
        let nonce = self.identity.nonce(ticket.0);
        let command = match docker_change::preview(service, &nonce, &message.sender) {
            Ok(command) => command,
            Err(why) => return self.refuse(message, "not possible", &reply::refusal::not_possible(&name, why)),
        };
        let preview = Preview { room: message.room.clone(), event: message.event.clone(), service: name };
        self.questions.insert(ticket, Question::Preview(preview));
        vec![Effect::Preview { host: service.host.clone(), command, nonce, ticket }]
    }

    pub(super) fn question_preview(
        &mut self,
        ticket: Ticket,
        told: Result<(u32, Box<Progress>), String>,
        now: Timestamp,
    ) -> Vec<Effect> {
        let Some(Question::Preview(preview)) = self.questions.remove(&ticket) else { return Vec::new() };
        let Some(service) = self.inventory.service(&preview.service) else { return Vec::new() };
        let text = match told {
            Ok((exit, progress)) => {
                let failed = (exit != 0).then_some(exit);
                reply::preview::answer(service, &progress, failed, &self.inventory.commands.prefix, now)
            }
            Err(why) => reply::preview::failed(service, &why),
        };
        let Preview { room, event, .. } = preview;
        vec![
            answer(&room, &event, "answer", MessageClass::Answer, &text, vec![]),
            Effect::Handled { event, how: "diff".to_owned() },
        ]
    }

    /// The service somebody means, or the sentence that says there is none.
    pub(super) fn service(&self, written: &str) -> Result<ServiceName, String> {
        let names = || self.inventory.services.iter().map(|s| &s.name);
        // "spark-1:web" names it as well as "web".
        let bare = written.split_once(':').map_or(written, |(_, service)| service);
        let on_host = |name: &ServiceName| {
            let host = self.inventory.service(name).map(|s| s.host.as_str());
            written.split_once(':').is_none_or(|(wanted, _)| host.is_some_and(|h| h.eq_ignore_ascii_case(wanted)))
        };
        match names().find(|name| name.as_str().eq_ignore_ascii_case(bare) && on_host(name)) {
            Some(name) => Ok(name.clone()),
            None => {
                let nearest = suggest::nearest(bare, names().map(|n| n.as_str().to_owned()));
                Err(reply::refusal::no_such_service(written, nearest.as_deref(), &self.inventory.commands.prefix))
            }
        }
    }

    pub(super) fn question_report(&mut self, ticket: Ticket, report: HostReport, now: Timestamp) -> Vec<Effect> {
        let Some(Question::Status(mut status)) = self.questions.remove(&ticket) else { return Vec::new() };
        if let Some(slot) = status.hosts.get_mut(&report.host) {
            *slot = Some(report);
        }
        let complete = status.hosts.values().all(Option::is_some);
        if !complete && status.partial_at.is_some() {
            // Nothing was said yet, and nothing needs to be for a moment.
            self.questions.insert(ticket, Question::Status(status));
            return Vec::new();
        }
        let mut effects = self.say_status(&mut status, complete, now);
        if complete {
            effects.push(Effect::Handled { event: status.event, how: "status".to_owned() });
        } else {
            self.questions.insert(ticket, Question::Status(status));
        }
        effects
    }

    pub(super) fn questions_tick(&mut self, now: Timestamp) -> Vec<Effect> {
        let due: Vec<Ticket> = self
            .questions
            .iter()
            .filter(|(_, question)| question.deadline().is_some_and(|at| at <= now))
            .map(|(ticket, _)| *ticket)
            .collect();
        let mut effects = Vec::new();
        for ticket in due {
            if let Some(Question::Status(mut status)) = self.questions.remove(&ticket) {
                effects.extend(self.say_status(&mut status, false, now));
                self.questions.insert(ticket, Question::Status(status));
            }
        }
        effects
    }

    /// Says or edits the answer, by whether it was said in part already.
    fn say_status(&self, status: &mut Status, complete: bool, now: Timestamp) -> Vec<Effect> {
        let text = self.status_text(status, now);
        if status.partial_at.take().is_some() {
            return vec![answer(&status.room, &status.event, "answer", MessageClass::Answer, &text, vec![])];
        }
        status.edits += 1;
        let what = What::Edit {
            of: key(&status.event, "answer"),
            class: MessageClass::Answer,
            body: Body::from_markdown(&text),
            last: complete,
        };
        let key = key(&status.event, &format!("answer#{}", status.edits));
        vec![Effect::Say(Outgoing { key, room: status.room.clone(), what })]
    }

    fn status_text(&self, status: &Status, now: Timestamp) -> String {
        let lines: Vec<Line<'_>> = status
            .services
            .iter()
            .filter_map(|name| self.inventory.service(name))
            .map(|service| {
                let view = match status.hosts.get(&service.host) {
                    Some(Some(HostReport { seen: Err(trouble), .. })) => View::Blind(trouble),
                    Some(Some(HostReport { seen: Ok(seen), .. })) => {
                        seen.iter().find(|o| o.service == service.name).map_or(View::Waiting, View::Seen)
                    }
                    Some(None) | None => View::Waiting,
                };
                let underway = self.underway_for(&service.name);
                Line {
                    service,
                    view,
                    underway: underway.map(|o| (o.change, &o.owner, o.began)),
                    looping: self.watched.get(&service.name).and_then(ServiceMonitor::looping),
                }
            })
            .collect();
        reply::status::answer(&lines, now)
    }

    pub(super) fn question_log(
        &mut self,
        ticket: Ticket,
        log: Result<(String, bool), String>,
        now: Timestamp,
    ) -> Vec<Effect> {
        match self.questions.remove(&ticket) {
            Some(Question::Log(question)) => self.say_log(&question, &log),
            Some(Question::Evidence(incident)) => self.evidence(incident, log, now),
            Some(
                other @ (Question::Status(_)
                | Question::Preview(_)
                | Question::Cancel(_)
                | Question::History(_)
                | Question::Replay(_)),
            ) => {
                self.questions.insert(ticket, other);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn say_log(&self, question: &Log, log: &Result<(String, bool), String>) -> Vec<Effect> {
        let Log { room, event, service } = question;
        let (text, file) = match log {
            Ok((output, cut)) => {
                let logs = reply::logs::answer(service, output, *cut);
                (logs.text, logs.file)
            }
            Err(why) => (reply::logs::failed(service, why), None),
        };
        let mut effects = vec![answer(room, event, "answer", MessageClass::Answer, &text, vec![])];
        if let Some((name, text)) = file {
            let what = What::File { name, text, reply_to: Some(event.clone()) };
            effects.push(Effect::Say(Outgoing { key: key(event, "file"), room: room.clone(), what }));
        }
        effects.push(Effect::Handled { event: event.clone(), how: "logs".to_owned() });
        effects
    }
}
