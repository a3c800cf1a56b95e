//! Notifies again of what nobody is on.

use super::{Incidents, notify, record, remind_after};
use crate::{
    domain::{
        incident::{Incident, IncidentId},
        message::MessageClass,
        reply,
    },
    engine::{ctx::Ctx, step::Step},
};

impl Incidents {
    /// One message about all that has waited long enough.
    pub(super) fn remind(&mut self, ctx: &Ctx<'_>) -> Step {
        let after = remind_after(ctx.inventory);
        let is_due = |incident: &&Incident| {
            incident.acknowledged.is_none()
                && incident.last_paged_at.is_some_and(|at| ctx.now.duration_since(at) >= after)
        };
        let (silent, due): (Vec<&Incident>, Vec<&Incident>) = self
            .open
            .values()
            .filter(is_due)
            .partition(|incident| self.is_silent(&incident.subject, ctx.inventory, ctx.now));
        let ids = |incidents: Vec<&Incident>| incidents.into_iter().map(|incident| incident.id).collect::<Vec<_>>();
        let (silent, due): (Vec<IncidentId>, Vec<IncidentId>) = (ids(silent), ids(due));
        for id in silent {
            // Its turn comes again.
            if let Some(incident) = self.open.get_mut(&id) {
                incident.last_paged_at = Some(ctx.now);
            }
        }
        let Some(first) = due.first().copied() else { return Step::none() };
        let mut step = Step::none();
        for id in &due {
            if let Some(incident) = self.open.get_mut(id) {
                incident.last_paged_at = Some(ctx.now);
                step.push(record(incident));
            }
        }
        let incidents: Vec<&Incident> = due.iter().filter_map(|id| self.open.get(id)).collect();
        let text = reply::incident::reminder(&incidents, ctx.inventory, ctx.prefix(), ctx.now);
        let key = format!("{}/{}", first.key("still"), ctx.now.as_second());
        step.then(notify(key, MessageClass::Page, text))
    }
}
