//! What most stories begin with: a room, a person, a host and the bot.

use std::time::Duration;

use opsroom_lab::{Bot, Host, Lab, Message, Person, Room, bot::BotPlan, message::reply_to};

use crate::outcome::outcome;

/// Long enough for builds on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(180);

/// The opsroom that was built for this test run.
pub(crate) const OPSROOM: &str = env!("CARGO_BIN_EXE_opsroom");

/// An encrypted ops room with an operator in it, and a host.
pub(crate) struct Stage {
    pub(crate) lab: Lab,
    pub(crate) alice: Person,
    pub(crate) room: Room,
    pub(crate) host: Host,
}

impl Stage {
    pub(crate) fn set() -> Self {
        Self::on(|lab| lab.host("spark-1"))
    }

    /// With a host that is special in some way.
    pub(crate) fn on(host: impl FnOnce(&Lab) -> Host) -> Self {
        let lab = Lab::connect();
        let alice = lab.person("alice");
        let room = lab.room("ops").encrypted().member(&alice).create();
        let host = host(&lab);
        Self { lab, alice, room, host }
    }

    /// The bot of this room, for more to be said about it.
    pub(crate) fn bot(&self) -> BotPlan {
        self.lab.bot().binary(OPSROOM).room(&self.room).operator(&self.alice)
    }

    /// Alice says it and reads the answer: a reply by the bot.
    #[track_caller]
    pub(crate) fn ask(&self, bot: &Bot, command: &str) -> Message {
        let asked = self.alice.says(&self.room, command);
        let answer = self.room.reads(&self.alice).reply_to(&asked, opsroom_lab::anything());
        assert_eq!(answer.sender, opsroom_lab::Speaker::user(bot));
        answer
    }

    /// Alice says it and reads the message that tells the whole outcome.
    #[track_caller]
    pub(crate) fn result_of(&self, bot: &Bot, command: &str, head: &str) -> Message {
        let asked = self.alice.says(&self.room, command);
        let reads = self.room.reads(&self.alice).within(LIMIT);
        let told = reads.next_from(bot, outcome().and(reply_to(&asked)));
        assert!(told.text().starts_with(head), "expected {head:?}: {}", told.text());
        told
    }
}
