//! What the Matrix side has to say about itself. The engine decides what of it
//! the room is told, and how often.

use std::time::Duration;

pub use crate::domain::inbound::Unreadable;
use crate::domain::names::{EventId, RoomId, UserId};

/// Something the room or the log should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// An allowlisted person wrote something that cannot be read. Said once
    /// for each event; for a key that may only be late, after a minute.
    Unreadable {
        /// Where.
        room: RoomId,
        /// Which message.
        event: EventId,
        /// By whom, as the homeserver says: nothing was decrypted.
        sender: UserId,
        /// Why.
        why: Unreadable,
    },
    /// No sync any more; said once at the start of an outage.
    ConnectionLost {
        /// What was seen.
        cause: String,
    },
    /// Syncing again.
    ConnectionRestored {
        /// From the last good sync before to the first one after.
        after: Duration,
    },
    /// The homeserver had dropped the bot's device; it has a new one now. What
    /// was written to it in between cannot be read.
    DeviceReplaced {
        /// The new device's ID.
        device: String,
    },
    /// A person whom the bot had verified (because they verified the bot) has
    /// new cross-signing keys: a new phone, or somebody in their place.
    IdentityChanged {
        /// Who.
        user: UserId,
    },
    /// More was said in a room while the bot was away than it reads back; older
    /// messages were passed over.
    HistoryTooLong {
        /// Where.
        room: RoomId,
        /// How many events were read back.
        read: usize,
    },
}
