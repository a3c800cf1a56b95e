//! Changes whose job was lost from sight: the host no longer knows how it
//! ended, or cannot be asked. They stay open until the host has been seen, and
//! what is found there goes with the outcome.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    Dispatcher,
    changes::{self, ActiveOperation},
};
use crate::{
    domain::{
        observation::HostReport,
        operation::{self, OperationId, Outcome},
        reply,
    },
    engine::event::Effect,
};

/// How a job was lost from sight.
#[derive(Debug, Clone)]
pub(super) enum Lost {
    /// The host knows no end of it. What was looked at is told.
    Gone(String),
    /// The host could not be asked until its time was over; the job may have
    /// ended as it should. Why it could not is told.
    Unreached(String),
}

impl Dispatcher {
    /// Keeps a lost change open, says so, and looks at its host.
    pub(super) fn lose(&mut self, mut underway: ActiveOperation, lost: Lost, now: Timestamp) -> Vec<Effect> {
        let (Lost::Gone(why) | Lost::Unreached(why)) = &lost;
        let note = reply::change::lost(why);
        tracing::warn!(operation = underway.operation.id.0, "lost from sight: {why}");
        underway.lost = Some(lost);
        let host = underway.operation.host.clone();
        let mut effects = self.say_progress(underway, Some(&note), now);
        // Nobody waits for this ticket: the report is heard by whoever can use it.
        let ticket = self.ticket();
        effects.push(Effect::Look { host, ticket });
        effects
    }

    /// A host was seen: what was lost there can be told, or followed again.
    pub(super) fn seen_again(&mut self, report: &HostReport, now: Timestamp) -> Vec<Effect> {
        let Ok(seen) = &report.seen else { return Vec::new() };
        let lost = |u: &ActiveOperation| u.operation.host == report.host && u.lost.is_some();
        let found: Vec<OperationId> = self.underway.values().filter(|u| lost(u)).map(|u| u.operation.id).collect();
        let mut effects = Vec::new();
        for id in found {
            let Some(mut underway) = self.underway.remove(&id) else { continue };
            let inventory = Arc::clone(&self.inventory);
            let service = inventory.service(&underway.operation.service);
            let (Some(lost), Some(service)) = (underway.lost.take(), service) else { continue };
            match lost {
                Lost::Unreached(_) => {
                    effects.push(changes::carry(&underway.operation, service, now, underway.known()));
                    self.underway.insert(id, underway);
                }
                Lost::Gone(checked) => {
                    let before = operation::seen(underway.progress.before.as_deref(), service, report.at);
                    let after = seen.iter().find(|o| o.service == service.name);
                    let found = after.map(|after| reply::change::found(before.as_ref(), after, now));
                    effects.extend(self.conclude(underway, Outcome::Unknown { checked, found }, Some(service), now));
                }
            }
        }
        effects
    }
}
