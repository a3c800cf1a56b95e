//! What is answered from what is known already.

use crate::{
    domain::{
        command,
        reply::{help, incident, operations, refusal},
    },
    engine::{ctx::Ctx, request::Request, step::Step, world::World},
};

/// `!help`.
pub fn help(request: &Request, about: Option<&str>, ctx: &Ctx<'_>) -> Step {
    let prefix = ctx.prefix();
    let Some(about) = about else { return request.answer("help", &help::list(request.role, prefix)) };
    let name = about.strip_prefix(prefix).unwrap_or(about).to_lowercase();
    let text = match command::spec(&name) {
        Some(spec) => help::about(spec, prefix),
        None => refusal::no_such_command(about, command::nearest(&name), prefix),
    };
    request.answer("help", &text)
}

/// `!ping`.
pub fn ping(request: &Request) -> Step {
    request.answer("ping", &help::pong())
}

/// `!whoami`.
pub fn whoami(request: &Request, ctx: &Ctx<'_>) -> Step {
    request.answer("whoami", &help::whoami(&request.origin.actor(), request.role, ctx.prefix()))
}

/// `!ops`.
pub fn operations(request: &Request, world: World<'_>, ctx: &Ctx<'_>) -> Step {
    let active: Vec<_> = world.operations.active().collect();
    request.answer("ops", &operations::in_progress(&active, ctx.prefix(), ctx.now))
}

/// `!alerts`.
pub fn alerts(request: &Request, world: World<'_>, ctx: &Ctx<'_>) -> Step {
    let open: Vec<_> = world.incidents.open().collect();
    let silences: Vec<_> = world.incidents.silences().collect();
    request.answer("alerts", &incident::list(&open, &silences, ctx.inventory, ctx.prefix(), ctx.now))
}
