//! The watch: what containers do by themselves, and when to say so.

use std::sync::Arc;

use jiff::Timestamp;

use super::Dispatcher;
use crate::{
    domain::{
        crash_watch::{CrashWatch, Finding},
        inventory::Watch,
        message::MessageClass,
        names::{HostName, ServiceName},
        observation::HostReport,
        reply,
        runtime::ContainerEvent,
    },
    engine::event::Effect,
};

/// What the watch remembers of one service.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) crashes: CrashWatch,
    /// When the last alert was opened: part of its messages' keys.
    opened: Option<Timestamp>,
    /// Whether that alert has been said; before, there is nothing to take back.
    said: bool,
}

impl Watched {
    pub(super) fn new(limits: &Watch) -> Self {
        Self { crashes: CrashWatch::new(limits.clone()), opened: None, said: false }
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.crashes.deadline()
    }
}

impl Dispatcher {
    pub(super) fn watch_report(&mut self, report: &HostReport) -> Vec<Effect> {
        let Ok(seen) = &report.seen else { return Vec::new() };
        let mut effects = Vec::new();
        for observation in seen {
            let finding = self.watched.get_mut(&observation.service).and_then(|w| w.crashes.snapshot(observation));
            if let Some(finding) = finding {
                effects.extend(self.found(&observation.service, finding, report.at));
            }
        }
        effects
    }

    pub(super) fn watch_event(&mut self, host: &HostName, event: &ContainerEvent, now: Timestamp) -> Vec<Effect> {
        let inventory = Arc::clone(&self.inventory);
        let Some(service) = inventory.on_host(host).find(|s| s.container == event.name) else { return Vec::new() };
        let finding = self.watched.get_mut(&service.name).and_then(|w| w.crashes.event(event, now));
        finding.map(|finding| self.found(&service.name, finding, now)).unwrap_or_default()
    }

    pub(super) fn watch_tick(&mut self, now: Timestamp) -> Vec<Effect> {
        let mut found = Vec::new();
        for (name, watched) in &mut self.watched {
            found.extend(watched.crashes.tick(now).map(|finding| (name.clone(), finding)));
        }
        found.into_iter().flat_map(|(name, finding)| self.found(&name, finding, now)).collect()
    }

    fn found(&mut self, name: &ServiceName, finding: Finding, now: Timestamp) -> Vec<Effect> {
        let inventory = Arc::clone(&self.inventory);
        let Some(service) = inventory.service(name) else { return Vec::new() };
        let stopper = self.underway_for(name).map(|o| o.owner.as_str().to_owned());
        let Some(watched) = self.watched.get_mut(name) else { return Vec::new() };
        let text = match finding {
            Finding::Looping(_) => {
                tracing::warn!(service = %name, "crash loop");
                watched.opened = Some(now);
                watched.said = false;
                return self.ask_evidence(name);
            }
            Finding::Recovered { lasted, steady } => reply::alert::recovered(service, lasted, steady),
            Finding::Stopped => reply::alert::stopped(service, stopper.as_deref()),
        };
        if !std::mem::take(&mut watched.said) {
            return Vec::new();
        }
        tracing::info!(service = %name, "no crash loop any more");
        let key = incident(name, watched.opened, "closed");
        self.say_everywhere(&key, MessageClass::Answer, &text)
    }

    /// The evidence is there, or will not come: says the alert.
    pub(super) fn say_crash_loop(
        &mut self,
        name: &ServiceName,
        log: &Result<(String, bool), String>,
        now: Timestamp,
    ) -> Vec<Effect> {
        let inventory = Arc::clone(&self.inventory);
        let Some(service) = inventory.service(name) else { return Vec::new() };
        let Some(watched) = self.watched.get_mut(name) else { return Vec::new() };
        // Stopped while the log was read: there is no loop to tell of.
        let Some(open) = watched.crashes.open().cloned() else { return Vec::new() };
        watched.said = true;
        let key = incident(name, watched.opened, "opened");
        let log = log.as_ref().map(|(text, _)| text.as_str()).map_err(String::as_str);
        self.say_everywhere(&key, MessageClass::Page, &reply::alert::crash_loop(service, &open, log, now))
    }
}

fn incident(service: &ServiceName, opened: Option<Timestamp>, which: &str) -> String {
    format!("loop/{service}/{}/{which}", opened.map_or(0, Timestamp::as_millisecond))
}
