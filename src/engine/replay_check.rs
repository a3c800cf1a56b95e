//! Whether a command is new, or a copy of one that was given before.
//!
//! Whoever may write in a person's name can send an old ciphertext again, under
//! a new event. Only a message's place in its encrypted session tells
//! it from its copies. Messages are looked at one after the other: what
//! was said first is done first.

use std::{sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::event::{Answer, Event, Replay, Ticket};
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
        let replay = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            replay = look(&*chat, &*ledger, &message) => replay?,
        };
        // Nobody to tell means that everything is ending.
        let _ = events.send(Event::Answer { ticket, answer: Answer::Replay(replay) }).await;
    }
}

async fn look(chat: &dyn Chat, ledger: &dyn Ledger, message: &Inbound) -> Result<Replay, LedgerError> {
    let pauses = ExponentialBuilder::default().with_min_delay(Duration::from_millis(200)).without_max_times();
    let ask = (|| chat.replay_key(message)).retry(pauses).when(|error| match error {
        ChatError::Unavailable(_) | ChatError::RateLimited(_) => true,
        ChatError::Refused(_) => false,
    });
    match tokio::time::timeout(PATIENCE, ask).await {
        Ok(Ok(None)) => Ok(Replay::New),
        Ok(Ok(Some(key))) => {
            let first = ledger.claim_replay_key(&key, &message.event).await?;
            Ok(if first { Replay::New } else { Replay::Duplicate })
        }
        Ok(Err(error)) => Ok(Replay::Unclear(error.to_string())),
        Err(_) => Ok(Replay::Unclear(format!("the homeserver did not show it within {} s", PATIENCE.as_secs()))),
    }
}
