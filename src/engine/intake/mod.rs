//! The door: from a message to a request that somebody may have done.
//!
//! One way for each: admit → read → replay check → fresh → resolve →
//! authorise. Only what changes something waits for the replay check, and its
//! sender is admitted again after it: what is there by then is what counts.

mod gate;
mod reply;

use jiff::SignedDuration;

use self::gate::{Gate, Pending};
use super::{
    ctx::Ctx,
    effect::Effect,
    event::{Asker, Replay, Ticket},
    request::Request,
    speech,
    step::{Signal, Step},
    world::World,
};
use crate::domain::{
    access::{self, Admission, Denied, Missing},
    command::{self, Parsed, Reading, Spec, Unresolved},
    inbound::{Inbound, Me, Protection, Unreadable},
    names::{EventId, RoomId},
    origin::Origin,
    reply::refusal,
    role::Role,
};

/// Characters kept of what somebody asked.
const ASKED: usize = 200;

/// See the module.
#[derive(Debug)]
pub struct Intake {
    /// Who the bot is in the rooms.
    me: Me,
    gate: Gate,
}

impl Intake {
    /// A door at which nobody waits.
    pub fn new(me: Me) -> Self {
        Self { me, gate: Gate::default() }
    }

    /// The bot has learned what it is called.
    pub fn named(&mut self, me: Me) {
        self.me = me;
    }

    /// Somebody wrote something.
    pub fn message(&mut self, message: Inbound, world: World<'_>, ctx: &mut Ctx<'_>) -> Step {
        let body = message.body.clone();
        self.meaning(message, &body, world, ctx)
    }

    /// A message that means what `body` says.
    fn meaning(&mut self, message: Inbound, body: &str, world: World<'_>, ctx: &mut Ctx<'_>) -> Step {
        if message.reaction {
            return handled(&message, "not a command");
        }
        let admission = access::admit(&message, ctx.inventory);
        if admission == Admission::Stranger {
            tracing::info!(sender = %message.sender, room = %message.room, "ignored: not on the list of operators");
            return handled(&message, "stranger");
        }
        let reading = command::read(body, message.mentions_bot, ctx.prefix(), &self.me);
        if matches!(reading, Reading::NotForMe) {
            return handled(&message, "not a command");
        }
        let role = match admission {
            Admission::Admitted(role) => role,
            Admission::Stranger | Admission::Unprotected => {
                return refuse(&message, "not encrypted", &refusal::unprotected());
            }
        };
        match reading {
            Reading::Command(parsed) if waits(&parsed, &message) => {
                // Whoever may not have it done need not wait to be told so. All else waits: also a
                // command that names nothing now uses its place up, and is not run later as a copy.
                if let Err(missing) = access::may_ask(parsed.spec, role) {
                    return not_allowed(&message, parsed.spec, &missing, ctx);
                }
                let ticket = ctx.ids.ticket(Asker::Intake);
                let check = Effect::CheckReplay { message: Box::new(message.clone()), ticket };
                self.gate.wait(ticket, Pending { message, parsed });
                check.into()
            }
            _ if is_stale(&message, ctx) => too_late(&message, ctx),
            Reading::NotForMe => handled(&message, "not a command"),
            Reading::NoSuchCommand { written, nearest } => {
                refuse(&message, "no such command", &refusal::no_such_command(&written, nearest, ctx.prefix()))
            }
            Reading::Misused { spec, fault } => {
                refuse(&message, "misused", &refusal::misused(spec, &fault, ctx.prefix()))
            }
            Reading::Command(parsed) => accept(&message, parsed, role, world, ctx),
        }
    }

    /// It is known whether a message that waits is a copy.
    pub fn replay_checked(&mut self, ticket: Ticket, replay: Replay, world: World<'_>, ctx: &Ctx<'_>) -> Step {
        let Some(Pending { message, parsed }) = self.gate.leave(ticket) else { return Step::none() };
        match replay {
            Replay::New => {}
            Replay::Duplicate => {
                tracing::warn!(sender = %message.sender, event = %message.event, "a copy of an earlier command");
                return refuse(&message, "a copy", &refusal::copy());
            }
            Replay::Unclear(why) => return refuse(&message, "replay unclear", &refusal::replay_unclear(&why)),
        }
        // A stale one has used its place too: it is not run later as a copy either.
        if is_stale(&message, ctx) {
            return too_late(&message, ctx);
        }
        // What it names, and what its sender may do, can have changed while it waited.
        let Admission::Admitted(role) = access::admit(&message, ctx.inventory) else {
            return handled(&message, "stranger");
        };
        accept(&message, parsed, role, world, ctx)
    }

