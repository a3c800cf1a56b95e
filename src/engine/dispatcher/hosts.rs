//! The watch of the hosts: whether they can be seen, and what a look at one
//! means for the services on it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Dispatcher;
use crate::{
    domain::{
        incident::{Cause, Incident, Resolution, Subject},
        message::MessageClass,
        names::{HostName, ServiceName},
        observation::{HostReport, SnapshotError},
        reply,
        watch::{HostFinding, HostProblem, HostWatch, Missed, Snapshot, WatchSettings},
    },
    engine::event::Effect,
};

/// A stream that was taken up anew so lately is not to blame.
const RESUBSCRIBED: SignedDuration = SignedDuration::from_mins(1);

/// What the watch remembers of one host.
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
    /// When its streams of events were last taken up anew because they had told nothing.
    deaf: Option<Timestamp>,
}

impl HostMonitor {
    pub(super) fn new(limits: &WatchSettings) -> Self {
        let watch = HostWatch::new(limits.clone());
        Self { watch, heard: false, engine_went: false, missed: Vec::new(), away: None, deaf: None }
    }

    /// Whether its streams of events, which told nothing of what a look shows, are to be taken up anew.
    fn may_be_deaf(&mut self, now: Timestamp) -> bool {
        let lately = self.deaf.is_some_and(|at| now.duration_since(at) < RESUBSCRIBED);
        if !lately {
            self.deaf = Some(now);
        }
        !lately
    }

    /// Whether what a look shows now happened unseen.
    fn is_unseen(&self) -> bool {
        self.watch.open().is_some() || self.away.is_some()
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.watch.deadline()
    }
}

impl Dispatcher {
    pub(super) fn watch_report(&mut self, report: &HostReport) -> Vec<Effect> {
        let (inventory, now) = (Arc::clone(&self.inventory), report.at);
        let Some(host) = self.hosts.get_mut(&report.host) else { return Vec::new() };
        let (rebooted, found) = host.watch.report(report);
        host.heard |= !matches!(report.seen, Err(SnapshotError::Busy(_)));
        match &report.seen {
            Ok(seen) => {
                let rebooted = std::mem::take(&mut host.engine_went) || rebooted;
                let look = Snapshot { began: report.began, rebooted };
                let mut effects = Vec::new();
                for observation in seen {
                    let mut unseen = None;
                    effects.extend(self.watching(&observation.service, now, |watch| {
                        let (finding, missed) = watch.look(observation, look);
                        unseen = missed;
                        finding
                    }));
                    let Some(host) = self.hosts.get_mut(&report.host) else { continue };
                    match unseen {
                        Some(missed) if host.is_unseen() => host.missed.push((observation.service.clone(), missed)),
                        // A look may be faster than an event, and then this costs little.
                        Some(_) if host.may_be_deaf(now) => {
                            tracing::info!(host = %report.host, service = %observation.service, "the event stream told nothing of it");
                            effects.push(Effect::Resubscribe { host: report.host.clone() });
                        }
                        Some(_) | None => {}
                    }
                }
                effects.extend(self.host_found(&report.host, found, now));
                effects.extend(self.say_while_away(&report.host, now));
                effects
            }
            Err(SnapshotError::Busy(_)) => Vec::new(),
            Err(trouble) => {
                let engine = matches!(trouble, SnapshotError::Engine(_));
                host.engine_went |= engine;
                for service in inventory.on_host(&report.host) {
                    if let Some(watched) = self.watched.get_mut(&service.name) {
                        watched.watch.blinded(engine, now);
                    }
                }
                self.host_found(&report.host, found, now)
            }
        }
    }

    /// A host's engine hung up: what it stopped just now nobody asked for.
    pub(super) fn engine_went(&mut self, host: &HostName, now: Timestamp) -> Vec<Effect> {
        let inventory = Arc::clone(&self.inventory);
        let Some(watched) = self.hosts.get_mut(host) else { return Vec::new() };
        watched.engine_went = true;
        for service in inventory.on_host(host) {
            if let Some(watched) = self.watched.get_mut(&service.name) {
                watched.watch.blinded(true, now);
            }
        }
        vec![Effect::Look { host: host.clone(), ticket: self.ticket() }]
    }

    pub(super) fn hosts_tick(&mut self, now: Timestamp) -> Vec<Effect> {
        let ticked: Vec<(HostName, HostFinding)> = self
            .hosts
            .iter_mut()
            .filter_map(|(name, host)| host.watch.tick(now).map(|finding| (name.clone(), finding)))
            .collect();
        ticked.into_iter().flat_map(|(host, finding)| self.host_found(&host, vec![finding], now)).collect()
    }

    fn host_found(&mut self, name: &HostName, found: Vec<HostFinding>, now: Timestamp) -> Vec<Effect> {
        found.into_iter().flat_map(|finding| self.say_host(name, finding, now)).collect()
    }

    fn say_host(&mut self, name: &HostName, finding: HostFinding, now: Timestamp) -> Vec<Effect> {
        let Some(host) = self.hosts.get_mut(name) else { return Vec::new() };
        let subject = |problem: &HostProblem| match problem {
            HostProblem::Unreachable { .. } | HostProblem::EngineDown { .. } => Subject::Host(name.clone()),
            HostProblem::DiskFull(_) => Subject::Disk(name.clone()),
        };
        match finding {
            HostFinding::Opened(problem) => {
                if problem.blinds() {
                    host.missed.clear();
                }
                self.trouble(subject(&problem), Cause::Host(problem), now)
            }
            HostFinding::Changed(problem) => self.trouble(subject(&problem), Cause::Host(problem), now),
            HostFinding::Seen { from, to } => {
                let missed = std::mem::take(&mut host.missed);
                self.settled(&Subject::Host(name.clone()), Resolution::Seen { from, to, missed }, now)
            }
            HostFinding::DiskFree(disk) => self.settled(&Subject::Disk(name.clone()), Resolution::DiskFree(disk), now),
        }
    }

    /// Goes on from what an earlier process knew, at the time when it last lived.
    pub(super) fn restore_hosts(&mut self, open: &[Incident], lived: Timestamp) {
        for (name, host) in &mut self.hosts {
            let troubles = open.iter().filter_map(|incident| match (&incident.subject, &incident.cause) {
                (Subject::Host(of) | Subject::Disk(of), Cause::Host(problem)) if of == name => Some(problem.clone()),
                _ => None,
            });
            host.watch.restore(Some(lived), None, troubles.collect());
            host.away = Some(lived);
        }
    }

    /// What happened on a host while the bot was away, once it is seen again.
    fn say_while_away(&mut self, name: &HostName, now: Timestamp) -> Vec<Effect> {
        let Some(host) = self.hosts.get_mut(name) else { return Vec::new() };
        let Some(since) = host.away.take() else { return Vec::new() };
        if host.watch.open().is_some() || host.missed.is_empty() {
            return Vec::new();
        }
        let missed = std::mem::take(&mut host.missed);
        let text = reply::incident::while_away(name.as_str(), since, &missed, now);
        self.say_everywhere(&format!("away/{name}/{}", self.identity.start), MessageClass::Answer, &text)
    }
}
