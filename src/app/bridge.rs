//! What the Matrix side learns, told to the engine and to the health file:
//! adapters know neither.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, SystemTime},
};

use anyhow::Context;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    domain::{names::RoomId, room::RoomAddress},
    engine::event::Event,
    health::HealthFile,
    lifecycle::TaskResult,
    matrix::{MatrixChat, Notice},
};

/// Tells the engine what it is called and in which rooms it can speak.
pub(super) async fn rooms(
    mut rooms: watch::Receiver<BTreeMap<RoomAddress, RoomId>>,
    chat: MatrixChat,
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
) -> TaskResult {
    let mut told = BTreeSet::new();
    while !stop.is_cancelled() {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            changed = rooms.changed() => changed.context("the Matrix side has ended")?,
        }
        let known: Vec<RoomId> = rooms.borrow_and_update().values().cloned().collect();
        events.send(Event::Named(chat.me())).await?;
        for room in known {
            if told.insert(room.clone()) {
                events.send(Event::RoomReady(room)).await?;
            }
        }
        info!("ready: in {} of the configured rooms", told.len());
    }
    Ok(())
}

/// Tells the engine in which rooms the bot may pin a dashboard. One that does
/// not allow it may do so later.
pub(super) async fn pins(
    mut rooms: watch::Receiver<BTreeMap<RoomAddress, RoomId>>,
    chat: MatrixChat,
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
) -> TaskResult {
    /// What is looked at is in memory; somebody who has just raised the bot's
    /// power waits for what comes of it.
    const EVERY: Duration = Duration::from_secs(10);
    let (mut may, mut may_not) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let known: Vec<RoomId> = rooms.borrow_and_update().values().cloned().collect();
        for room in known.into_iter().filter(|room| !may.contains(room)).collect::<Vec<_>>() {
            match chat.may_pin(&room).await {
                Some(true) => {
                    may.insert(room.clone());
                    events.send(Event::MayPin(room)).await?;
                }
                Some(false) if may_not.insert(room.clone()) => {
                    info!(%room, "no dashboard: the bot may not pin messages there; give it the power to");
                }
                Some(false) | None => {}
            }
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            changed = rooms.changed() => changed.context("the Matrix side has ended")?,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Hands on what the Matrix side has to say about itself.
pub(super) async fn notices(
    mut notices: mpsc::Receiver<Notice>,
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
) -> TaskResult {
    loop {
        let notice = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            notice = notices.recv() => notice.context("the Matrix side has ended")?,
        };
        match notice {
            Notice::Unreadable { room, event, sender, why } => {
                warn!(%room, %event, %sender, ?why, "a message that cannot be read");
                events.send(Event::Unreadable { room, event, why }).await?;
            }
            Notice::ConnectionLost { cause } => warn!("the homeserver is out of reach: {cause}"),
            Notice::ConnectionRestored { after } => info!("the homeserver is back after {after:.1?}"),
            Notice::IdentityChanged { user } => warn!(%user, "an operator has new cross-signing keys"),
            Notice::DeviceReplaced { device } => warn!(%device, "the bot has a new device"),
            Notice::HistoryTooLong { room, read } => {
                warn!(%room, read, "more was said while the bot was away than is read back");
            }
        }
    }
}

/// Writes the time of the last good sync where the health check looks for it.
pub(super) async fn health(
    mut last_good: watch::Receiver<Option<std::time::Instant>>,
    file: HealthFile,
    stop: CancellationToken,
) -> TaskResult {
    /// Exact enough, and a busy room need not wear the disk.
    const EVERY: Duration = Duration::from_secs(5);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            changed = last_good.changed() => changed.context("the Matrix side has ended")?,
        }
        let Some(at) = *last_good.borrow_and_update() else { continue };
        let (file, at) = (file.clone(), SystemTime::now() - at.elapsed());
        tokio::task::spawn_blocking(move || file.write(at)).await??;
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
