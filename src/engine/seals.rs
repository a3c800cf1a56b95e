//! Whether a command is new, or a copy of one that was given before.
//!
//! Whoever may write in a person's name can send an old ciphertext again, under
//! a new event. Only a message's seal (its place in its encrypted session)
//! tells it from its copies. Messages are looked at one after the other: what
//! was said first is done first.

use std::{sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::event::{Event, Sealed, Ticket};
use crate::{
    domain::inbound::Inbound,
    ports::{Chat, ChatError, Ledger, LedgerError},
};

/// How long the homeserver may take to show the message again.
const PATIENCE: Duration = Duration::from_secs(20);
/// Messages that may wait to be looked at.
pub const WAITING: usize = 64;

/// Looks at messages until told to stop.
pub async fn run(
    chat: Arc<dyn Chat>,
    ledger: Arc<dyn Ledger>,
    mut messages: mpsc::Receiver<(Inbound, Ticket)>,
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
) -> Result<(), LedgerError> {
    loop {
        let (message, ticket) = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            message = messages.recv() => match message { Some(message) => message, None => return Ok(()) },
        };
        let sealed = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            sealed = look(&*chat, &*ledger, &message) => sealed?,
        };
        // Nobody to tell means that everything is ending.
        let _ = events.send(Event::Sealed { ticket, sealed }).await;
    }
}

async fn look(chat: &dyn Chat, ledger: &dyn Ledger, message: &Inbound) -> Result<Sealed, LedgerError> {
    let pauses = ExponentialBuilder::default().with_min_delay(Duration::from_millis(200)).without_max_times();
    let ask = (|| chat.seal(message)).retry(pauses).when(|error| match error {
        ChatError::Unavailable(_) | ChatError::RateLimited(_) => true,
        ChatError::Refused(_) => false,
    });
    match tokio::time::timeout(PATIENCE, ask).await {
        Ok(Ok(None)) => Ok(Sealed::First),
        Ok(Ok(Some(seal))) => {
            let first = ledger.claim_seal(&seal, &message.event).await?;
            Ok(if first { Sealed::First } else { Sealed::Copy })
        }
        Ok(Err(error)) => Ok(Sealed::Unclear(error.to_string())),
        Err(_) => Ok(Sealed::Unclear(format!("the homeserver did not show it within {} s", PATIENCE.as_secs()))),
    }
}
