//! What is known of each service.

use jiff::Timestamp;

use super::Watcher;
use crate::{
    domain::{
        impact::Impact,
        incident::{Cause, Resolution},
        inventory::Service,
        names::{HostName, LoginName, MemberName, ServiceName},
        operation::{Operation, Outcome},
        runtime::RuntimeEvent,
        subject::Subject,
        watch::{Detector, Finding, LastChange, Saved, Who},
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
    watch: Detector,
    /// What the ledger has of it.
    saved: Option<Saved>,
    /// When it is to look at the clock. All are asked after each event, and a project would have to ask each member.
    due: Option<Timestamp>,
    /// It was told something of which nobody asked what follows.
    stirred: bool,
}

impl ServiceMonitor {
    pub(super) fn new(service: &Service) -> Self {
        Self { watch: Detector::new(service), saved: None, due: None, stirred: false }
    }

    pub(super) fn watch(&self) -> &Detector {
        &self.watch
    }

    pub(super) fn due(&self) -> Option<Timestamp> {
        debug_assert_eq!(self.due, self.watch.deadline(), "it was told something past its monitor");
        self.due
    }

    /// Whether the time has come at which something follows for it.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.stirred || self.due.is_some_and(|due| due <= now)
    }

    /// Tells it something from which nothing follows before the next tick.
    pub(super) fn tell<T>(&mut self, tell: impl FnOnce(&mut Detector) -> T) -> T {
        let told = tell(&mut self.watch);
        self.due = self.watch.deadline();
        self.stirred = true;
        told
    }

    pub(super) fn restore(&mut self, saved: Saved, known_at: Timestamp) {
        self.saved = Some(saved.clone());
        self.tell(|watch| watch.restore(saved, known_at));
    }

    /// What is to be kept of it, if that is news to the ledger.
    fn unsaved(&mut self) -> Option<Saved> {
        let now = self.watch.saved();
        if self.saved.as_ref() == Some(&now) { None } else { Some(self.saved.insert(now).clone()) }
    }
}

impl Watcher {
    /// Something happened to what runs a service, as a login of the host saw it.
    pub fn event(
        &mut self,
        host: &HostName,
        login: Option<&LoginName>,
        event: &RuntimeEvent,
        ctx: &mut Ctx<'_>,
    ) -> Step {
        // Two logins may each have one of that name.
        let own = |service: &Service| !service.workload.is_of_a_login() || service.run_as.as_ref() == login;
        // A container can be a service and a member of a project that is another.
        let about = ctx.inventory.on_host(host).filter(|service| own(service) && service.workload.has(event));
        about.map(|service| self.watching(&service.name, ctx, |watch, now| watch.event(event, now))).collect()
    }

    /// A change begins: what happens to the service now is its doing.
    pub fn operation_started(&mut self, operation: &Operation) {
        if let Some(monitor) = self.services.get_mut(&operation.service) {
            let member = operation.member.as_ref().map(MemberName::as_str);
            monitor.tell(|watch| watch.change_begins(operation.change, member));
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
        tell: impl FnOnce(&mut Detector, Timestamp) -> Option<Finding>,
    ) -> Step {
        let Some(monitor) = self.services.get_mut(name) else { return Step::none() };
        let (finding, wants_snapshot) = monitor.tell(|watch| (tell(watch, ctx.now), watch.wants_snapshot(ctx.now)));
        monitor.stirred = false;
        let save = monitor
            .unsaved()
            .map(|saved| Effect::Record(Entry::Checkpoint { service: name.clone(), checkpoint: Box::new(saved) }));
        // Only then: the service is searched for.
        let service = if wants_snapshot { ctx.inventory.service(name) } else { None };
        let look = service.map(|service| service.host.clone()).map(|host| {
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
