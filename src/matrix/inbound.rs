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
    /// A text of a person, or a reaction.
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
    let Ok(sent_at) = Timestamp::from_millisecond(outer.origin_server_ts) else { return Seen::Nothing };
    if outer.kind == "m.reaction" && outer.state_key.is_none() {
        let Some((target, emoji)) = annotated(outer.content) else { return Seen::Nothing };
        return Seen::Message(Inbound {
            event: id,
            room: view.room.clone(),
            sender,
            sent_at,
            body: emoji,
            reply_to: Some(target),
            reaction: true,
            mentions_bot: false,
            protection,
            arrival: view.arrival,
        });
    }
    if outer.kind != "m.room.message" || outer.state_key.is_some() {
        return Seen::Nothing;
    }
    // What was redacted has no msgtype any more and ends here.
    let Ok(message) = serde_json::from_value::<Message>(outer.content) else { return Seen::Nothing };
    if message.msgtype == "m.key.verification.request" {
        return Seen::Verification { sender, event: id };
    }
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
        reaction: false,
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

/// What a reaction is to, and its emoji. What was redacted has neither.
fn annotated(content: serde_json::Value) -> Option<(EventId, String)> {
    /// More is no emoji, and is kept for nobody.
    const LONGEST: usize = 64;
    #[derive(Deserialize)]
    struct Reaction {
        #[serde(rename = "m.relates_to")]
        relation: Annotation,
    }
    #[derive(Deserialize)]
    struct Annotation {
        rel_type: String,
        event_id: String,
        key: String,
    }
    let Annotation { rel_type, event_id, key } = serde_json::from_value::<Reaction>(content).ok()?.relation;
    let target = EventId::parse(&event_id).ok()?;
    (rel_type == "m.annotation" && key.len() <= LONGEST).then_some((target, key))
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn seen(encrypted: bool, change: impl FnOnce(&mut Value)) -> Seen {
        let mut event = json!({
            "event_id": "$1", "sender": "@alice:example.org", "type": "m.room.message", "origin_server_ts": 1000,
            "content": { "msgtype": "m.text", "body": "!status" },
        });
        change(&mut event);
        let raw = Raw::new(&event).unwrap().cast_unchecked();
        let (me, room) = (UserId::parse("@bot:example.org").unwrap(), RoomId::parse("!ops").unwrap());
        read(&TimelineEvent::from_plaintext(raw), View { me: &me, room: &room, encrypted, arrival: Arrival::Live })
    }

    fn message(change: impl FnOnce(&mut Value)) -> Inbound {
        match seen(false, change) {
            Seen::Message(message) => message,
            other @ (Seen::Locked(_) | Seen::Verification { .. } | Seen::Joined | Seen::Nothing) => {
                panic!("not a message: {other:?}")
            }
        }
    }

    #[test]
    fn a_text_is_a_message_and_most_else_is_nothing() {
        assert_eq!(message(|_| {}).body, "!status");
        assert_eq!(message(|_| {}).protection, Protection::PlainRoom);
        let in_the_clear = seen(true, |_| {});
        assert!(matches!(in_the_clear, Seen::Message(m) if m.protection == Protection::PlainInEncryptedRoom));

        let nothing: [fn(&mut Value); 10] = [
            |e| e["sender"] = json!("@bot:example.org"),
            |e| e["content"]["msgtype"] = json!("m.notice"),
            |e| e["content"]["msgtype"] = json!("m.emote"),
            |e| e["content"]["m.relates_to"] = json!({ "rel_type": "m.replace", "event_id": "$0" }),
            |e| e["content"] = json!({}),
            |e| e["content"]["body"] = json!(["!status"]),
            |e| e["content"]["m.mentions"] = json!("everybody"),
            |e| e["type"] = json!("m.reaction"),
            |e| e["state_key"] = json!(""),
            |e| e["sender"] = json!("alice"),
        ];
        for (number, change) in nothing.into_iter().enumerate() {
            assert!(matches!(seen(false, change), Seen::Nothing), "{number}");
        }
    }

    #[test]
    fn a_reaction_is_one_and_never_a_text() {
        let reaction = |encrypted: bool| {
            seen(encrypted, |e| {
                e["type"] = json!("m.reaction");
                e["content"] =
                    json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": "$alert", "key": "👍" } });
            })
        };
        for (encrypted, protection) in [(true, Protection::PlainInEncryptedRoom), (false, Protection::PlainRoom)] {
            let Seen::Message(message) = reaction(encrypted) else { panic!("it is read") };
            assert_eq!((message.reaction, message.body.as_str(), message.protection), (true, "👍", protection));
            assert_eq!(message.reply_to.unwrap().as_str(), "$alert");
        }
        assert!(!message(|_| {}).reaction);
        let strange: [fn(&mut Value); 4] = [
            |e| e["content"] = json!({}),
            |e| e["content"]["m.relates_to"] = json!({ "rel_type": "m.annotation", "event_id": "$1" }),
            |e| e["content"]["m.relates_to"] = json!({ "rel_type": "m.thread", "event_id": "$1", "key": "👍" }),
            |e| {
                e["content"]["m.relates_to"] =
                    json!({ "rel_type": "m.annotation", "event_id": "$1", "key": "x".repeat(65) })
            },
        ];
        for change in strange {
            let event = seen(false, |e| {
                e["type"] = json!("m.reaction");
                change(e);
            });
            assert!(matches!(event, Seen::Nothing));
        }
    }

    #[test]
    fn what_a_message_answers_is_found_and_the_quoted_text_is_not() {
        let reply = message(|e| {
            e["content"]["body"] = json!("> <@bot:example.org> bridge is down\n> really\n\nlogs 50");
            e["content"]["m.relates_to"] = json!({ "m.in_reply_to": { "event_id": "$alert" } });
        });
        assert_eq!((reply.body.as_str(), reply.reply_to.unwrap().as_str()), ("logs 50", "$alert"));

        let quote = message(|e| e["content"]["body"] = json!("> <@bot:example.org> a\n\nb"));
        assert_eq!(quote.body, "> <@bot:example.org> a\n\nb", "no reply, so the person's own words");

        let in_thread = message(|e| {
            e["content"]["m.relates_to"] = json!({
                "rel_type": "m.thread", "event_id": "$root", "is_falling_back": true,
                "m.in_reply_to": { "event_id": "$last" },
            });
        });
        assert_eq!(in_thread.reply_to.unwrap().as_str(), "$root", "the fallback names whatever came last");
        let reply_in_thread = message(|e| {
            e["content"]["m.relates_to"] = json!({
                "rel_type": "m.thread", "event_id": "$root", "m.in_reply_to": { "event_id": "$meant" },
            });
        });
        assert_eq!(reply_in_thread.reply_to.unwrap().as_str(), "$meant");
    }

    #[test]
    fn only_an_explicit_mention_of_the_full_id_counts() {
        assert!(message(|e| e["content"]["m.mentions"] = json!({ "user_ids": ["@bot:example.org"] })).mentions_bot);
        assert!(!message(|e| e["content"]["m.mentions"] = json!({ "user_ids": ["@bot:evil.org"] })).mentions_bot);
        assert!(!message(|e| e["content"]["m.mentions"] = json!({ "room": true })).mentions_bot);
        assert!(!message(|e| e["content"]["body"] = json!("@bot:example.org hello")).mentions_bot);
    }

    #[test]
    fn the_bot_notices_its_own_coming_and_not_its_new_name() {
        let member = |membership: &str, before: Option<&str>| {
            let (membership, before) = (json!(membership), json!(before));
            seen(false, |e| {
                e["type"] = json!("m.room.member");
                e["state_key"] = json!("@bot:example.org");
                e["sender"] = json!("@bot:example.org");
                e["content"] = json!({ "membership": membership });
                e["unsigned"] = json!({ "prev_content": { "membership": before } });
            })
        };
        assert!(matches!(member("join", None), Seen::Joined));
        assert!(matches!(member("join", Some("invite")), Seen::Joined));
        assert!(matches!(member("join", Some("join")), Seen::Nothing));
        assert!(matches!(member("leave", Some("join")), Seen::Nothing));
    }

    #[test]
    fn a_request_to_verify_is_told_by_room_and_by_device() {
        let in_room = seen(true, |e| e["content"]["msgtype"] = json!("m.key.verification.request"));
        assert!(matches!(in_room, Seen::Verification { event, .. } if event.as_str() == "$1"));
        let to_device = json!({
            "type": "m.key.verification.request", "sender": "@alice:example.org",
            "content": { "transaction_id": "t", "from_device": "D", "methods": [], "timestamp": 1 },
        });
        let (sender, flow) = requested(&Raw::new(&to_device).unwrap().cast_unchecked()).unwrap();
        assert_eq!((sender.as_str(), flow.as_str()), ("@alice:example.org", "t"));
    }
}
