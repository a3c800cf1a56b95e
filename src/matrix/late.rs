//! The digest's dealings with messages that cannot be read yet: parked,
//! tried again when some news may open them, spoken about when nothing did.

use matrix_sdk::{
    Room,
    deserialized_responses::TimelineEvent,
    ruma::{RoomId as SdkRoomId, events::room::encrypted::OriginalSyncRoomEncryptedEvent, serde::Raw},
};
use serde_json::value::RawValue;
use tracing::{debug, info, warn};

use super::{
    digest::{Digest, is_encrypted},
    error::Error,
    inbound::{self, Locked, Seen, View},
    notice::Notice,
    parked::{News, Waiting},
};
use crate::domain::{inbound::Arrival, names::RoomId};

impl Digest {
    pub(super) async fn park(&mut self, room: &RoomId, locked: Locked) -> Result<(), Error> {
        let (event, sender) = (locked.event.clone(), locked.sender.clone());
        let (now, pushed_out) = self.parked.add(room, locked);
        if let Some(why) = now {
            warn!(%room, %event, %sender, ?why, "a message cannot be read");
            self.notices.say(Notice::Unreadable { room: room.clone(), event, sender, why });
        }
        if let Some(event) = pushed_out {
            warn!(%event, "too many messages wait for keys; the oldest is given up");
            self.inbox.unpark(&event).await?;
        }
        Ok(())
    }

    /// Tries the parked events that some news may have opened.
    pub(super) async fn try_again(&mut self, news: News<'_>) -> Result<(), Error> {
        for waiting in self.parked.take(news) {
            self.try_one(waiting).await?;
        }
        Ok(())
    }

    async fn try_one(&mut self, waiting: Waiting) -> Result<(), Error> {
        if waiting.expired(jiff::Timestamp::now()) {
            info!(event = %waiting.event, "its key never came; given up");
            return Ok(self.inbox.unpark(&waiting.event).await?);
        }
        let Some((room, event)) = self.decrypt(&waiting).await else {
            let why = waiting.why();
            self.parked.keep(waiting, why);
            return Ok(());
        };
        let encrypted = is_encrypted(&room).await;
        let view = View { me: &self.me, room: &waiting.room, encrypted, arrival: Arrival::LateKey };
        match inbound::read(&event, view) {
            Seen::Message(message) if self.served.is_operator(&message.sender) => {
                info!(event = %waiting.event, "read after its key came late");
                self.accept(&waiting.room, vec![message], None).await
            }
            Seen::Locked(locked) => {
                self.parked.keep(waiting, locked.why);
                Ok(())
            }
            Seen::Message(_) | Seen::Verification { .. } | Seen::Joined | Seen::Nothing => {
                Ok(self.inbox.unpark(&waiting.event).await?)
            }
        }
    }

    async fn decrypt(&self, waiting: &Waiting) -> Option<(Room, TimelineEvent)> {
        let room = self.client.get_room(&SdkRoomId::parse(waiting.room.as_str()).ok()?)?;
        let raw = RawValue::from_string(waiting.raw.clone()).ok()?;
        let raw: Raw<OriginalSyncRoomEncryptedEvent> = Raw::from_json(raw);
        match Box::pin(room.decrypt_event(&raw, None)).await {
            Ok(event) => Some((room, event)),
            Err(error) => {
                debug!(event = %waiting.event, %error, "not decrypted");
                None
            }
        }
    }

    /// Says of the events that did not open in time. They are tried once more
    /// before: a key that came from a backup is not always announced.
    pub(super) async fn speak_of_overdue(&mut self) -> Result<(), Error> {
        if !self.parked.is_due() {
            return Ok(());
        }
        self.try_again(News::Anything).await?;
        for (room, event, sender, why) in self.parked.overdue() {
            warn!(%room, %event, %sender, ?why, "a message cannot be read");
            self.notices.say(Notice::Unreadable { room, event, sender, why });
        }
        Ok(())
    }
}
