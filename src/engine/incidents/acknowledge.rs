//! Somebody says that they are on an incident.

use super::{Incidents, record};
use crate::{
    domain::{
        incident::{Incident, IncidentId},
        reply::incident as reply,
        subject::Subject,
    },
    engine::{ctx::Ctx, request::Request, speech, step::Step},
};

impl Incidents {
    /// "7", "bridge", "spark-1", "all".
    pub fn called(&self, written: &str) -> Vec<IncidentId> {
        let number = written.strip_prefix('#').unwrap_or(written).parse().map(IncidentId);
        let named = |subject: &Subject| match subject {
            Subject::Service(name) => name.as_str().eq_ignore_ascii_case(written),
            Subject::Host(name) | Subject::Disk(name) => {
                name.as_str().eq_ignore_ascii_case(written.strip_suffix(':').unwrap_or(written))
            }
        };
        let all = written.eq_ignore_ascii_case("all");
        let open = self.open.values();
        open.filter(|i| all || number == Ok(i.id) || named(&i.subject)).map(|incident| incident.id).collect()
    }

    /// Somebody says so in words.
    pub fn acknowledge(&mut self, request: &Request, ids: &[IncidentId], ctx: &Ctx<'_>) -> Step {
        let step = self.is_on(request, ids, ctx);
        let incidents: Vec<&Incident> = ids.iter().filter_map(|id| self.open.get(id)).collect();
        let answer = request.answer("ack", &reply::acknowledged(&incidents));
        step.then(answer).then(self.edit(ctx))
    }

    /// Somebody says so with a reaction; the alert itself then shows it.
    pub fn reacted(&mut self, request: &Request, ids: &[IncidentId], ctx: &Ctx<'_>) -> Step {
        let step = self.is_on(request, ids, ctx);
        step.then(speech::handled(&request.origin, "ack")).then(self.edit(ctx))
    }

    fn is_on(&mut self, request: &Request, ids: &[IncidentId], ctx: &Ctx<'_>) -> Step {
        let mut step = Step::none();
        for id in ids {
            let Some(incident) = self.open.get_mut(id) else { continue };
            incident.acknowledged = Some((request.origin.actor(), ctx.now));
            let incident = incident.clone();
            step.push(record(&incident));
            self.outdate_now(&incident);
        }
        step
    }
}