    /// Somebody wrote something that cannot be read.
    pub fn unreadable(&self, room: &RoomId, event: &EventId, why: Unreadable) -> Step {
        speech::reply(room, event, "unreadable", &refusal::unreadable(why)).into()
    }
}

/// Whether a command has to wait until it is known to be no copy: nothing but
/// encryption can tell one from the other.
fn waits(parsed: &Parsed, message: &Inbound) -> bool {
    parsed.spec.effect != command::Effect::Read && message.protection == Protection::Encrypted
}

/// Passes a command on, or says why not.
fn accept(message: &Inbound, parsed: Parsed, role: Role, world: World<'_>, ctx: &Ctx<'_>) -> Step {
    match request(message, parsed, role, world, ctx) {
        Ok(request) => Signal::Accepted(Box::new(request)).into(),
        Err(refused) => refused,
    }
}

/// Finds what a command names, and whether its sender may have it done.
fn request(message: &Inbound, parsed: Parsed, role: Role, world: World<'_>, ctx: &Ctx<'_>) -> Result<Request, Step> {
    let Parsed { spec, command } = parsed;
    // The role is said first: what is there is nothing to who may not ask.
    access::may_ask(spec, role).map_err(|missing| not_allowed(message, spec, &missing, ctx))?;
    let resolved = command.resolve(&world).map_err(|unresolved| {
        let how = match unresolved {
            Unresolved::NoMatch(_) | Unresolved::NoHost { .. } | Unresolved::NoMember { .. } => "no match",
            Unresolved::WholeOnly { .. } => "not of a member",
            Unresolved::NoOperation(_) => "not in progress",
            Unresolved::NoIncident(_) => "no such alert",
            Unresolved::NoSilence(_) => "not silenced",
        };
        refuse(message, how, &refusal::unresolved(&unresolved, ctx.prefix()))
    })?;
    let command = access::authorise(spec, resolved, role, ctx.inventory).map_err(|denied| match denied {
        Denied::Role(missing) => not_allowed(message, spec, &missing, ctx),
        Denied::Service { service, has, change } => {
            refuse(message, "not of this service", &refusal::not_of_service(&service, has, change))
        }
    })?;
    let asked = message.body.trim().chars().take(ASKED).collect();
    Ok(Request { origin: origin(message), role, command, asked })
}

fn not_allowed(message: &Inbound, spec: &Spec, missing: &Missing, ctx: &Ctx<'_>) -> Step {
    let name = format!("{}{}", ctx.prefix(), spec.name);
    refuse(message, "not allowed", &refusal::missing_right(&name, missing))
}

fn origin(message: &Inbound) -> Origin {
    let event = message.event.clone();
    match message.protection {
        Protection::Terminal => Origin::Console { event },
        Protection::Encrypted | Protection::PlainRoom | Protection::PlainInEncryptedRoom => {
            Origin::Chat { user: message.sender.clone(), room: message.room.clone(), event }
        }
    }
}

fn is_stale(message: &Inbound, ctx: &Ctx<'_>) -> bool {
    let limit = SignedDuration::try_from(ctx.inventory.commands.stale_after).unwrap_or(SignedDuration::MAX);
    ctx.now.duration_since(message.sent_at) > limit
}

fn too_late(message: &Inbound, ctx: &Ctx<'_>) -> Step {
    refuse(message, "stale", &refusal::stale(message.sent_at, ctx.now, message.arrival))
}

fn handled(message: &Inbound, how: &str) -> Step {
    speech::handled(&origin(message), how)
}

fn refuse(message: &Inbound, how: &str, text: &str) -> Step {
    tracing::info!(sender = %message.sender, event = %message.event, "not run: {how}");
    speech::answer(&origin(message), text).then(handled(message, how))
}
