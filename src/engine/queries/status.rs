//! `!status`: how services are.
//!
//! Each host answers for itself.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Pending, Queries, partial::PartialAnswer};
use crate::{
    domain::{
        names::{HostName, ServiceName},
        observation::HostReport,
        reply::status::{self, Line, View},
    },
    engine::{
        ctx::Ctx, effect::Effect, event::Asker, host_request::HostRequest, request::Request, speech, step::Step,
        world::World,
    },
};

/// Somebody who waits to hear how services are.
#[derive(Debug)]
pub(super) struct Status {
    answer: PartialAnswer,
    services: Vec<ServiceName>,
    /// What each asked host said; none while it has not.
    hosts: BTreeMap<HostName, Option<HostReport>>,
}

impl Queries {
    /// Looks at the hosts of some services.
    pub fn status(
        &mut self,
        request: &Request,
        services: Vec<ServiceName>,
        world: World<'_>,
        ctx: &mut Ctx<'_>,
    ) -> Step {
        let found = ctx.inventory.called(&services);
        let hosts: BTreeMap<HostName, _> = found.into_iter().map(|service| (service.host.clone(), None)).collect();
        let answer = PartialAnswer::new(request.origin.clone(), ctx.now);
        let status = Status { answer, services, hosts };
        if status.hosts.is_empty() {
            return request.answer("status", &status.text(world, ctx));
        }
        let ticket = ctx.ids.ticket(Asker::Queries);
        let ask = |host: &HostName| Effect::Host { host: host.clone(), request: HostRequest::Snapshot { ticket } };
        let effects: Vec<Effect> = status.hosts.keys().map(ask).collect();
        self.pending.insert(ticket, Pending::Status(status));
        effects.into()
    }
}

impl Status {
    /// Takes what was seen of a host. Gives itself back while others are
    /// waited for.
    pub(super) fn snapshot(mut self, report: HostReport, world: World<'_>, ctx: &Ctx<'_>) -> (Step, Option<Self>) {
        if let Some(slot) = self.hosts.get_mut(&report.host) {
            *slot = Some(report);
        }
        let complete = self.hosts.values().all(Option::is_some);
        if !complete && self.answer.can_wait() {
            return (Step::none(), Some(self));
        }
        let step = self.say(complete, world, ctx);
        if complete { (step.then(speech::handled(&self.answer.origin, "status")), None) } else { (step, Some(self)) }
    }

    pub(super) fn tick(&mut self, world: World<'_>, ctx: &Ctx<'_>) -> Step {
        if self.answer.is_due(ctx.now) { self.say(false, world, ctx) } else { Step::none() }
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.answer.deadline()
    }

    fn say(&mut self, complete: bool, world: World<'_>, ctx: &Ctx<'_>) -> Step {
        let text = self.text(world, ctx);
        self.answer.say(complete, &text)
    }

    fn text(&self, world: World<'_>, ctx: &Ctx<'_>) -> String {
        let services = ctx.inventory.called(&self.services);
        let lines: Vec<Line<'_>> = services
            .into_iter()
            .map(|service| {
                let view = match self.hosts.get(&service.host) {
                    Some(Some(HostReport { seen: Err(error), .. })) => View::Blind(error),
                    Some(Some(HostReport { seen: Ok(seen), .. })) => {
                        seen.iter().find(|o| o.service == service.name).map_or(View::Waiting, View::Seen)
                    }
                    Some(None) | None => View::Waiting,
                };
                Line {
                    service,
                    view,
                    active: world.operations.of(&service.name),
                    known: world.watcher.known(&service.name),
                }
            })
            .collect();
        status::answer(&lines, ctx.now)
    }
}
