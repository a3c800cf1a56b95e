//! What is known of each host: whether it can be seen, and what a snapshot of
//! it means for the services on it.

use jiff::{SignedDuration, Timestamp};

use super::Watcher;
use crate::{
    domain::{
        incident::{Cause, Resolution},
        message::MessageClass,
        names::{HostName, ServiceName},
        observation::{HostReport, SnapshotError, State},
        reply,
        subject::Subject,
        watch::{HostFinding, HostProblem, HostWatch, Missed, Snapshot, WatchSettings},
    },
    engine::{
        ctx::Ctx,
        effect::Effect,
        event::Asker,
        host_request::HostRequest,
        step::{Form, Notification, Signal, Step},
    },
};

/// A stream that was restarted so lately is not to blame.
const RESTARTED: SignedDuration = SignedDuration::from_mins(1);

/// One host under watch.
#[derive(Debug)]
pub(super) struct HostMonitor {
    watch: HostWatch,
    /// Whether this process has looked at it, and knows what came of that.
    pub(super) heard: bool,
    /// Its engine ended since it was last seen.
    engine_went: bool,
    /// What happened while it could not be seen, until that is told.
    missed: Vec<(ServiceName, Missed)>,
    /// Since when the bot was away, until it is seen again.
    away: Option<Timestamp>,
    /// When its event streams were last restarted because they had told
    /// nothing.
    stream_restarted_at: Option<Timestamp>,
}

impl HostMonitor {
    pub(super) fn new(settings: &WatchSettings) -> Self {
        let watch = HostWatch::new(settings.clone());
        Self { watch, heard: false, engine_went: false, missed: Vec::new(), away: None, stream_restarted_at: None }
    }

    pub(super) fn restore(&mut self, lived: Timestamp, problems: Vec<HostProblem>) {
        self.watch.restore(Some(lived), None, problems);
        self.away = Some(lived);
    }

    /// Whether its event streams, which told nothing of what a snapshot shows,
    /// are to be restarted.
    fn restart_streams(&mut self, now: Timestamp) -> bool {
        let lately = self.stream_restarted_at.is_some_and(|at| now.duration_since(at) < RESTARTED);
        if !lately {
            self.stream_restarted_at = Some(now);
        }
        !lately
    }

    /// Whether what a snapshot shows now happened unseen.
    fn is_unseen(&self) -> bool {
        self.watch.open().is_some() || self.away.is_some()
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.watch.deadline()
    }
}

impl Watcher {
    /// A host was looked at.
    pub fn snapshot(&mut self, report: &HostReport, ctx: &mut Ctx<'_>) -> Step {
        let Some(host) = self.hosts.get_mut(&report.host) else { return Step::none() };
        let (rebooted, found) = host.watch.report(report);
        host.heard |= !matches!(report.seen, Err(SnapshotError::Busy(_)));
        match &report.seen {
            Ok(seen) => {
                let down = report.facts.down.is_some();
                // What is down goes on being away; it is back once, and that counts for it.
                let back = std::mem::replace(&mut host.engine_went, down) && !down;
                let rebooted = back || rebooted;
                let snapshot = Snapshot { began: report.began, rebooted };
                let mut step = Step::none();
                for observation in seen {
                    if down && matches!(observation.state, State::Unknown(_)) {
                        self.blind_service(&observation.service, true, ctx.now);
                        continue;
                    }
                    let mut unseen = None;
                    step.push(self.watching(&observation.service, ctx, |watch, _| {
                        let (finding, missed) = watch.snapshot(observation, snapshot);
                        unseen = missed;
                        finding
                    }));
                    let Some(host) = self.hosts.get_mut(&report.host) else { continue };
                    match unseen {
                        Some(missed) if host.is_unseen() => host.missed.push((observation.service.clone(), missed)),
                        // A snapshot may be faster than an event, and then this costs little.
                        Some(_) if has_stream(&observation.service, ctx) && host.restart_streams(ctx.now) => {
                            tracing::info!(host = %report.host, service = %observation.service, "the event stream told nothing of it");
                            step.push(Effect::Host { host: report.host.clone(), request: HostRequest::RestartStreams });
                        }
                        Some(_) | None => {}
                    }
                }
                step.then(self.found(&report.host, found)).then(self.while_away(&report.host, ctx))
            }
            Err(SnapshotError::Busy(_)) => Step::none(),
            Err(error) => {
                let engine = matches!(error, SnapshotError::Engine(_));
                host.engine_went |= engine;
                self.blind(&report.host, engine, ctx);
                self.found(&report.host, found)
            }
        }
    }

