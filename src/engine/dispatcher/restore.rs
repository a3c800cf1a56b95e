//! What an earlier process left.

use std::sync::Arc;

use jiff::Timestamp;

use super::Dispatcher;
use crate::{
    domain::record::Record,
    engine::{ctx::Ctx, effect::Effect},
    ports::Watching,
};

impl Dispatcher {
    /// Goes on with what an earlier process knew of services and incidents.
    pub fn restore(&mut self, watching: Watching, now: Timestamp) -> Vec<Effect> {
        let Watching { next_incident, open, silences, checkpoints, dashboards, found } = watching;
        let (services, mut effects) = self.discovery.restore(found, &self.inventory);
        if !services.is_empty() {
            self.watcher.add(&services);
            Arc::make_mut(&mut self.inventory).services.extend(services);
        }
        if let Some(lived) = self.ids.last_lived() {
            self.watcher.restore(checkpoints, &open, lived);
        }
        self.incidents.restore(next_incident, open, silences, now);
        self.dashboards.restore(dashboards);
        let inventory = Arc::clone(&self.inventory);
        let ctx = &mut Ctx::new(&inventory, now, &mut self.ids, &self.notifier);
        // Nothing watches them any more that could end them.
        let ended = self.incidents.end_of_others(ctx);
        effects.extend(self.carry(ended, now));
        effects
    }

    /// Follows operations that an earlier process left without an outcome.
    pub fn resume(&mut self, unfinished: Vec<Record>, now: Timestamp) -> Vec<Effect> {
        let inventory = Arc::clone(&self.inventory);
        let mut effects = Vec::new();
        for record in unfinished {
            let ctx = &mut Ctx::new(&inventory, now, &mut self.ids, &self.notifier);
            let step = self.operations.resume(record, ctx);
            effects.extend(self.carry(step, now));
        }
        effects
    }
}
