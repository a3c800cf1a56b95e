//! A person, and how long an answer takes.
//!
//! The clock starts with the homeserver's time of the command (the client that
//! sends it is not counted, and is the same for both sides) and ends when the
//! answer shows in the long-poll of an observer in this process.

use std::time::Duration;

use opsroom_lab::{Lab, Person, Room, Speaker, bot::BotPlan};

use crate::raw::{Observer, Sighting};

/// The opsroom that was built for this run.
const OPSROOM: &str = env!("CARGO_BIN_EXE_opsroom");

/// The longest any answer is waited for. Reaching it is a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// The bot, with an operator.
pub(crate) fn bot(lab: &Lab, operator: &Person) -> BotPlan {
    lab.bot().binary(OPSROOM).operator(operator)
}

/// How long an answer took, in milliseconds.
#[derive(Debug)]
pub(crate) struct Answer {
    /// From the homeserver's time of the command until the observer saw the
    /// answer.
    pub(crate) taken: f64,
    /// The bot's own part of it: from when the observer saw the command (as the
    /// bot did) until the homeserver had the answer.
    pub(crate) bots_part: f64,
    pub(crate) event: Sighting,
}

/// Says the command and waits for the first event of the bot that will do.
pub(crate) fn answer(
    room: &Room,
    bot: &dyn Speaker,
    observer: &Observer,
    command: &str,
    will_do: impl Fn(&Sighting) -> bool,
) -> Answer {
    let command = room.owner().says(room, command).0;
    let mut asked: Option<Sighting> = None;
    loop {
        let seen = observer.sightings.recv_timeout(PATIENCE).expect("an answer in time");
        match &asked {
            None if seen.event == command => asked = Some(seen),
            Some(asked) if seen.sender == bot.user() && will_do(&seen) => {
                let (taken, bots_part) = (seen.seen_ms - asked.server_ms, seen.server_ms - asked.seen_ms);
                return Answer { taken, bots_part, event: seen };
            }
            None | Some(_) => {}
        }
    }
}

/// How long a `!status` takes of services that are all well.
pub(crate) fn status(room: &Room, bot: &dyn Speaker, observer: &Observer, command: &str) -> f64 {
    let answer = answer(room, bot, observer, command, complete);
    assert!(!answer.event.text.contains('🔴'), "{}", answer.event.text);
    answer.taken
}

/// An answer that is given in part is completed by edits.
pub(crate) fn complete(seen: &Sighting) -> bool {
    !seen.text.contains("no answer yet") && !seen.text.contains("not heard from yet")
}
