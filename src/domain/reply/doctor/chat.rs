//! The findings about the bot's account and its rooms, in words.

use jiff::SignedDuration;

use super::Line;
use crate::domain::{
    doctor::ChatCheck,
    message::{code, escape},
    reply::span,
};

pub(super) fn line(matter: &ChatCheck) -> Line {
    match matter {
        ChatCheck::Homeserver(url) => Line::fine("homeserver", format!("{} answers", escape(url))),
        ChatCheck::NoHomeserver { url, why } => Line::new(
            "homeserver",
            format!("{} does not answer as one: {}", escape(url), escape(why)),
            format!(
                "correct `homeserver`, or look at the server; {} should be JSON",
                code(&format!("{url}_matrix/client/versions"))
            ),
        ),
        ChatCheck::Session(device) => Line::fine("session", format!("{} is valid", code(device))),
        ChatCheck::SessionRests => {
            Line::fine("session", "its short-lived token has run out, as it does; the next start renews it")
        }
        ChatCheck::SessionDead { heals: true } => {
            Line::new("session", "the homeserver has dropped it", "the next start logs in again, with a new device")
        }
        ChatCheck::SessionDead { heals: false } => Line::new(
            "session",
            "the homeserver does not take the token (any more)",
            "make a new token at a new device, or configure the password",
        ),
        ChatCheck::SessionForeign { found, wanted } => Line::new(
            "session",
            format!("it belongs to {}, not to {}", escape(found), escape(wanted)),
            "correct `user`, or give this account a state directory of its own",
        ),
        ChatCheck::NoSession { can_log_in: true } => Line::new(
            "session",
            "there is none yet",
            format!("{}, or the first start, makes it", code("opsroom login")),
        ),
        ChatCheck::NoSession { can_log_in: false } => {
            Line::new("session", "there is none yet, and the config names no password", code("opsroom login"))
        }
        ChatCheck::SessionUnclear(why) => {
            Line::new("session", format!("it cannot be asked about: {}", escape(why)), "look at that first")
        }
        ChatCheck::Running(seconds) => {
            let age = span::rough(SignedDuration::from_secs(i64::try_from(*seconds).unwrap_or(i64::MAX)));
            Line::fine("bot", format!("it runs, and heard the homeserver {age} ago"))
        }
        ChatCheck::NotRunning => Line::fine("bot", "none runs on this state directory now"),
        ChatCheck::Room { room, encrypted: true, public: false } => {
            Line::fine("room", format!("{} — joined, encrypted, private", escape(&room.to_string())))
        }
        ChatCheck::Room { room, encrypted, public } => {
            let flaws = match (encrypted, public) {
                (false, true) => "not encrypted, and open to anybody",
                (false, false) => "not encrypted",
                (true, _) => "open to anybody",
            };
            Line::new(
                "room",
                format!("{} is {flaws}", escape(&room.to_string())),
                "use a private, encrypted room: in its settings, under Security",
            )
        }
        ChatCheck::NotInRoom(room) => Line::new(
            "room",
            format!("the bot is not in {}", escape(&room.to_string())),
            "invite it, as one of the operators, while it runs",
        ),
        ChatCheck::NoRoom(room) => Line::new(
            "room",
            format!("the homeserver knows no {}", escape(&room.to_string())),
            "give the room that alias, or correct `id`",
        ),
        ChatCheck::RoomUnclear { room, why } => Line::new(
            "room",
            format!("{} cannot be asked about: {}", escape(&room.to_string()), escape(why)),
            "look at that first",
        ),
    }
}
