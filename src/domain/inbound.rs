//! A message as it came in from a room, before anybody decided what it means.

use jiff::Timestamp;

use super::names::{EventId, RoomId, UserId};

/// One text message of one person, or a reaction. Made by an adapter for each
/// `m.text` in a configured room that is not the bot's own, not a notice and not
/// an edit, and for each `m.reaction`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Inbound {
    /// Its event, the key under which it is handled once.
    pub event: EventId,
    /// The room it was sent to.
    pub room: RoomId,
    /// The full ID of who sent it. Display names are never looked at.
    pub sender: UserId,
    /// When, by the sender's homeserver.
    pub sent_at: Timestamp,
    /// The plain text, without the quoted fallback of a reply; of a reaction,
    /// its emoji.
    pub body: String,
    /// The message it replies or reacts to.
    pub reply_to: Option<EventId>,
    /// Whether it is a reaction. Those are never encrypted, so whoever runs the
    /// homeserver can make one: it may say that somebody knows, and no more.
    #[serde(default)]
    pub reaction: bool,
    /// Whether `m.mentions` names the bot.
    pub mentions_bot: bool,
    /// How it was protected on its way.
    pub protection: Protection,
    /// How it got here.
    pub arrival: Arrival,
}

/// How a message was protected on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// Decrypted here.
    Encrypted,
    /// Readable, in a room without encryption.
    PlainRoom,
    /// Typed at the terminal of the machine the bot runs on.
    Terminal,
    /// Readable, in a room with encryption: somebody, perhaps the homeserver,
    /// went around it. Never a command.
    PlainInEncryptedRoom,
}

/// How a message got here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// While the bot was listening.
    Live,
    /// Fetched after the bot had been away, or after a gap in the timeline.
    CatchUp,
    /// It could not be read at first; its key came later.
    LateKey,
}

/// Why a message cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unreadable {
    /// Sent from a device that its owner has not verified with their other
    /// devices (it is not cross-signed). Not read, by policy.
    UnsignedDevice,
    /// The sending device is not known, or was deleted. Not read, by policy.
    UnknownDevice,
    /// The sender's identity was verified once and has changed since. Not
    /// read, by policy.
    IdentityChanged,
    /// The message claims another sender than the one who encrypted it. Not
    /// read, by policy.
    WrongSender,
    /// The sender's client did not send the key to this device, on purpose.
    KeyWithheld,
    /// The key did not come (yet).
    KeyMissing,
    /// It is broken.
    Damaged,
}

/// Who the bot is in the rooms: its own ID and what people call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// The bot's full Matrix ID.
    pub user: UserId,
    /// Its display name, if it has one.
    pub display_name: Option<String>,
}
