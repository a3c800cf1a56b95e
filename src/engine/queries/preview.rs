//! `!diff`: what an update would bring.

use std::time::Duration;

use super::{Pending, Queries};
use crate::{
    domain::{
        names::ServiceName,
        origin::Origin,
        output::{CommandOutput, Exit},
        progress::Reader,
        reply::{preview, refusal},
    },
    engine::{ctx::Ctx, effect::Effect, event::Asker, host_request::HostRequest, request::Request, speech, step::Step},
};

/// How long it may take: it fetches.
const LIMIT: Duration = Duration::from_secs(90);

/// Somebody who waits to hear what is new.
#[derive(Debug)]
pub(super) struct Preview {
    origin: Origin,
    service: ServiceName,
    /// By which the script's marks are known.
    nonce: String,
}

impl Queries {
    /// Asks what an update would bring.
    pub fn preview(&mut self, request: &Request, name: ServiceName, ctx: &mut Ctx<'_>) -> Step {
        let Some(service) = ctx.inventory.service(&name) else { return Step::none() };
        let ticket = ctx.ids.ticket(Asker::Queries);
        let nonce = ctx.ids.read_nonce(ticket);
        let command = match service.preview(&nonce, &request.origin.actor()) {
            Ok(command) => command,
            Err(why) => return request.refuse("not possible", &refusal::not_possible(&name, why)),
        };
        let pending = Preview { origin: request.origin.clone(), service: name, nonce };
        self.pending.insert(ticket, Pending::Preview(pending));
        Effect::Host { host: service.host.clone(), request: HostRequest::Read { command, limit: LIMIT, ticket } }.into()
    }
}

impl Preview {
    pub(super) fn answered(self, output: Result<CommandOutput, String>, ctx: &Ctx<'_>) -> Step {
        let Some(service) = ctx.inventory.service(&self.service) else { return Step::none() };
        let text = match output {
            Ok(CommandOutput { exit: Exit::Code(code), text, .. }) => {
                let mut reader = Reader::new(&self.nonce);
                reader.feed(text.as_bytes());
                let failed = (code != 0).then_some(code);
                preview::answer(service, &reader.progress, failed, ctx.prefix(), ctx.now)
            }
            Ok(CommandOutput { exit: exit @ Exit::Signal(_), .. }) => preview::failed(service, &exit.to_string()),
            Err(why) => preview::failed(service, &why),
        };
        speech::answer(&self.origin, &text).then(speech::handled(&self.origin, "diff"))
    }
}
