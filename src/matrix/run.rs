//! One session after the other: restored, prepared, synced, and healed when
//! the homeserver drops it.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::BoxFuture};
use matrix_sdk::{
    Client,
    ruma::{DeviceId, UserId as SdkUserId},
    sync::SyncResponse,
};
use tokio::{
    sync::{mpsc, watch},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    chat::Link,
    device::Standing,
    digest::Digest,
    error::Error,
    heal,
    health::{Health, Notices},
    identity,
    notice::Notice,
    people,
    reconnect::{Ended, Opened, first_sync, open, standing},
    rooms::Served,
    session::SessionHome,
    settings::Settings,
    sync::{self, End},
};
use crate::{
    domain::{inbound::Me, names::RoomId, room::RoomAddress},
    ports::Inbox,
    state_dir::StateDir,
};

/// Batches between the long-poll and the digest. Few: what waits here is in
/// memory only, and the sync is to notice when nobody keeps up.
const BATCHES: usize = 8;

/// What the digest may take to finish with what it was given when the sync has
/// ended. What it does not finish is read again at the next start.
const DRAIN: Duration = Duration::from_secs(5);

/// A session that lived so long was healthy; one that dies sooner is not taken
/// up again without a pause.
const HEALTHY: Duration = Duration::from_secs(10 * 60);

/// The Matrix side's life. [`run`](Self::run) is to be driven for as long as
/// the bot lives.
pub struct MatrixLoop {
    pub(super) settings: Settings,
    pub(super) home: SessionHome,
    pub(super) inbox: Arc<dyn Inbox>,
    pub(super) link: Link,
    pub(super) me: watch::Sender<Me>,
    pub(super) rooms: watch::Sender<BTreeMap<RoomAddress, RoomId>>,
    pub(super) notices: Notices,
    pub(super) health: Health,
    /// The first session's client, opened by `connect`.
    pub(super) opened: Option<Opened>,
    /// Held so that the notices end with this.
    pub(super) _open: mpsc::Sender<Notice>,
    /// Held so that nobody else opens the store while this lives.
    pub(super) _claim: Arc<StateDir>,
}

impl MatrixLoop {
    /// Syncs until `stop` is cancelled. Any other end is an error: one that no
    /// waiting heals.
    ///
    /// The future is boxed so that its type, which holds half of the SDK, does
    /// not become part of the caller's.
    pub fn run(self, stop: CancellationToken) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(self.live(stop))
    }

    async fn live(mut self, stop: CancellationToken) -> Result<(), Error> {
        let mut pauses = sync::backoff();
        loop {
            let began = Instant::now();
            let ended = self.session(&stop).boxed().await;
            // Deliveries in progress end before the store is opened again.
            self.link.write().await.take();
            if began.elapsed() > HEALTHY {
                pauses = sync::backoff();
            }
            let healed = match ended {
                Ok(Ended::Sync(End::Stopped)) => return Ok(()),
                Ok(Ended::Sync(End::Stale | End::Abandoned)) => {
                    warn!("nothing was heard for too long; taking up the connection anew");
                    Ok(None)
                }
                Ok(Ended::Sync(End::SessionDead { soft })) => heal::session(&self.settings, &self.home, soft).await,
                Ok(Ended::DeviceLost(standing)) => {
                    warn!(?standing, "the homeserver does not have this device's keys; it is replaced by a new one");
                    heal::device(&self.settings, &self.home).await
                }
                Err(error) => Err(error),
            };
            match healed {
                Ok(None) => {}
                Ok(Some(device)) => self.notices.say(Notice::DeviceReplaced { device }),
                Err(error) if error.is_transient() => self.health.failed(error.to_string()),
                Err(error) => return Err(error),
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = sleep(pauses.next().unwrap_or(HEALTHY)) => {}
            }
        }
    }

    /// One session, from its store to its end.
    async fn session(&mut self, stop: &CancellationToken) -> Result<Ended, Error> {
        let Opened { client, new_device } = match self.opened.take() {
            Some(opened) => opened,
            None => open(&self.settings, &self.home).await?,
        };
        let prepared = tokio::select! {
            () = stop.cancelled() => return Ok(Ended::Sync(End::Stopped)),
            prepared = self.prepare(&client, new_device).boxed() => prepared,
        };
        let (first, served) = match prepared? {
            Ok(prepared) => prepared,
            Err(ended) => return Ok(ended),
        };
        self.link.write().await.replace(client.clone());
        info!(user = %self.settings.user, device = client.device_id().map(DeviceId::as_str), "listening");

        let (batches, taken) = mpsc::channel(BATCHES);
        let me = self.settings.user.clone();
        let digest = Digest::new(client.clone(), self.inbox.clone(), served, me, self.notices.clone(), new_device);
        let mut digest = digest.run(first, self.rooms.clone(), taken).boxed();
        let end = tokio::select! {
            end = sync::pump(&client, &mut self.health, &self.settings, batches, stop) => end,
            digested = &mut digest => {
                digested?;
                return Ok(Ended::Sync(End::Abandoned));
            }
        };
        // The pump's end of the queue is gone: the digest ends with the last batch.
        match timeout(DRAIN, digest).await {
            Ok(digested) => digested?,
            Err(_) => info!("the last sync was not read to its end; it is read again at the next start"),
        }
        Ok(Ended::Sync(end))
    }

    /// A first sync, and everything that must be true before the second.
    async fn prepare(
        &mut self,
        client: &Client,
        new_device: bool,
    ) -> Result<Result<(SyncResponse, Served), Ended>, Error> {
        let first = match first_sync(client, new_device).await? {
            Ok(first) => first,
            Err(ended) => return Ok(Err(ended)),
        };
        identity::ensure(client, &self.settings).await?;
        match standing(client).await? {
            Standing::Good => {}
            Standing::Unsigned => {
                warn!("this device is not signed by the bot's identity: many clients will not talk to it")
            }
            lost @ (Standing::Missing | Standing::Foreign) => return Ok(Err(Ended::DeviceLost(lost))),
        }
        let served = Served::look_up(client, &self.settings).await?;
        self.know_people(client, &served).await?;
        let display_name = client.account().get_display_name().await.ok().flatten();
        self.me.send_replace(Me { user: self.settings.user.clone(), display_name });
        self.rooms.send_replace(served.joined(client));
        self.health.good();
        Ok(Ok((first, served)))
    }

    /// Members and their devices, before the first message needs them: whose
    /// keys are unknown can neither be read nor written to.
    async fn know_people(&self, client: &Client, served: &Served) -> Result<(), Error> {
        for room in client.joined_rooms() {
            if served.served(&room.room_id().to_owned()).is_none() {
                continue;
            }
            let known = async {
                room.latest_encryption_state().await?;
                room.sync_members().await
            };
            if let Err(error) = known.await {
                warn!(room = %room.room_id(), %error, "the room's members are not known yet");
            }
        }
        for user in &self.settings.operators {
            let Ok(user) = SdkUserId::parse(user.as_str()) else { continue };
            if let Err(error) = client.encryption().request_user_identity(&user).await {
                info!(%user, %error, "this person's devices are not known yet");
            }
            people::look_at(client, &user, &self.notices).await;
        }
        Ok(())
    }
}
