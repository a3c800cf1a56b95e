//! Delivers what the queue says, and notes what became of it.

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::outbound_queue::{Next, OutboundQueue};
use crate::{
    domain::outgoing::Outgoing,
    ports::{Chat, ChatError, Delivered, Ledger, LedgerError},
};

/// How long last words may take when everything ends: well below the grace that
/// all of it has. A homeserver that is busy takes some seconds for each.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Runs until told to stop, and then for a moment more, for what was said until
/// then. What is durable and was not delivered is in the ledger.
pub async fn run(
    chat: Arc<dyn Chat>,
    ledger: Arc<dyn Ledger>,
    mut queue: OutboundQueue,
    mut incoming: mpsc::Receiver<Outgoing>,
    stop: CancellationToken,
) -> Result<(), LedgerError> {
    deliver(&*chat, &*ledger, &mut queue, &mut incoming, &stop).await?;
    if !stop.is_cancelled() {
        return Ok(());
    }
    queue.hurry();
    // Closed, it is read to its end and then waited for no longer.
    incoming.close();
    let never = CancellationToken::new();
    let last_words = deliver(&*chat, &*ledger, &mut queue, &mut incoming, &never);
    tokio::time::timeout(LAST_WORDS, last_words).await.unwrap_or(Ok(()))
}

async fn deliver(
    chat: &dyn Chat,
    ledger: &dyn Ledger,
    queue: &mut OutboundQueue,
    incoming: &mut mpsc::Receiver<Outgoing>,
    stop: &CancellationToken,
) -> Result<(), LedgerError> {
    loop {
        while let Ok(outgoing) = incoming.try_recv() {
            queue.push(outgoing);
        }
        for target in queue.unknown_targets() {
            match ledger.event_of(&target).await? {
                Some(event) => queue.learn(target, event),
                None => queue.forget_target(&target),
            }
        }
        for event in queue.unknown_askers() {
            let sender = ledger.sender_of(&event).await?;
            queue.learn_asker(event, sender);
        }
        for key in queue.take_superseded() {
            ledger.delivered(&key, Delivered::Dropped("superseded".to_owned())).await?;
        }
        let wake = match queue.next(Instant::now()) {
            Next::Send(key, delivery) => {
                let attempt = tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    attempt = chat.deliver(&delivery) => attempt,
                };
                match attempt {
                    Ok(event) => {
                        queue.delivered(&key, event.clone(), Instant::now());
                        ledger.delivered(&key, Delivered::As(event)).await?;
                    }
                    Err(error) => {
                        match &error {
                            ChatError::RateLimited(_) => tracing::debug!(%key, "{error}"),
                            ChatError::Unavailable(_) | ChatError::Refused(_) => tracing::warn!(%key, "{error}"),
                        }
                        if let Some(why) = queue.failed(&key, &error, Instant::now()) {
                            ledger.delivered(&key, Delivered::Dropped(why)).await?;
                        }
                    }
                }
                continue;
            }
            Next::Wait(at) => Some(at),
            Next::Idle => None,
        };
        let until_wake = async {
            match wake {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            outgoing = incoming.recv() => match outgoing {
                Some(outgoing) => queue.push(outgoing),
                // Nobody can say anything any more; what waits is tried on.
                None if wake.is_none() => return Ok(()),
                None => tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep(Duration::from_millis(50)) => {}
                },
            },
            () = until_wake => {}
        }
    }
}
