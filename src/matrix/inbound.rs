//! What one event of a room's timeline is to the bot. Pure: no client, no
//! network, no clock.
//!
//! Only the few fields that are needed are parsed. A field of a shape nobody
//! expects makes an event nothing, never an error: others write these.

use jiff::Timestamp;
use matrix_sdk::deserialized_responses::{
    DeviceLinkProblem, TimelineEvent, TimelineEventKind, UnableToDecryptReason, VerificationLevel,
};
use matrix_sdk::ruma::{
    events::{AnyToDeviceEvent, room::message::sanitize::remove_plain_reply_fallback},
    serde::Raw,
};
use serde::Deserialize;

use super::notice::Unreadable;
use crate::domain::{
    inbound::{Arrival, Inbound, Protection},
    names::{EventId, RoomId, UserId},
};

/// What an event is to the bot.
#[derive(Debug)]
pub(super) enum Seen {
    /// A text of a person.
    Message(Inbound),
    /// Something that cannot be read, at least now.
    Locked(Locked),
    /// Somebody asks to verify the bot.
    Verification { sender: UserId, event: EventId },
    /// The bot itself came into the room.
    Joined,
    /// Nothing to act on.
    Nothing,
}

/// An event that could not be decrypted.
#[derive(Debug)]
pub(super) struct Locked {
    pub(super) event: EventId,
    pub(super) sender: UserId,
    pub(super) session: Option<String>,
    pub(super) raw: String,
    pub(super) why: Unreadable,
}

/// From where an event is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) me: &'a UserId,
    pub(super) room: &'a RoomId,
    pub(super) encrypted: bool,
    pub(super) arrival: Arrival,
}

#[derive(Deserialize)]
struct Outer {
    event_id: String,
    sender: String,
    #[serde(rename = "type")]
    kind: String,
    origin_server_ts: i64,
    state_key: Option<String>,
    #[serde(default)]
    content: serde_json::Value,
}

#[derive(Deserialize)]
struct Message {
    msgtype: String,
    body: String,
    #[serde(rename = "m.relates_to")]
    relation: Option<Relation>,
    #[serde(rename = "m.mentions", default)]
    mentions: Mentions,
}

#[derive(Deserialize)]
struct Relation {
    rel_type: Option<String>,
    event_id: Option<String>,
    #[serde(rename = "m.in_reply_to")]
    in_reply_to: Option<InReplyTo>,
    #[serde(default)]
    is_falling_back: bool,
}

#[derive(Deserialize)]
struct InReplyTo {
    event_id: String,
}

#[derive(Deserialize, Default)]
struct Mentions {
    #[serde(default)]
    user_ids: Vec<String>,
}

/// Reads one event.
pub(super) fn read(event: &TimelineEvent, view: View<'_>) -> Seen {
    let Ok(outer) = event.raw().deserialize_as_unchecked::<Outer>() else { return Seen::Nothing };
    let (Ok(id), Ok(sender)) = (EventId::parse(&outer.event_id), UserId::parse(&outer.sender)) else {
        return Seen::Nothing;
    };
    if outer.kind == "m.room.member" && outer.state_key.as_deref() == Some(view.me.as_str()) {
        let joined = outer.content.get("membership").is_some_and(|m| m == "join");
        return if joined && !was_joined(event) { Seen::Joined } else { Seen::Nothing };
    }
    if sender == *view.me {
        return Seen::Nothing;
    }
    let protection = match &event.kind {
        TimelineEventKind::Decrypted(_) => Protection::Encrypted,
        TimelineEventKind::PlainText { .. } if view.encrypted => Protection::PlainInEncryptedRoom,
        TimelineEventKind::PlainText { .. } => Protection::PlainRoom,
        TimelineEventKind::UnableToDecrypt { event: raw, utd_info } => {
            return Seen::Locked(Locked {
                event: id,
                sender,
                session: utd_info.session_id.clone(),
                raw: raw.json().get().to_owned(),
                why: why(&utd_info.reason),
            });
        }
    };
    if outer.kind != "m.room.message" || outer.state_key.is_some() {
        return Seen::Nothing;
    }
    // What was redacted has no msgtype any more and ends here.
    let Ok(message) = serde_json::from_value::<Message>(outer.content) else { return Seen::Nothing };
    if message.msgtype == "m.key.verification.request" {
        return Seen::Verification { sender, event: id };
    }
    let Ok(sent_at) = Timestamp::from_millisecond(outer.origin_server_ts) else { return Seen::Nothing };
    let relation = message.relation.as_ref();
    if message.msgtype != "m.text" || relation.is_some_and(|r| r.rel_type.as_deref() == Some("m.replace")) {
        return Seen::Nothing;
    }
    let reply_to = relation.and_then(answered);
    let body = match reply_to {
        Some(_) => remove_plain_reply_fallback(&message.body).to_owned(),
        None => message.body,
    };
    Seen::Message(Inbound {
        event: id,
        room: view.room.clone(),
        sender,
        sent_at,
        body,
        reply_to,
        mentions_bot: message.mentions.user_ids.iter().any(|user| user == view.me.as_str()),
        protection,
        arrival: view.arrival,
    })
}

