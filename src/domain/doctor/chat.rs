//! What can be found of the bot's account and its rooms.

use super::mark::Mark;
use crate::domain::room::RoomAddress;

/// What can be found of the account and its rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatCheck {
    /// The homeserver answers there.
    Homeserver(String),
    /// It does not; why.
    NoHomeserver {
        /// Its URL.
        url: String,
        /// Why.
        why: String,
    },
    /// The session is valid; its device.
    Session(String),
    /// The session's token has run out, as it does while the bot is stopped.
    SessionRests,
    /// The token is not valid.
    SessionDead {
        /// Whether the bot can log in again by itself.
        heals: bool,
    },
    /// It is another account's.
    SessionForeign {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: String,
    },
    /// There is none yet.
    NoSession {
        /// Whether the config has what a login takes.
        can_log_in: bool,
    },
    /// It could not be asked about; why.
    SessionUnclear(String),
    /// The bot heard its homeserver so many seconds ago.
    Running(u64),
    /// No bot runs on this state directory.
    NotRunning,
    /// It is in the room.
    Room {
        /// Which.
        room: RoomAddress,
        /// Whether it is encrypted.
        encrypted: bool,
        /// Whether anybody may join it.
        public: bool,
    },
    /// It is not in the room.
    NotInRoom(RoomAddress),
    /// The homeserver knows no such room.
    NoRoom(RoomAddress),
    /// The room could not be asked about; why.
    RoomUnclear {
        /// Which.
        room: RoomAddress,
        /// Why.
        why: String,
    },
}

impl ChatCheck {
    pub(super) fn mark(&self) -> Mark {
        match self {
            Self::NoHomeserver { .. }
            | Self::SessionDead { heals: false }
            | Self::SessionForeign { .. }
            | Self::NoSession { can_log_in: false }
            | Self::SessionUnclear(_)
            | Self::NotInRoom(_)
            | Self::NoRoom(_)
            | Self::RoomUnclear { .. } => Mark::Wrong,
            Self::SessionDead { heals: true } | Self::NoSession { can_log_in: true } => Mark::Doubtful,
            Self::Room { encrypted, public, .. } if !encrypted || *public => Mark::Doubtful,
            Self::Room { .. }
            | Self::Homeserver(_)
            | Self::Session(_)
            | Self::SessionRests
            | Self::Running(_)
            | Self::NotRunning => Mark::Fine,
        }
    }
}
