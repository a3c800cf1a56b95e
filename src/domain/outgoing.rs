//! What is to be said, before it has an event ID.
//!
//! A message is known by a key that follows from its cause ("the answer to
//! event $x"). Saying the same key twice is saying it once, so handling a
//! command again after a crash cannot answer it twice; an edit names the key of
//! the message it changes.

use std::fmt;

use super::{
    message::{Body, MessageClass},
    names::{EventId, RoomId, UserId},
};

/// A message's name within the bot. Also the source of its transaction ID.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct MessageKey(pub String);

impl MessageKey {
    /// The event that it is said because of: `$x` of `$x/answer`.
    pub fn cause(&self) -> Option<EventId> {
        // Old rooms have events with a `/` in their names; what follows the last has none.
        let (event, _) = self.0.rsplit_once('/')?;
        EventId::parse(event).ok()
    }
}

impl fmt::Display for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One thing to say.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Outgoing {
    /// Its name.
    pub key: MessageKey,
    /// Where.
    pub room: RoomId,
    /// What.
    pub what: What,
}

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum What {
    /// A new message.
    Say {
        /// How loudly.
        class: MessageClass,
        /// The text.
        body: Body,
        /// What it answers.
        reply_to: Option<EventId>,
        /// Whose phones ring.
        mentions: Vec<UserId>,
    },
    /// A new text for a message said before.
    Edit {
        /// The message.
        of: MessageKey,
        /// The class it was said with.
        class: MessageClass,
        /// The whole new text.
        body: Body,
        /// Whether this is its last text: then it must arrive, and at once.
        last: bool,
    },
    /// A message that is to be found above all others.
    Pin {
        /// The message.
        message: MessageKey,
        /// The one whose place it takes.
        instead_of: Option<MessageKey>,
    },
    /// Text as a file.
    File {
        /// The file's name.
        name: String,
        /// Its text.
        text: String,
        /// What it answers.
        reply_to: Option<EventId>,
    },
}

impl Outgoing {
    /// Whether it must survive a restart. A progress edit need not: the next
    /// one says the same and more. What is pinned is pinned again at each start.
    pub fn is_durable(&self) -> bool {
        match &self.what {
            What::Say { .. } | What::File { .. } => true,
            What::Edit { last, .. } => *last,
            What::Pin { .. } => false,
        }
    }

    /// Pages before answers, answers before progress.
    pub fn rank(&self) -> u8 {
        match &self.what {
            What::Say { class: MessageClass::Page, .. } => 0,
            What::Say { class: MessageClass::Answer | MessageClass::Progress, .. } => 1,
            What::File { .. } => 2,
            What::Edit { last: true, .. } => 1,
            What::Edit { last: false, .. } | What::Pin { .. } => 3,
        }
    }
}
