//! What makes one encrypted message unlike every other, whoever sends it again.
//!
//! Encryption alone does not tell a message from its copy: whoever may write
//! in a person's name (their homeserver, or a thief with their password at a
//! device nobody signed) can send an old ciphertext once more, and it decrypts
//! as well as the first time, under a new event ID. The SDK does not look for
//! that (seen with 0.18). What cannot be copied is a message's place in its
//! Megolm session, which the sender's client counts up and signs. So before
//! something is changed on a cluster, the event is fetched and that place read:
//! one place, one command.
//!
//! The ciphertext is fetched because the SDK does not keep it. A homeserver
//! that answers with another one gains nothing: it has to be a message of the
//! same person with the same text that was never acted on.

use futures_util::FutureExt;
use matrix_sdk::{
    Client, Room,
    deserialized_responses::{TimelineEvent, TimelineEventKind},
    ruma::{
        EventId as SdkEventId, api::client::room::get_room_event,
        events::room::encrypted::OriginalSyncRoomEncryptedEvent, serde::Raw,
    },
};
use matrix_sdk_base::crypto::vodozemac::megolm::MegolmMessage;
use serde::Deserialize;

use crate::matrix::{
    chat::refusal,
    inbound::{self, Seen, View},
};
use crate::{
    domain::{inbound::Inbound, names::UserId},
    ports::ChatError,
};

/// A message's place: its Megolm session and its number there. The same for a
/// message and all its copies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ReplayKey(String);

impl ReplayKey {
    /// As text, to be kept.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

#[derive(Deserialize)]
struct Encrypted {
    sender: String,
    content: Ciphertext,
}

#[derive(Deserialize)]
struct Ciphertext {
    session_id: String,
    ciphertext: String,
}

/// Reads the replay key of a message that was handed to the inbox as encrypted.
pub(super) async fn of(client: &Client, room: &Room, me: &UserId, message: &Inbound) -> Result<ReplayKey, ChatError> {
    let unlike = || ChatError::Refused("the homeserver shows another message than it had delivered".to_owned());
    let event = SdkEventId::parse(message.event.as_str()).map_err(|error| ChatError::Refused(error.to_string()))?;
    let request = get_room_event::v3::Request::new(room.room_id().to_owned(), event);
    let raw = client.send(request).await.map_err(|error| refusal(error.into()))?.event;
    let encrypted: Encrypted = raw.deserialize_as_unchecked().map_err(|_| unlike())?;
    let raw: Raw<OriginalSyncRoomEncryptedEvent> = raw.cast_unchecked();
    let opened = room.decrypt_event(&raw, None).boxed().await.map_err(refusal)?;

    let says_the_same = match inbound::read(&opened, view(me, message)) {
        Seen::Message(shown) => shown.body == message.body && shown.event == message.event,
        Seen::Locked(_) | Seen::Verification { .. } | Seen::Joined | Seen::Nothing => false,
    };
    if !says_the_same || encrypted.sender != message.sender.as_str() || !is_decrypted(&opened) {
        return Err(unlike());
    }
    let number = MegolmMessage::from_base64(&encrypted.content.ciphertext).map_err(|_| unlike())?.message_index();
    Ok(ReplayKey(format!("{}/{number}", encrypted.content.session_id)))
}

fn view<'a>(me: &'a UserId, message: &'a Inbound) -> View<'a> {
    View { me, room: &message.room, encrypted: true, arrival: message.arrival }
}

fn is_decrypted(event: &TimelineEvent) -> bool {
    matches!(event.kind, TimelineEventKind::Decrypted(_))
}
