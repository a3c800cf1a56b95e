//! What is managed changes: something was found, or is gone.

use std::sync::Arc;

use jiff::Timestamp;

use super::Dispatcher;
use crate::{
    domain::{
        incident::Resolution,
        inventory::Service,
        names::{HostName, ServiceName},
        subject::Subject,
    },
    engine::{ctx::Ctx, effect::Effect, step::Step},
};

impl Dispatcher {
    /// From now on a host has these services more, and those no more.
    pub(super) fn manage(&mut self, host: HostName, added: Vec<Service>, gone: &[ServiceName], now: Timestamp) -> Step {
        let inventory = Arc::make_mut(&mut self.inventory);
        inventory.services.retain(|service| !gone.contains(&service.name));
        self.watcher.add(&added);
        inventory.services.extend(added);
        let services = self.inventory.on_host(&host).cloned().collect();
        let inventory = Arc::clone(&self.inventory);
        let ctx = &mut Ctx::new(&inventory, now, &mut self.ids, &self.notifier);
        let closed = gone.iter().map(|service| {
            self.watcher.forget(service);
            self.incidents.closed(&Subject::Service(service.clone()), Resolution::Gone, ctx)
        });
        Step::from(Effect::Manage { host, services }).then(closed.collect::<Step>())
    }
}
