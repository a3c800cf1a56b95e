//! Messages as an independent client sees them: edits folded into what they edit, reactions and redactions attached, and
//! beside each what the client knows of its encryption and of the device it came from.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::person::Speaker;

/// An event ID.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub String);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One event as `person.py` tells it.
#[derive(Debug, Clone, Deserialize)]
pub struct Event {
    /// The room.
    pub room: String,
    /// The event.
    pub event_id: EventId,
    /// Who sent it.
    pub sender: String,
    /// Its type, decrypted if it could be.
    #[serde(rename = "type")]
    pub kind: String,
    /// Set for state.
    pub state_key: Option<String>,
    /// Its content, decrypted if it could be.
    pub content: Value,
    /// `m.relates_to`, from inside or outside of the encryption.
    pub relation: Value,
    /// What a redaction redacts.
    pub redacts: Option<String>,
    /// Whether it was encrypted.
    pub encrypted: bool,
    /// Whether it could not be decrypted (yet).
    pub undecryptable: bool,
    /// Whether it was told before as undecryptable.
    pub late: bool,
    /// Whether it was there before this client was.
    pub old: bool,
    /// The device it was encrypted by.
    pub device: Option<String>,
    /// Whether that device is signed by its owner's self-signing key, that by the master key.
    pub device_signed: Option<bool>,
    /// The server's time of it, in milliseconds since 1970.
    pub sent_ms: u64,
    /// This client's time of it.
    pub seen_ms: u64,
    /// The transaction ID, for one's own events.
    pub transaction: Option<String>,
}

/// An edit of a message.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The edit's own event.
    pub id: EventId,
    /// The new content.
    pub new_content: Value,
    /// Whom the edit itself mentions, which makes phones ring.
    pub mentions: Vec<String>,
    /// Whether it was encrypted.
    pub encrypted: bool,
    /// The server's time of it.
    pub sent_ms: u64,
    /// The seeing client's time of it.
    pub seen_ms: u64,
}

/// A message with everything that happened to it since.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its event.
    pub id: EventId,
    /// Who sent it.
    pub sender: String,
    /// The event type: `m.room.message` mostly.
    pub kind: String,
    /// The content as first sent.
    pub content: Value,
    /// The event it replies to.
    pub reply_to: Option<EventId>,
    /// Its edits, oldest first.
    pub edits: Vec<Edit>,
    /// Reactions: who, what.
    pub reactions: Vec<(String, String)>,
    /// Whether it was redacted.
    pub redacted: bool,
    /// Whether it was encrypted.
    pub encrypted: bool,
    /// Whether it cannot be decrypted.
    pub undecryptable: bool,
    /// Whether it was decrypted only after its key came late.
    pub late: bool,
    /// Whether it was there before the seeing client was.
    pub old: bool,
    /// The device it was encrypted by.
    pub device: Option<String>,
    /// Whether that device is cross-signed by its owner.
    pub device_signed: bool,
    /// The server's time of it.
    pub sent_ms: u64,
    /// The seeing client's time of it.
    pub seen_ms: u64,
}

impl Message {
    /// What it says now, in plain text: the last edit counts.
    pub fn text(&self) -> &str {
        self.now()["body"].as_str().unwrap_or_default()
    }

    /// What it says now, in HTML.
    pub fn html(&self) -> &str {
        self.now()["formatted_body"].as_str().unwrap_or_default()
    }

    /// The current content: that of the last edit.
    pub fn now(&self) -> &Value {
        self.edits.last().map_or(&self.content, |edit| &edit.new_content)
    }

    /// Everything it ever said, oldest first.
    pub fn history(&self) -> Vec<&str> {
        let edits = self.edits.iter().map(|edit| &edit.new_content);
        std::iter::once(&self.content)
            .chain(edits)
            .map(|content| content["body"].as_str().unwrap_or_default())
            .collect()
    }

    /// `m.text`, `m.notice`, `m.file`…
    pub fn msgtype(&self) -> &str {
        self.content["msgtype"].as_str().unwrap_or_default()
    }

