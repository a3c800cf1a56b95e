//! A room's dashboard: the one pinned message that shows how everything is, and
//! is kept true by edits.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{names::RoomId, outgoing::MessageKey};

/// What has to be kept of one over a restart of the bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dashboard {
    /// Where it is.
    pub room: RoomId,
    /// Which of the room's; the first is 1.
    pub number: u64,
    /// When its message was begun.
    pub since: Timestamp,
    /// How often that was edited.
    pub edits: u32,
}

impl Dashboard {
    /// The next one of a room.
    pub fn after(before: Option<&Self>, room: RoomId, now: Timestamp) -> Self {
        Self { room, number: before.map_or(1, |before| before.number + 1), since: now, edits: 0 }
    }

    /// The name of its message.
    pub fn key(&self) -> MessageKey {
        key(self.number, &self.room)
    }

    /// The name of the message whose place it took.
    pub fn key_before(&self) -> Option<MessageKey> {
        (self.number > 1).then(|| key(self.number - 1, &self.room))
    }
}

fn key(number: u64, room: &RoomId) -> MessageKey {
    MessageKey(format!("dashboard/{number}/{room}"))
}
