//! Commands that change something wait here until they are known to be no copy.

use jiff::Timestamp;

use super::{Dispatcher, questions::Question};
use crate::{
    domain::{
        access::{Authorized, Role},
        command::Command,
        inbound::Inbound,
        reply,
    },
    engine::event::{Effect, Sealed, Ticket},
};

/// A command that may be carried out once it is known to be new.
#[derive(Debug)]
pub(super) struct Unsealed {
    message: Inbound,
    command: Authorized<Command>,
    role: Role,
}

impl Dispatcher {
    pub(super) fn ask_seal(&mut self, message: Inbound, command: Authorized<Command>, role: Role) -> Vec<Effect> {
        let ticket = self.ticket();
        let effects = vec![Effect::Seal { message: Box::new(message.clone()), ticket }];
        self.questions.insert(ticket, Question::Seal(Box::new(Unsealed { message, command, role })));
        effects
    }

    pub(super) fn sealed(&mut self, ticket: Ticket, sealed: &Sealed, now: Timestamp) -> Vec<Effect> {
        let Some(Question::Seal(unsealed)) = self.questions.remove(&ticket) else { return Vec::new() };
        let Unsealed { message, command, role } = *unsealed;
        match sealed {
            // A stale one has used its seal too: it is not run later as a copy either.
            Sealed::First => self.carry_out_fresh(command.into_inner(), &message, role, now),
            Sealed::Copy => {
                tracing::warn!(sender = %message.sender, event = %message.event, "a copy of an earlier command");
                self.refuse(&message, "a copy", &reply::refusal::copy())
            }
            Sealed::Unclear(why) => self.refuse(&message, "seal unclear", &reply::refusal::seal_unclear(why)),
        }
    }
}
