//! What is known of each service.

use jiff::Timestamp;

use super::Watcher;
use crate::{
    domain::{
        impact::Impact,
        incident::{Cause, Resolution},
        inventory::Service,
        names::{HostName, ServiceName},
        operation::Outcome,
        runtime::RuntimeEvent,
        subject::Subject,
        watch::{Checkpoint, Finding, LastChange, ServiceWatch, Who},
    },
    engine::{
        ctx::Ctx,
        effect::Effect,
        event::Asker,
        host_request::HostRequest,
        step::{EndedOperation, Signal, Step},
    },
    ports::Entry,
};

/// One service under watch.
#[derive(Debug)]
pub(super) struct ServiceMonitor {
    pub(super) watch: ServiceWatch,
    /// What the ledger has of it.
    saved: Option<Checkpoint>,
}

impl ServiceMonitor {
    pub(super) fn new(service: &Service) -> Self {
        Self { watch: ServiceWatch::new(service.watch.clone(), service.stop_timeout), saved: None }
    }

    pub(super) fn restore(&mut self, checkpoint: Checkpoint, known_at: Timestamp) {
        self.saved = Some(checkpoint.clone());
        self.watch.restore(checkpoint, known_at);
    }

    /// What is to be kept of it, if that is news to the ledger.
    fn unsaved(&mut self) -> Option<Checkpoint> {
        let checkpoint = self.watch.checkpoint();
        if self.saved.as_ref() == Some(&checkpoint) { None } else { Some(self.saved.insert(checkpoint).clone()) }
    }
}

impl Watcher {
    /// Something happened to a container.
    pub fn event(&mut self, host: &HostName, event: &RuntimeEvent, ctx: &mut Ctx<'_>) -> Step {
        let Some(service) = ctx.inventory.on_host(host).find(|service| service.workload.name() == event.name) else {
            return Step::none();
        };
        self.watching(&service.name, ctx, |watch, now| watch.event(event, now))
    }

    /// A change begins: what happens to the service now is its doing.
    pub fn operation_started(&mut self, service: &ServiceName) {
        if let Some(monitor) = self.services.get_mut(service) {
            monitor.watch.change_begins();
        }
    }

    /// A change is over: from now on the service stands for itself.
    pub fn operation_ended(&mut self, ended: &EndedOperation, ctx: &mut Ctx<'_>) -> Step {
        let change = last_change(ended, ctx.now);
        self.watching(&ended.operation.service, ctx, |watch, now| watch.change_ended(change, now))
    }

    /// Tells a service's detector something, and does what it asks for.
    pub(super) fn watching(
        &mut self,
        name: &ServiceName,
        ctx: &mut Ctx<'_>,
        tell: impl FnOnce(&mut ServiceWatch, Timestamp) -> Option<Finding>,
    ) -> Step {
        let Some(monitor) = self.services.get_mut(name) else { return Step::none() };
        let finding = tell(&mut monitor.watch, ctx.now);
        let wants_snapshot = monitor.watch.wants_snapshot(ctx.now);
        let save = monitor.unsaved().map(|checkpoint| {
            Effect::Record(Entry::Checkpoint { service: name.clone(), checkpoint: Box::new(checkpoint) })
        });
        let host = ctx.inventory.service(name).filter(|_| wants_snapshot).map(|service| service.host.clone());
        let look = host.map(|host| {
            let request = HostRequest::Snapshot { ticket: ctx.ids.ticket(Asker::Watcher) };
            Effect::Host { host, request }
        });
        Step::from(finding.map(|finding| signal(name, finding))).then(save).then(look)
    }
}

fn signal(name: &ServiceName, finding: Finding) -> Signal {
    let subject = Subject::Service(name.clone());
    match finding {
        Finding::Opened(problem) | Finding::Changed(problem) => Signal::Opened(subject, Cause::Service(problem)),
        Finding::Closed(closed) => Signal::Closed(subject, Resolution::Service(closed)),
    }
}

/// What a change has done to its service; none if it touched nothing.
fn last_change(ended: &EndedOperation, now: Timestamp) -> Option<LastChange> {
    let EndedOperation { operation, progress, outcome } = ended;
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
    touched.then(|| LastChange {
        change: Some(operation.change),
        by: Who::Operator(operation.origin.actor()),
        version: version.filter(|_| operation.change.deploys()),
        succeeded: *outcome == Outcome::Succeeded,
        at: now,
    })
}
