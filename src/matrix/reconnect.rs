//! Taking a session up: its store, its first sync, and the proof that the
//! homeserver and this store mean the same device.

use std::time::Duration;

use matrix_sdk::{Client, sync::SyncResponse};

use super::{
    account,
    device::{self, Standing},
    error::{Error, Failure},
    heal, identity,
    session::SessionHome,
    settings::Settings,
    sync::{self, End},
};

/// A client over its store.
pub(super) struct Opened {
    pub(super) client: Client,
    /// Whether its device has just been made.
    pub(super) new_device: bool,
}

/// How a session's life ended, where that is not an error.
pub(super) enum Ended {
    Sync(End),
    /// The homeserver has lost the device's keys, or has others.
    DeviceLost(Standing),
}

/// Takes up the saved session, or makes one.
pub(super) async fn open(settings: &Settings, home: &SessionHome) -> Result<Opened, Error> {
    let saved = home.load(&settings.user)?;
    let new_device = saved.is_none() || !home.store().exists();
    let session = match saved {
        Some(session) => session,
        None => {
            let session = account::log_in(settings, None).await?;
            home.save(settings.homeserver.as_str(), &session)?;
            session
        }
    };
    let client = account::open(settings, home, session).await?;
    Ok(Opened { client, new_device })
}

/// The first sync. Before it, for a new store, that nothing else has used its
/// device: then that one's keys are published, and peers would refuse the ones
/// that this sync uploads.
pub(super) async fn first_sync(client: &Client, new_device: bool) -> Result<Result<SyncResponse, Ended>, Error> {
    let synced = async {
        if new_device && device::standing(client).await? == Standing::Foreign {
            return Ok(None);
        }
        sync::once(client, Duration::ZERO).await.map(Some)
    };
    match synced.await {
        Ok(Some(first)) => Ok(Ok(first)),
        Ok(None) => Ok(Err(Ended::DeviceLost(Standing::Foreign))),
        Err(Failure::SessionDead { soft }) => Ok(Err(Ended::Sync(End::SessionDead { soft }))),
        // As in the long-poll: what refuses today may be a proxy's page.
        Err(Failure::Refused(why)) => Err(Error::Unavailable(why)),
        Err(failure @ (Failure::RateLimited(_) | Failure::Unavailable(_) | Failure::Local(_))) => {
            Err(failure.into_error())
        }
    }
}

/// The device's standing. Keys that are missing are given another sync to be
/// uploaded with: a failed upload is only logged by the SDK.
pub(super) async fn standing(client: &Client) -> Result<Standing, Error> {
    match device::standing(client).await.map_err(Failure::into_error)? {
        Standing::Missing => {
            sync::once(client, Duration::ZERO).await.map_err(Failure::into_error)?;
            device::standing(client).await.map_err(Failure::into_error)
        }
        known @ (Standing::Good | Standing::Unsigned | Standing::Foreign) => Ok(known),
    }
}

/// A first start without its listening, for `opsroom login`. A session or a
/// device that died is replaced on the way, once.
pub(super) async fn log_in(settings: &Settings, home: &SessionHome) -> Result<String, Error> {
    let ended = match introduce(settings, home).await? {
        Ok(device) => return Ok(device),
        Err(ended) => ended,
    };
    match ended {
        Ended::Sync(End::SessionDead { soft }) => heal::session(settings, home, soft).await?,
        Ended::DeviceLost(_) => heal::device(settings, home).await?,
        Ended::Sync(End::Stopped | End::Stale | End::Abandoned) => None,
    };
    match introduce(settings, home).await? {
        Ok(device) => Ok(device),
        Err(_) => Err(Error::Unavailable("it drops the new session at once".to_owned())),
    }
}

async fn introduce(settings: &Settings, home: &SessionHome) -> Result<Result<String, Ended>, Error> {
    let Opened { client, new_device } = open(settings, home).await?;
    if let Err(ended) = first_sync(&client, new_device).await? {
        return Ok(Err(ended));
    }
    identity::ensure(&client, settings).await?;
    match standing(&client).await? {
        Standing::Good | Standing::Unsigned => Ok(Ok(client.device_id().map(ToString::to_string).unwrap_or_default())),
        lost @ (Standing::Missing | Standing::Foreign) => Ok(Err(Ended::DeviceLost(lost))),
    }
}
