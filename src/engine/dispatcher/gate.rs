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
    engine::event::{Effect, Replay, Ticket},
};

/// A command that may be carried out once it is known to be new.
#[derive(Debug)]
pub(super) struct PendingCommand {
    message: Inbound,
    command: Authorized<Command>,
    role: Role,
}

impl Dispatcher {
    pub(super) fn check_replay(&mut self, message: Inbound, command: Authorized<Command>, role: Role) -> Vec<Effect> {
        let ticket = self.ticket();
        let effects = vec![Effect::CheckReplay { message: Box::new(message.clone()), ticket }];
        self.questions.insert(ticket, Question::Replay(Box::new(PendingCommand { message, command, role })));
        effects
    }

    pub(super) fn replay_checked(&mut self, ticket: Ticket, replay: &Replay, now: Timestamp) -> Vec<Effect> {
        let Some(Question::Replay(pending)) = self.questions.remove(&ticket) else { return Vec::new() };
        let PendingCommand { message, command, role } = *pending;
        match replay {
            // A stale one has used its place too: it is not run later as a copy either.
            Replay::New => self.carry_out_fresh(command.into_inner(), &message, role, now),
            Replay::Duplicate => {
                tracing::warn!(sender = %message.sender, event = %message.event, "a copy of an earlier command");
                self.refuse(&message, "a copy", &reply::refusal::copy())
            }
            Replay::Unclear(why) => self.refuse(&message, "replay unclear", &reply::refusal::replay_unclear(why)),
        }
    }
}
