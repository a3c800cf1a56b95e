//! The watch: what services do by themselves, and when to say so.

use std::sync::Arc;

use jiff::Timestamp;

use super::Dispatcher;
use crate::{
    domain::{
        impact::Impact,
        incident::{Cause, Resolution, Subject},
        inventory::Service,
        names::{HostName, ServiceName},
        operation::{Operation, Outcome},
        progress::Progress,
        runtime::ContainerEvent,
        watch::{Checkpoint, Finding, Kind, LastChange, Problem, ServiceWatch, Who},
    },
    engine::event::Effect,
};

/// What the watch remembers of one service.
#[derive(Debug)]
pub(super) struct ServiceMonitor {
    pub(super) watch: ServiceWatch,
    /// What the ledger has of it.
    kept: Option<Checkpoint>,
}

impl ServiceMonitor {
    pub(super) fn new(service: &Service) -> Self {
        let watch = ServiceWatch::new(service.watch.clone(), service.stop_timeout);
        Self { watch, kept: None }
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

    /// Goes on from what an earlier process knew, at the time when it last lived.
    pub(super) fn restore_watch(&mut self, memories: Vec<(ServiceName, Checkpoint)>, known_at: Timestamp) {
        for (service, memory) in memories {
            if let Some(watched) = self.watched.get_mut(&service) {
                watched.kept = Some(memory.clone());
                watched.watch.restore(memory, known_at);
            }
        }
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
            Outcome::Failed { impact, .. } | Outcome::Cancelled { impact, .. } | Outcome::TimedOut { impact, .. } => {
                *impact != Impact::Untouched
            }
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
        let memory = watched.watch.checkpoint();
        let news = (watched.kept.as_ref() != Some(&memory)).then(|| watched.kept.insert(memory).clone());
        let mut effects = finding.map(|finding| self.found(name, finding, now)).unwrap_or_default();
        let remember = |memory| Effect::Remember { service: name.clone(), memory: Box::new(memory) };
        effects.extend(news.map(remember));
        if let Some(host) = self.inventory.service(name).filter(|_| look).map(|s| s.host.clone()) {
            // Nobody waits for this ticket: the watch hears every report.
            effects.push(Effect::Look { host, ticket: self.ticket() });
        }
        effects
    }

    fn found(&mut self, name: &ServiceName, finding: Finding, now: Timestamp) -> Vec<Effect> {
        let subject = Subject::Service(name.clone());
        match finding {
            Finding::Opened(problem) | Finding::Changed(problem) => self.trouble(subject, Cause::Service(problem), now),
            Finding::Closed(closed) => self.settled(&subject, Resolution::Service(closed), now),
        }
    }
}