/// A to-device verification request: by whom, and its transaction.
pub(super) fn requested(event: &Raw<AnyToDeviceEvent>) -> Option<(UserId, String)> {
    #[derive(Deserialize)]
    struct Request {
        #[serde(rename = "type")]
        kind: String,
        sender: String,
        content: Content,
    }
    #[derive(Deserialize)]
    struct Content {
        transaction_id: String,
    }
    let request = event.deserialize_as_unchecked::<Request>().ok()?;
    (request.kind == "m.key.verification.request")
        .then(|| UserId::parse(&request.sender).ok())
        .flatten()
        .map(|sender| (sender, request.content.transaction_id))
}

/// What a message answers. In a thread that is the message it hangs on: the
/// reply a thread message carries is for clients without threads, and names
/// whatever was said last.
fn answered(relation: &Relation) -> Option<EventId> {
    let reply = relation.in_reply_to.as_ref().map(|reply| reply.event_id.as_str());
    let target = match relation.rel_type.as_deref() {
        Some("m.thread") if relation.is_falling_back || reply.is_none() => relation.event_id.as_deref(),
        Some(_) | None => reply,
    };
    target.and_then(|id| EventId::parse(id).ok())
}

/// Whether a membership event of the bot changes only its name or picture.
fn was_joined(event: &TimelineEvent) -> bool {
    #[derive(Deserialize, Default)]
    struct Content {
        membership: Option<String>,
    }
    #[derive(Deserialize, Default)]
    struct Unsigned {
        prev_content: Option<Content>,
    }
    #[derive(Deserialize)]
    struct Member {
        #[serde(default)]
        unsigned: Unsigned,
    }
    event
        .raw()
        .deserialize_as_unchecked::<Member>()
        .ok()
        .and_then(|member| member.unsigned.prev_content)
        .and_then(|before| before.membership)
        .is_some_and(|membership| membership == "join")
}

/// The SDK's reason in our words.
fn why(reason: &UnableToDecryptReason) -> Unreadable {
    match reason {
        UnableToDecryptReason::SenderIdentityNotTrusted(level) => match level {
            VerificationLevel::UnsignedDevice | VerificationLevel::UnverifiedIdentity => Unreadable::UnsignedDevice,
            VerificationLevel::VerificationViolation => Unreadable::IdentityChanged,
            VerificationLevel::None(DeviceLinkProblem::MissingDevice | DeviceLinkProblem::InsecureSource) => {
                Unreadable::UnknownDevice
            }
            VerificationLevel::MismatchedSender => Unreadable::WrongSender,
        },
        UnableToDecryptReason::MissingMegolmSession { withheld_code: Some(_) } => Unreadable::KeyWithheld,
        UnableToDecryptReason::MissingMegolmSession { withheld_code: None }
        | UnableToDecryptReason::UnknownMegolmMessageIndex => Unreadable::KeyMissing,
        UnableToDecryptReason::MismatchedIdentityKeys => Unreadable::WrongSender,
        UnableToDecryptReason::Unknown
        | UnableToDecryptReason::MalformedEncryptedEvent
        | UnableToDecryptReason::MegolmDecryptionFailure
        | UnableToDecryptReason::PayloadDeserializationFailure => Unreadable::Damaged,
    }
}
