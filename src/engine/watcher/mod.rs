//! The watcher: what services and hosts do by themselves, and what of it is a
//! problem. It decides nothing about telling: it signals what opened and closed.

mod host;
mod service;

use std::collections::BTreeMap;

use jiff::Timestamp;

use self::{host::HostMonitor, service::ServiceMonitor};
use super::{ctx::Ctx, step::Step};
use crate::domain::{
    incident::{Cause, Incident},
    inventory::{Inventory, Service},
    names::{HostName, ServiceName},
    subject::Subject,
    watch::{Detector, Saved, Standing},
};

/// See the module.
#[derive(Debug)]
pub struct Watcher {
    services: BTreeMap<ServiceName, ServiceMonitor>,
    hosts: BTreeMap<HostName, HostMonitor>,
}

impl Watcher {
    /// Nothing is known yet.
    pub fn new(inventory: &Inventory) -> Self {
        let services = inventory.services.iter().map(|s| (s.name.clone(), ServiceMonitor::new(s))).collect();
        let hosts = inventory.hosts.iter().map(|h| (h.name.clone(), HostMonitor::new(&inventory.watch))).collect();
        Self { services, hosts }
    }

    /// Goes on from what an earlier process knew, at the time when it last
    /// lived.
    pub fn restore(&mut self, checkpoints: Vec<(ServiceName, Saved)>, open: &[Incident], lived: Timestamp) {
        for (service, checkpoint) in checkpoints {
            if let Some(monitor) = self.services.get_mut(&service) {
                monitor.restore(checkpoint, lived);
            }
        }
        for (name, host) in &mut self.hosts {
            let problems = open.iter().filter_map(|incident| match (&incident.subject, &incident.cause) {
                (Subject::Host(of) | Subject::Disk(of), Cause::Host(problem)) if of == name => Some(problem.clone()),
                _ => None,
            });
            host.restore(lived, problems.collect());
        }
    }

    /// Services that are new.
    pub fn add(&mut self, services: &[Service]) {
        for service in services {
            self.services.entry(service.name.clone()).or_insert_with(|| ServiceMonitor::new(service));
        }
    }

    /// A service that is there no more.
    pub fn forget(&mut self, service: &ServiceName) {
        self.services.remove(service);
    }

    /// What is known of a service.
    pub fn known(&self, service: &ServiceName) -> Option<&Detector> {
        Some(self.services.get(service)?.watch())
    }

    /// How a service stands, in a word.
    pub fn standing(&self, service: &ServiceName) -> Option<Standing> {
        Some(self.known(service)?.standing())
    }

    /// Whether this process has looked at every host, and knows what came of
    /// that.
    pub fn has_seen_all_hosts(&self) -> bool {
        self.hosts.values().all(|host| host.heard)
    }

    /// What is due by now.
    pub fn tick(&mut self, ctx: &mut Ctx<'_>) -> Step {
        let hosts = self.hosts_tick(ctx);
        let is_due = |service: &&Service| self.services.get(&service.name).is_some_and(|one| one.is_due(ctx.now));
        let due: Vec<&Service> = ctx.inventory.services.iter().filter(is_due).collect();
        let services: Step =
            due.into_iter().map(|service| self.watching(&service.name, ctx, |watch, now| watch.tick(now))).collect();
        hosts.then(services)
    }

    /// When something will be due.
    pub fn deadline(&self) -> Option<Timestamp> {
        let services = self.services.values().filter_map(ServiceMonitor::due);
        services.chain(self.hosts.values().filter_map(HostMonitor::deadline)).min()
    }
}