    /// A host's engine hung up: what it stopped just now nobody asked for.
    pub fn engine_went(&mut self, name: &HostName, ctx: &mut Ctx<'_>) -> Step {
        let Some(host) = self.hosts.get_mut(name) else { return Step::none() };
        host.engine_went = true;
        self.blind(name, true, ctx);
        let request = HostRequest::Snapshot { ticket: ctx.ids.ticket(Asker::Watcher) };
        Effect::Host { host: name.clone(), request }.into()
    }

    /// The services of a host cannot be seen.
    fn blind(&mut self, host: &HostName, engine: bool, ctx: &Ctx<'_>) {
        for service in ctx.inventory.on_host(host) {
            self.blind_service(&service.name, engine, ctx.now);
        }
    }

    fn blind_service(&mut self, service: &ServiceName, engine: bool, now: Timestamp) {
        if let Some(monitor) = self.services.get_mut(service) {
            monitor.tell(|watch| watch.blinded(engine, now));
        }
    }

    pub(super) fn hosts_tick(&mut self, ctx: &Ctx<'_>) -> Step {
        let found: Vec<(HostName, HostFinding)> = self
            .hosts
            .iter_mut()
            .filter_map(|(name, host)| host.watch.tick(ctx.now).map(|finding| (name.clone(), finding)))
            .collect();
        found.into_iter().map(|(host, finding)| self.found(&host, vec![finding])).collect()
    }

    fn found(&mut self, name: &HostName, findings: Vec<HostFinding>) -> Step {
        let Some(host) = self.hosts.get_mut(name) else { return Step::none() };
        findings.into_iter().map(|finding| signal(name, host, finding)).collect()
    }

    /// What happened on a host while the bot was away, once it is seen again.
    fn while_away(&mut self, name: &HostName, ctx: &Ctx<'_>) -> Step {
        let Some(host) = self.hosts.get_mut(name) else { return Step::none() };
        let Some(since) = host.away.take() else { return Step::none() };
        if host.watch.open().is_some() || host.missed.is_empty() {
            return Step::none();
        }
        let missed = std::mem::take(&mut host.missed);
        let text = reply::incident::while_away(name.as_str(), since, &missed, ctx.now);
        let key = format!("away/{name}/{}", ctx.ids.process());
        Signal::Notify(Notification { key, class: MessageClass::Answer, text, form: Form::Message }).into()
    }
}

/// Whether anything tells of a service as it happens.
fn has_stream(service: &ServiceName, ctx: &Ctx<'_>) -> bool {
    ctx.inventory.service(service).is_some_and(|service| service.workload.runtime().events(None).is_some())
}

fn signal(name: &HostName, host: &mut HostMonitor, finding: HostFinding) -> Signal {
    let subject = |problem: &HostProblem| match problem {
        HostProblem::Unreachable { .. } | HostProblem::EngineDown { .. } => Subject::Host(name.clone()),
        HostProblem::DiskFull(_) => Subject::Disk(name.clone()),
    };
    match finding {
        HostFinding::Opened(problem) => {
            if problem.blinds() {
                host.missed.clear();
            }
            Signal::Opened(subject(&problem), Cause::Host(problem))
        }
        HostFinding::Changed(problem) => Signal::Opened(subject(&problem), Cause::Host(problem)),
        HostFinding::Seen { from, to } => {
            let missed = std::mem::take(&mut host.missed);
            Signal::Closed(Subject::Host(name.clone()), Resolution::Seen { from, to, missed })
        }
        HostFinding::DiskFree(disk) => Signal::Closed(Subject::Disk(name.clone()), Resolution::DiskFree(disk)),
    }
}
