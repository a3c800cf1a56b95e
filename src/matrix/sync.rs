//! The long-poll: one `/sync` after the other, for as long as the session
//! lives.
//!
//! The SDK's own loops are not used: they sleep a second between two syncs
//! that come quickly, which is when somebody waits for an answer, and retry
//! silently. Here an error is seen, said once and waited out. What came is
//! handed to [`Digest`](super::digest) over a short queue, so that the next
//! long-poll is open while it is worked on; a full queue holds the sync back.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::FutureExt;
use matrix_sdk::{
    Client, SessionChange,
    config::SyncSettings,
    ruma::{
        api::client::{
            filter::{FilterDefinition, RoomFilter},
            sync::sync_events::v3::Filter,
        },
        presence::PresenceState,
        uint,
    },
    sync::SyncResponse,
};
use tokio::{
    sync::{broadcast, mpsc},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{error::Failure, health::Health, settings::Settings};
use crate::domain::inbound::Arrival;

/// The most this process may take to store and decrypt a sync, beyond the
/// request's own limit. Only a bug passes it.
const STORE_LIMIT: Duration = Duration::from_secs(60);

/// Synapse gives no more events of a room in one sync.
const TIMELINE_LIMIT: u32 = 100;

/// What one sync brought.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) response: SyncResponse,
    pub(super) arrival: Arrival,
}

/// Why the long-poll ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It was asked to.
    Stopped,
    /// The homeserver does not know the session any more.
    SessionDead { soft: bool },
    /// Nothing was heard for too long.
    Stale,
    /// Nobody takes the batches any more.
    Abandoned,
}

/// From a quarter of a second to half a minute, jittered so that many clients
/// do not come back at once.
pub(super) fn backoff() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(250))
        .with_max_delay(Duration::from_secs(30))
        .with_jitter()
        .without_max_times()
        .build()
}

/// One `/sync`, stored and decrypted.
pub(super) async fn once(client: &Client, wait: Duration) -> Result<SyncResponse, Failure> {
    let sync = SyncSettings::new().timeout(wait).filter(filter()).set_presence(PresenceState::Offline);
    let mut changes = client.subscribe_to_session_changes();
    match timeout(wait + STORE_LIMIT, client.sync_once(sync).boxed()).await {
        Err(_) => Err(Failure::Unavailable("no sync in time".to_owned())),
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => Err(match Failure::from(&error) {
            // After a failed token refresh only the SDK's announcement still
            // has what the homeserver said about the device.
            Failure::SessionDead { soft } => Failure::SessionDead { soft: announced(&mut changes).unwrap_or(soft) },
            other @ (Failure::RateLimited(_) | Failure::Unavailable(_) | Failure::Refused(_) | Failure::Local(_)) => {
                other
            }
        }),
    }
}

fn announced(changes: &mut broadcast::Receiver<SessionChange>) -> Option<bool> {
    let mut soft = None;
    while let Ok(change) = changes.try_recv() {
        match change {
            SessionChange::UnknownToken(data) => soft = Some(data.soft_logout),
            SessionChange::TokensRefreshed => {}
        }
    }
    soft
}

/// Nobody's presence, typing or receipts: each would end a long-poll for
/// nothing. Presence is not announced either.
///
/// Members are not loaded lazily. Synapse remembers for each device which
/// member event of a person it sent last, over all rooms: who writes in another
/// room than before is sent anew, counts as a person whose devices may have
/// changed, and the SDK asks for their keys before it hands the message on
/// (seen with Synapse 1.163 and matrix-sdk 0.18).
fn filter() -> Filter {
    let mut rooms = RoomFilter::default();
    rooms.timeline.limit = Some(TIMELINE_LIMIT.into());
    rooms.ephemeral.limit = Some(uint!(0));
    rooms.ephemeral.not_types = vec!["*".to_owned()];
    rooms.account_data.not_types = vec!["*".to_owned()];
    let mut definition = FilterDefinition::default();
    definition.presence.not_types = vec!["*".to_owned()];
    definition.room = rooms;
    Filter::FilterDefinition(definition)
}

/// Syncs until something ends it, and hands on what came.
pub(super) async fn pump(
    client: &Client,
    health: &mut Health,
    settings: &Settings,
    out: mpsc::Sender<Batch>,
    stop: &CancellationToken,
) -> End {
    let mut pauses = backoff();
    loop {
        let failing = health.is_failing();
        // After an outage the first answer is wanted at once, news or not.
        let wait = if failing { Duration::ZERO } else { settings.sync_timeout };
        let came = tokio::select! {
            biased;
            () = stop.cancelled() => return End::Stopped,
            came = once(client, wait) => came,
        };
        let failure = match came {
            Ok(response) => {
                health.good();
                pauses = backoff();
                let arrival = if failing { Arrival::CatchUp } else { Arrival::Live };
                if out.send(Batch { response, arrival }).await.is_err() {
                    return End::Abandoned;
                }
                continue;
            }
            Err(failure) => failure,
        };
        let pause = match failure {
            Failure::SessionDead { soft } => return End::SessionDead { soft },
            Failure::RateLimited(pause) => {
                health.failed(format!("the homeserver asks for a pause of {pause:?}"));
                pause
            }
            Failure::Unavailable(why) | Failure::Refused(why) | Failure::Local(why) => {
                health.failed(why);
                pauses.next().unwrap_or(Duration::from_secs(30))
            }
        };
        if health.silent_for() > settings.reconnect_after {
            return End::Stale;
        }
        tokio::select! {
            () = stop.cancelled() => return End::Stopped,
            () = sleep(pause) => {}
        }
    }
}
