//! `!hosts`: what hosts say of themselves.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use super::{Pending, Queries, partial::PartialAnswer};
use crate::{
    domain::{
        host_card,
        inventory::Service,
        names::HostName,
        output::CommandOutput,
        reply::hosts::{self, Line, View},
    },
    engine::{
        ctx::Ctx,
        effect::Effect,
        event::{Asker, Ticket},
        host_request::HostRequest,
        request::Request,
        speech,
        step::Step,
    },
};

/// How long a host may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Somebody who waits to hear how hosts are.
#[derive(Debug)]
pub(super) struct Hosts {
    answer: PartialAnswer,
    asked: BTreeMap<Ticket, (HostName, Option<Said>)>,
}

/// What a host said, and when that came.
type Said = (Result<String, String>, Timestamp);

impl Queries {
    /// Asks hosts about themselves.
    pub fn hosts(&mut self, request: &Request, names: Vec<HostName>, ctx: &mut Ctx<'_>) -> Step {
        let answer = PartialAnswer::new(request.origin.clone(), ctx.now);
        let mut hosts = Hosts { answer, asked: BTreeMap::new() };
        if names.is_empty() {
            return request.answer("hosts", &hosts.text(ctx));
        }
        let mut effects: Vec<Effect> = Vec::new();
        for host in names {
            let ticket = ctx.ids.ticket(Asker::Queries);
            let services: Vec<&Service> = ctx.inventory.on_host(&host).collect();
            let command = host_card::command(&services);
            hosts.asked.insert(ticket, (host.clone(), None));
            effects.push(Effect::Host { host, request: HostRequest::Read { command, limit: LIMIT, ticket } });
        }
        // All of its tickets lead to it.
        if let Some(first) = hosts.asked.keys().next().copied() {
            self.pending.insert(first, Pending::Hosts(hosts));
        }
        effects.into()
    }
}

impl Hosts {
    pub(super) fn has_asked(&self, ticket: Ticket) -> bool {
        self.asked.contains_key(&ticket)
    }

    /// Takes what a host said. Gives itself back while others are waited for.
    pub(super) fn answered(
        mut self,
        ticket: Ticket,
        output: Result<CommandOutput, String>,
        ctx: &Ctx<'_>,
    ) -> (Step, Option<Self>) {
        if let Some((_, said)) = self.asked.get_mut(&ticket) {
            *said = Some((output.map(|output| output.text), ctx.now));
        }
        let complete = self.asked.values().all(|(_, said)| said.is_some());
        if !complete && self.answer.can_wait() {
            return (Step::none(), Some(self));
        }
        let text = self.text(ctx);
        let said = self.answer.say(complete, &text);
        if complete { (said.then(speech::handled(&self.answer.origin, "hosts")), None) } else { (said, Some(self)) }
    }

    pub(super) fn tick(&mut self, ctx: &Ctx<'_>) -> Step {
        if !self.answer.is_due(ctx.now) {
            return Step::none();
        }
        let text = self.text(ctx);
        self.answer.say(false, &text)
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.answer.deadline()
    }

    fn text(&self, ctx: &Ctx<'_>) -> String {
        let lines: Vec<Line<'_>> = self
            .asked
            .values()
            .map(|(host, said)| {
                let services: Vec<&Service> = ctx.inventory.on_host(host).collect();
                let view = match said {
                    None => View::Waiting,
                    Some((Err(why), _)) => View::Blind(why),
                    Some((Ok(text), at)) => View::Seen(Box::new(host_card::read(text, &services)), *at),
                };
                let known = ctx.inventory.host(host);
                Line {
                    host,
                    any_of: known.map(|known| &known.any_of[..]).unwrap_or_default(),
                    services: services.len(),
                    view,
                }
            })
            .collect();
        hosts::answer(&lines, ctx.inventory.watch.disk)
    }
}