    /// Whom it mentions.
    pub fn mentions(&self) -> Vec<&str> {
        self.content["m.mentions"]["user_ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Whether it carries a file.
    pub fn is_file(&self) -> bool {
        self.content["file"].is_object() || self.content["url"].is_string()
    }

    fn first(event: Event) -> Self {
        let reply_to = event.relation["m.in_reply_to"]["event_id"].as_str().map(|id| EventId(id.to_owned()));
        Self {
            id: event.event_id,
            sender: event.sender,
            kind: event.kind,
            reply_to,
            redacted: event.content.as_object().is_some_and(serde_json::Map::is_empty) && !event.undecryptable,
            content: event.content,
            edits: Vec::new(),
            reactions: Vec::new(),
            encrypted: event.encrypted,
            undecryptable: event.undecryptable,
            late: event.late,
            old: event.old,
            device: event.device,
            device_signed: event.device_signed.unwrap_or(false),
            sent_ms: event.sent_ms,
            seen_ms: event.seen_ms,
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lock = if self.undecryptable {
            "🔒?"
        } else if self.encrypted {
            "🔒"
        } else {
            "  "
        };
        write!(f, "{lock} {} ", self.sender)?;
        match self.msgtype() {
            "m.text" | "" => {}
            other => write!(f, "({other}) ")?,
        }
        if let Some(reply_to) = &self.reply_to {
            write!(f, "(reply to {reply_to}) ")?;
        }
        write!(f, "[{}]", self.id)?;
        if self.redacted {
            write!(f, " (redacted)")?;
        }
        for said in self.history() {
            write!(f, "\n      │ {}", said.replace('\n', "\n      │ "))?;
            f.write_str(if std::ptr::eq(said, self.text()) { "" } else { "\n      ╰ then edited:" })?;
        }
        for (who, what) in &self.reactions {
            write!(f, "\n      {what} by {who}")?;
        }
        Ok(())
    }
}

/// Folds the events of one room into messages, in the order in which they arrived.
pub(crate) fn fold(events: impl IntoIterator<Item = Event>) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    for event in events {
        if event.state_key.is_some() || event.kind.starts_with("m.key.verification.") {
            continue;
        }
        let target = event.relation["event_id"].as_str().map(|id| EventId(id.to_owned()));
        match (event.relation["rel_type"].as_str(), event.kind.as_str()) {
            (Some("m.replace"), _) => {
                let original = messages.iter_mut().find(|message| Some(&message.id) == target.as_ref());
                let Some(message) = original.filter(|message| message.sender == event.sender) else { continue };
                let edit = Edit {
                    new_content: event.content["m.new_content"].clone(),
                    mentions: event.content["m.mentions"]["user_ids"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(|user| user.as_str().map(str::to_owned))
                        .collect(),
                    id: event.event_id,
                    encrypted: event.encrypted,
                    sent_ms: event.sent_ms,
                    seen_ms: event.seen_ms,
                };
                // An edit whose key comes late is told twice: first as something nobody can read.
                match message.edits.iter_mut().find(|known| known.id == edit.id) {
                    Some(known) => *known = edit,
                    None => message.edits.push(edit),
                }
            }
            (Some("m.annotation"), _) => {
                let what = event.relation["key"].as_str().unwrap_or_default().to_owned();
                if let Some(message) = messages.iter_mut().find(|message| Some(&message.id) == target.as_ref()) {
                    message.reactions.push((event.sender, what));
                }
            }
            (_, "m.room.redaction") => {
                let redacted = messages.iter_mut().find(|message| Some(&message.id.0) == event.redacts.as_ref());
                if let Some(message) = redacted {
                    message.redacted = true;
                }
            }
            (_, "m.reaction") => {}
            _ => match messages.iter_mut().find(|message| message.id == event.event_id) {
                Some(known) => {
                    let (edits, reactions) = (std::mem::take(&mut known.edits), std::mem::take(&mut known.reactions));
                    *known = Message { edits, reactions, ..Message::first(event) };
                }
                None => messages.push(Message::first(event)),
            },
        }
    }
    messages
}

/// What a test waits for in a message, with the words for when it does not come.
pub struct Expected {
    what: String,
    holds: Box<dyn Fn(&Message) -> bool>,
}

impl Expected {
    /// Whether the message is it.
    pub fn holds(&self, message: &Message) -> bool {
        (self.holds)(message)
    }

    /// This and that.
    pub fn and(self, other: Expected) -> Expected {
        Expected {
            what: format!("{} and {}", self.what, other.what),
            holds: Box::new(move |message| self.holds(message) && other.holds(message)),
        }
    }

    /// This or that.
    pub fn or(self, other: Expected) -> Expected {
        Expected {
            what: format!("{} or {}", self.what, other.what),
            holds: Box::new(move |message| self.holds(message) || other.holds(message)),
        }
    }

    /// Not this.
    pub fn negated(self) -> Expected {
        Expected { what: format!("not {}", self.what), holds: Box::new(move |message| !self.holds(message)) }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// A message for which `holds`; `what` completes "a message …".
pub fn where_(what: impl Into<String>, holds: impl Fn(&Message) -> bool + 'static) -> Expected {
    Expected { what: what.into(), holds: Box::new(holds) }
}

/// Any message.
pub fn anything() -> Expected {
    where_("with anything in it", |message| !message.undecryptable)
}

/// A message that now says this, in plain text.
pub fn containing(text: &str) -> Expected {
    let wanted = text.to_owned();
    where_(format!("containing {text:?}"), move |message| message.text().contains(&wanted))
}

/// A quiet message.
pub fn notice() -> Expected {
    where_("that is a notice", |message| message.msgtype() == "m.notice")
}

/// A message that makes this person's phone ring: `m.text` with a mention.
pub fn page(who: &dyn Speaker) -> Expected {
    let user = who.user().to_owned();
    where_(format!("that pages {user}"), move |message| {
        message.msgtype() == "m.text" && message.mentions().contains(&user.as_str())
    })
}

/// A reply to that event.
pub fn reply_to(event: &EventId) -> Expected {
    let event = event.clone();
    where_(format!("that replies to {event}"), move |message| message.reply_to.as_ref() == Some(&event))
}
