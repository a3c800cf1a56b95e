//! Answers to what the bot has said: a bare word, or a reaction.

use super::{Intake, handled, origin};
use crate::{
    domain::{
        access,
        command::{self, Context, Reading},
        inbound::Inbound,
        incident::{Incident, IncidentId, acknowledges},
        outgoing::MessageKey,
        phone,
        subject::Subject,
    },
    engine::{
        ctx::Ctx,
        request::Request,
        step::{Signal, Step},
        world::World,
    },
};

impl Intake {
    /// Somebody answers something that the bot has said: a bare word is about
    /// what that is about.
    pub fn reply(&mut self, message: Inbound, to: &MessageKey, world: World<'_>, ctx: &mut Ctx<'_>) -> Step {
        if message.reaction {
            return react(&message, to, world, ctx);
        }
        let meant =
            IncidentId::of_message(to).and_then(|incident| self.spelled_out(&message.body, incident, world, ctx));
        match meant {
            Some(body) => self.meaning(message, &body, world, ctx),
            None => self.message(message, world, ctx),
        }
    }

    /// "ack" as "!ack 7", "logs 50" as "!logs bridge 50".
    fn spelled_out(&self, body: &str, told: IncidentId, world: World<'_>, ctx: &Ctx<'_>) -> Option<String> {
        let (word, rest) = body.trim().split_once(char::is_whitespace).unwrap_or((body.trim(), ""));
        // "restart?" asks somebody.
        if word.ends_with(['?', '…']) {
            return None;
        }
        let spec = command::spec(&phone::name(word).to_lowercase())?;
        let about: Vec<&Incident> = world.incidents.told_with(told).collect();
        let subjects: Vec<&Subject> = about.iter().map(|incident| &incident.subject).collect();
        let subject = match (spec.context, &subjects[..]) {
            (Context::Alerts, []) => told.0.to_string(),
            (Context::Alerts, _) => about.iter().map(|one| one.id.0.to_string()).collect::<Vec<_>>().join(" "),
            (Context::Member, [Subject::Service(name)]) => match about[0].cause.member() {
                Some(member) => format!("{name}/{member}"),
                None => name.as_str().to_owned(),
            },
            (Context::Subject, [Subject::Service(name)]) => name.as_str().to_owned(),
            (Context::Subject | Context::Member, [Subject::Host(name) | Subject::Disk(name)]) => format!("{name}:"),
            (Context::Subject | Context::Member | Context::None, _) => return None,
        };
        let prefix = ctx.prefix();
        let written = format!("{prefix}{} {subject} {rest}", spec.name);
        // People also talk: what makes no command is no command, and nothing that runs is
        // changed by a word with others behind it.
        match command::read(&written, false, prefix, &self.me) {
            Reading::Command(parsed) if changes_service(&parsed.command) && !rest.is_empty() => None,
            Reading::Command(_) => Some(written),
            Reading::NotForMe | Reading::NoSuchCommand { .. } | Reading::Misused { .. } => None,
        }
    }
}

fn changes_service(command: &command::Command<command::Written>) -> bool {
    matches!(command, command::Command::Change { .. })
}

/// Somebody reacts to something the bot has said. Under an alert it may say
/// that they are on it, which the alert then shows; nothing else ever comes of
/// a reaction.
fn react(message: &Inbound, to: &MessageKey, world: World<'_>, ctx: &Ctx<'_>) -> Step {
    let told = IncidentId::of_message(to).filter(|_| acknowledges(&message.body));
    let (Some(told), Some(role)) = (told, access::admit_reaction(message, ctx.inventory)) else {
        return handled(message, "not a command");
    };
    let incidents: Vec<IncidentId> = world.incidents.told_with(told).map(|incident| incident.id).collect();
    match access::acknowledge(incidents.clone(), role) {
        Some(command) => {
            let asked = message.body.clone();
            let request = Request { origin: origin(message), role, command, asked };
            Signal::Reacted(Box::new(request), incidents).into()
        }
        None => {
            tracing::info!(sender = %message.sender, "a reaction that acknowledges nothing");
            handled(message, "not a command")
        }
    }
}
