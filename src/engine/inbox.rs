//! The inbox over the ledger: written first, then handled.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use super::event::Event;
use crate::{
    domain::names::{EventId, RoomId},
    ports::{Arrived, Inbox, InboxError, Ledger, LedgerError, Parked},
};

/// See the module.
pub struct LedgerInbox {
    ledger: Arc<dyn Ledger>,
    events: mpsc::Sender<Event>,
}

impl LedgerInbox {
    /// An inbox that hands on what is new to it.
    pub fn new(ledger: Arc<dyn Ledger>, events: mpsc::Sender<Event>) -> Self {
        Self { ledger, events }
    }
}

impl Inbox for LedgerInbox {
    fn accept(&self, arrived: Arrived) -> BoxFuture<'_, Result<(), InboxError>> {
        Box::pin(async move {
            for message in self.ledger.accept(arrived).await? {
                // Ending: it is in the ledger and will be handled next time.
                let _ = self.events.send(Event::Message(message)).await;
            }
            Ok(())
        })
    }

    fn position<'a>(&'a self, room: &'a RoomId) -> BoxFuture<'a, Result<Option<EventId>, InboxError>> {
        Box::pin(async move { Ok(self.ledger.position(room).await?) })
    }

    fn park<'a>(&'a self, room: &'a RoomId, event: &'a EventId, raw: String) -> BoxFuture<'a, Result<(), InboxError>> {
        let parked = Parked { room: room.clone(), event: event.clone(), raw };
        Box::pin(async move { Ok(self.ledger.park(parked).await?) })
    }

    fn parked(&self) -> BoxFuture<'_, Result<Vec<Parked>, InboxError>> {
        Box::pin(async move { Ok(self.ledger.parked().await?) })
    }

    fn unpark<'a>(&'a self, event: &'a EventId) -> BoxFuture<'a, Result<(), InboxError>> {
        Box::pin(async move { Ok(self.ledger.unpark(event).await?) })
    }
}

impl From<LedgerError> for InboxError {
    fn from(error: LedgerError) -> Self {
        Self(error.0)
    }
}
