//! `!status`: how services are.
//!
//! Each host answers for itself. After a moment the answer is given with what
//! is there, and completed by edits as the rest comes in: a dead host costs its
//! own time and nobody else's.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Pending, Queries};
use crate::{
    domain::{
        message::MessageClass,
        names::{HostName, ServiceName},
        observation::HostReport,
        origin::Origin,
        reply::status::{self, Line, View},
    },
    engine::{
        ctx::Ctx, effect::Effect, event::Asker, host_request::HostRequest, request::Request, speech, step::Step,
        world::World,
    },
};

/// How long an answer waits for the last hosts before it is given in part.
const PATIENCE: SignedDuration = SignedDuration::from_millis(2_500);

/// Somebody who waits to hear how services are.
#[derive(Debug)]
pub(super) struct Status {
    origin: Origin,
    services: Vec<ServiceName>,
    /// What each asked host said; none while it has not.
    hosts: BTreeMap<HostName, Option<HostReport>>,
    /// When to answer in part; none once that is done.
    partial_at: Option<Timestamp>,
    /// Edits made so far, so that each has a key of its own.
    edits: u32,
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
        let partial_at = ctx.now.checked_add(PATIENCE).ok();
        let status = Status { origin: request.origin.clone(), services, hosts, partial_at, edits: 0 };
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
        if !complete && self.partial_at.is_some() {
            // Nothing was said yet, and nothing needs to be for a moment.
            return (Step::none(), Some(self));
        }
        let step = self.say(complete, world, ctx);
        if complete { (step.then(speech::handled(&self.origin, "status")), None) } else { (step, Some(self)) }
    }

    pub(super) fn tick(&mut self, world: World<'_>, ctx: &Ctx<'_>) -> Step {
        if self.partial_at.is_some_and(|at| at <= ctx.now) { self.say(false, world, ctx) } else { Step::none() }
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.partial_at
    }

    /// Says or edits the answer, by whether it was said in part already.
    fn say(&mut self, complete: bool, world: World<'_>, ctx: &Ctx<'_>) -> Step {
        let text = self.text(world, ctx);
        if self.partial_at.take().is_some() {
            return speech::answer(&self.origin, &text);
        }
        self.edits += 1;
        let number = self.edits.to_string();
        speech::edit(&self.origin, "answer", MessageClass::Answer, &number, complete, &text)
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
