//! [`Chat`] over Matrix: one attempt at one message, and a typed answer.
//!
//! Nothing here waits, repeats or remembers: the outbound queue does. The one
//! promise is that the same transaction makes one event, however often it is
//! tried, because its ID goes to the homeserver with each attempt.

mod pins;
mod replay_key;

use std::{io::Cursor, sync::Arc};

use futures_util::future::BoxFuture;
use matrix_sdk::{
    Client, Room, RoomState,
    ruma::{OwnedTransactionId, RoomId as SdkRoomId, serde::Raw},
};
use serde_json::{Value, json};
use tokio::sync::{RwLock, watch};

use self::replay_key::ReplayKey;
use super::{
    error::Failure,
    health::Notices,
    outbound::{self, Outgoing},
    people,
};
use crate::{
    domain::{
        inbound::{Inbound, Me},
        names::{EventId, RoomId},
    },
    ports::{Chat, ChatError, Content, Delivery},
};

/// The client of the present session, if there is one. The loop takes it away
/// (waiting for deliveries in progress) before it opens the store anew: two
/// clients on one store would use the same keys twice.
pub(super) type Link = Arc<RwLock<Option<Client>>>;

/// The bot's mouth. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MatrixChat {
    pub(super) link: Link,
    pub(super) me: watch::Receiver<Me>,
    pub(super) notices: Notices,
}

impl MatrixChat {
    /// Who the bot is. The display name is known after the first sync.
    pub fn me(&self) -> Me {
        self.me.borrow().clone()
    }

    /// Costs one request to the homeserver.
    async fn replay_key_of(&self, message: &Inbound) -> Result<ReplayKey, ChatError> {
        let link = self.link.read().await;
        let client = link.as_ref().ok_or_else(|| ChatError::Unavailable("not connected (yet)".to_owned()))?;
        let me = self.me().user;
        replay_key::of(client, &room(client, &message.room)?, &me, message).await
    }

    async fn attempt(&self, delivery: &Delivery) -> Result<EventId, ChatError> {
        let link = self.link.read().await;
        let client = link.as_ref().ok_or_else(|| ChatError::Unavailable("not connected (yet)".to_owned()))?;
        let room = room(client, &delivery.room)?;
        if let Content::Pin { target, instead_of } = &delivery.content {
            pins::pin(&room, target, instead_of.as_ref()).await?;
            return Ok(target.clone());
        }
        // Asked of the homeserver where it is not known; an error ends the
        // attempt, so that nothing goes out in the clear by mistake.
        let encrypted = room.latest_encryption_state().await.map_err(refusal)?.is_encrypted();
        let outgoing = match &delivery.content {
            Content::File { name, text, reply_to } => {
                let source = upload(client, encrypted, text).await?;
                Some(outbound::file(name, text.len(), reply_to.as_ref(), source))
            }
            content @ (Content::Message { .. }
            | Content::Edit { .. }
            | Content::Reaction { .. }
            | Content::Pin { .. }) => outbound::event(content),
        };
        let Some(Outgoing { kind, content }) = outgoing else {
            return Err(ChatError::Refused("nothing to send".to_owned()));
        };
        let transaction = OwnedTransactionId::from(delivery.transaction.as_str());
        let mut sent = room.send_raw(kind, content.clone()).with_transaction_id(&transaction).await;
        if let Err(error) = &sent
            && people::settle(client, error, &self.notices).await
        {
            sent = room.send_raw(kind, content).with_transaction_id(&transaction).await;
        }
        let sent = sent.map_err(refusal)?;
        EventId::parse(sent.response.event_id.as_str())
            .map_err(|error| ChatError::Unavailable(format!("the homeserver's answer: {error}")))
    }
}

impl Chat for MatrixChat {
    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<EventId, ChatError>> {
        Box::pin(self.attempt(delivery))
    }

    fn replay_key<'a>(&'a self, message: &'a Inbound) -> BoxFuture<'a, Result<Option<String>, ChatError>> {
        Box::pin(async move { Ok(Some(self.replay_key_of(message).await?.into_text())) })
    }
}

pub(super) fn room(client: &Client, id: &RoomId) -> Result<Room, ChatError> {
    let not_there = || ChatError::Refused(format!("the bot is not in the room {id}"));
    let sdk_id = SdkRoomId::parse(id.as_str()).map_err(|error| ChatError::Refused(error.to_string()))?;
    client.get_room(&sdk_id).filter(|room| room.state() == RoomState::Joined).ok_or_else(not_there)
}

/// Uploads a file's text, encrypted where the room is.
async fn upload(client: &Client, encrypted: bool, text: &str) -> Result<(&'static str, Value), ChatError> {
    if encrypted {
        let file = client.upload_encrypted_file(&mut Cursor::new(text.as_bytes())).await.map_err(refusal)?;
        let file = Raw::new(&file).map_err(|error| ChatError::Refused(error.to_string()))?;
        let file = serde_json::from_str(file.json().get()).map_err(|error| ChatError::Refused(error.to_string()))?;
        return Ok(("file", file));
    }
    let uploaded =
        client.media().upload(&mime::TEXT_PLAIN_UTF_8, text.as_bytes().to_vec(), None).await.map_err(refusal)?;
    Ok(("url", json!(uploaded.content_uri)))
}

pub(super) fn refusal(error: matrix_sdk::Error) -> ChatError {
    match Failure::from(&error) {
        Failure::RateLimited(pause) => ChatError::RateLimited(pause),
        Failure::Unavailable(why) | Failure::Local(why) => ChatError::Unavailable(why),
        Failure::SessionDead { .. } => ChatError::Unavailable("the session ended; logging in again".to_owned()),
        Failure::Refused(why) => ChatError::Refused(why),
    }
}
