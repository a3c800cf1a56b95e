//! A problem becomes an incident, or more becomes known of one.

use super::{Incidents, record};
use crate::{
    domain::{
        incident::{Cause, Incident, IncidentId},
        subject::Subject,
    },
    engine::{ctx::Ctx, step::Step},
};

impl Incidents {
    /// Something is wrong that was not, or more is known of it.
    pub fn opened(&mut self, subject: Subject, cause: Cause, ctx: &mut Ctx<'_>) -> Step {
        let id = match self.about(&subject) {
            Some(id) => id,
            None => {
                let id = IncidentId(self.next);
                self.next += 1;
                tracing::warn!(incident = id.0, ?subject, "opened");
                self.open.insert(id, Incident::new(id, subject, cause.clone(), ctx.now));
                id
            }
        };
        let Some(incident) = self.open.get_mut(&id) else { return Step::none() };
        incident.cause = cause;
        let incident = incident.clone();
        let step = Step::from(record(&incident));
        let told_enough = incident.said.is_some_and(|said| said >= incident.cause.level()) && !incident.has_relapsed();
        if told_enough {
            self.outdate(&incident);
            step.then(self.edit(ctx))
        } else if !self.waiting.contains(&id) && !self.collects_evidence(id) {
            step.then(self.announce(id, ctx))
        } else {
            step
        }
    }
}
