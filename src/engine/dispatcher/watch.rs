//! The watch: what services do by themselves, and when to say so.

use std::sync::Arc;

use jiff::Timestamp;

use super::Dispatcher;
use crate::{
    domain::{
        aftermath::Aftermath,
        inventory::Service,
        message::MessageClass,
        names::{HostName, ServiceName},
        operation::{Operation, Outcome},
        progress::Progress,
        reply,
        runtime::ContainerEvent,
        watch::{Finding, Kind, LastChange, Level, Problem, ServiceWatch, Who},
    },
    engine::event::Effect,
};

/// What the watch remembers of one service.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) watch: ServiceWatch,
    /// When the open problem was opened: part of its messages' keys.
    opened: Option<Timestamp>,
    /// How loudly it was said; before, there is nothing to take back.
    said: Option<Level>,
    /// Its evidence is being read.
    asking: bool,
}

impl Watched {
    pub(super) fn new(service: &Service) -> Self {
        let watch = ServiceWatch::new(service.watch.clone(), service.stop_timeout);
        Self { watch, opened: None, said: None, asking: false }
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.watch.deadline()
    }

    /// The crash loop it is in.
    pub(super) fn looping(&self) -> Option<&Problem> {
        self.watch.open().filter(|problem| problem.kind == Kind::CrashLoop)
    }
}

impl Dispatcher {
    pub(super) fn watch_event(&mut self, host: &HostName, event: &ContainerEvent, now: Timestamp) -> Vec<Effect> {
        let inventory = Arc::clone(&self.inventory);
        let Some(service) = inventory.on_host(host).find(|s| s.container == event.name) else { return Vec::new() };
        self.watching(&service.name, now, |watch| watch.event(event, now))
    }

    pub(super) fn watch_tick(&mut self, now: Timestamp) -> Vec<Effect> {
        let inventory = Arc::clone(&self.inventory);
        let services = inventory.services.iter();
        services.flat_map(|service| self.watching(&service.name, now, |watch| watch.tick(now))).collect()
    }

    /// A change begins: what happens to the service now is its doing.
    pub(super) fn watch_begins(&mut self, service: &ServiceName) {
        if let Some(watched) = self.watched.get_mut(service) {
            watched.watch.change_begins();
        }
    }

    /// A change is over: from now on the service stands for itself.
    pub(super) fn watch_ends(
        &mut self,
        operation: &Operation,
        progress: &Progress,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Vec<Effect> {
        let touched = match outcome {
            Outcome::Succeeded | Outcome::Unknown { .. } => true,
            Outcome::Failed { aftermath, .. }
            | Outcome::Cancelled { aftermath, .. }
            | Outcome::TimedOut { aftermath, .. } => *aftermath != Aftermath::Untouched,
            Outcome::Refused(_) | Outcome::NotStarted(_) => false,
        };
        let version = match (&progress.commits, &progress.version) {
            (Some(commits), _) => Some(commits.new.chars().take(7).collect()),
            (None, Some((_, new))) => Some(new.clone()),
            (None, None) => None,
        };
        let change = touched.then(|| LastChange {
            change: Some(operation.change),
            by: Who::Operator(operation.owner.clone()),
            version: version.filter(|_| operation.change.deploys()),
            succeeded: *outcome == Outcome::Succeeded,
            at: now,
        });
        self.watching(&operation.service, now, |watch| watch.change_ended(change, now))
    }

    /// Tells a service's watch something, and does what it asks for.
    pub(super) fn watching(
        &mut self,
        name: &ServiceName,
        now: Timestamp,
        tell: impl FnOnce(&mut ServiceWatch) -> Option<Finding>,
    ) -> Vec<Effect> {
        let Some(watched) = self.watched.get_mut(name) else { return Vec::new() };
        let finding = tell(&mut watched.watch);
        let look = watched.watch.wants_look(now);
        let mut effects = finding.map(|finding| self.found(name, finding, now)).unwrap_or_default();
        if let Some(host) = self.inventory.service(name).filter(|_| look).map(|s| s.host.clone()) {
            // Nobody waits for this ticket: the watch hears every report.
            effects.push(Effect::Look { host, ticket: self.ticket() });
        }
        effects
    }

    fn found(&mut self, name: &ServiceName, finding: Finding, now: Timestamp) -> Vec<Effect> {
        let inventory = Arc::clone(&self.inventory);
        let Some(service) = inventory.service(name) else { return Vec::new() };
        let Some(watched) = self.watched.get_mut(name) else { return Vec::new() };
        match finding {
            Finding::Opened(problem) | Finding::Changed(problem) => {
                let level = problem.kind.level();
                if watched.asking || watched.said.is_some_and(|said| said >= level) {
                    return Vec::new();
                }
                tracing::warn!(service = %name, "{}", problem.kind.name());
                watched.opened.get_or_insert(now);
                watched.asking = true;
                self.ask_evidence(name)
            }
            Finding::Closed(closed) => {
                tracing::info!(service = %name, "in no trouble any more");
                let opened = watched.opened.take();
                if watched.said.take().is_none() {
                    return Vec::new();
                }
                let key = incident(name, opened, "closed");
                self.say_everywhere(&key, MessageClass::Answer, &reply::alert::closed(service, &closed))
            }
        }
    }

    /// The evidence is there, or will not come: says the alert.
    pub(super) fn say_alert(
        &mut self,
        name: &ServiceName,
        log: &Result<(String, bool), String>,
        now: Timestamp,
    ) -> Vec<Effect> {
        let inventory = Arc::clone(&self.inventory);
        let Some(service) = inventory.service(name) else { return Vec::new() };
        let Some(watched) = self.watched.get_mut(name) else { return Vec::new() };
        watched.asking = false;
        // Over while the log was read: there is nothing to tell of.
        let Some(open) = watched.watch.open().cloned() else { return Vec::new() };
        let (class, which) = match open.kind.level() {
            Level::Note => (MessageClass::Answer, "noted"),
            Level::Page => (MessageClass::Page, "opened"),
        };
        watched.said = Some(open.kind.level());
        let key = incident(name, watched.opened, which);
        let log = log.as_ref().map(|(text, _)| text.as_str()).map_err(String::as_str);
        self.say_everywhere(&key, class, &reply::alert::opened(service, &open, log, now))
    }
}

fn incident(service: &ServiceName, opened: Option<Timestamp>, which: &str) -> String {
    format!("trouble/{service}/{}/{which}", opened.map_or(0, Timestamp::as_millisecond))
}
