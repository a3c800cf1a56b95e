//! `!logs`: what a service printed last.

use std::time::Duration;

use super::{Pending, Queries};
use crate::{
    domain::{
        origin::Origin,
        output::{CommandOutput, LogError},
        reply::logs,
        target::Target,
    },
    engine::{ctx::Ctx, effect::Effect, event::Asker, host_request::HostRequest, request::Request, speech, step::Step},
};

/// How long it may take when somebody waits for it.
const LIMIT: Duration = Duration::from_secs(20);

/// Somebody who waits for a log.
#[derive(Debug)]
pub(super) struct Logs {
    origin: Origin,
    target: Target,
}

impl Queries {
    /// Reads the end of a service's log.
    pub fn logs(&mut self, request: &Request, target: Target, lines: u32, ctx: &mut Ctx<'_>) -> Step {
        let Some(service) = ctx.inventory.service(&target.service) else { return Step::none() };
        let ticket = ctx.ids.ticket(Asker::Queries);
        let read = HostRequest::Read { command: service.logs(target.member.as_ref(), lines), limit: LIMIT, ticket };
        self.pending.insert(ticket, Pending::Logs(Logs { origin: request.origin.clone(), target }));
        Effect::Host { host: service.host.clone(), request: read }.into()
    }
}

impl Logs {
    pub(super) fn answered(self, output: Result<CommandOutput, String>, ctx: &Ctx<'_>) -> Step {
        let Self { origin, target } = self;
        let found = ctx.inventory.service(&target.service);
        let log = found.map_or(Err(LogError::NotDeployed), |found| found.read_log(output));
        let answer = logs::answer(&target, log);
        let file = answer.file.map(|(name, text)| speech::file(&origin, name, text));
        speech::answer(&origin, &answer.text).then(file).then(speech::handled(&origin, "logs"))
    }
}
