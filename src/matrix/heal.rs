//! A session that the homeserver dropped, made anew.
//!
//! After a soft logout only the token is gone: the device and its store go on.
//! After anything else the device itself is gone, and a store whose device is
//! gone is worth nothing: its keys would never be uploaded again. It is put
//! aside, never deleted, and only when a login has succeeded.

use jiff::Timestamp;
use matrix_sdk::authentication::matrix::MatrixSession;
use tracing::{info, warn};

use super::{
    account,
    error::Error,
    session::SessionHome,
    settings::{Login, Settings},
};

/// A new token for a dead session; a new device with it, unless the logout was
/// soft. Gives the new device.
pub(super) async fn session(settings: &Settings, home: &SessionHome, soft: bool) -> Result<Option<String>, Error> {
    let saved = home.load(&settings.user)?;
    match (soft, saved, &settings.login) {
        (true, Some(saved), Login::Password(_)) => {
            info!(device = %saved.meta.device_id, "the session has expired; logging in again at the same device");
            let session = account::log_in(settings, Some(&saved.meta.device_id)).await?;
            home.save(settings.homeserver.as_str(), &session)?;
            Ok(None)
        }
        (_, _, Login::AccessToken(_)) | (true, None, Login::Password(_)) | (false, _, Login::Password(_)) => {
            let session = account::log_in(settings, None).await?;
            new_device(settings, home, &session).map(Some)
        }
    }
}

/// A new device in place of one whose keys the homeserver has lost.
pub(super) async fn device(settings: &Settings, home: &SessionHome) -> Result<Option<String>, Error> {
    match &settings.login {
        Login::Password(_) => {
            let session = account::log_in(settings, None).await?;
            new_device(settings, home, &session).map(Some)
        }
        Login::AccessToken(_) => Err(Error::TokenUnfit(
            "the homeserver has other encryption keys for its device than this bot; \
             make a token of a device that nothing else has used"
                .to_owned(),
        )),
    }
}

fn new_device(settings: &Settings, home: &SessionHome, session: &MatrixSession) -> Result<String, Error> {
    let device = session.meta.device_id.to_string();
    if let Some(old) = home.retire(Timestamp::now())? {
        warn!(kept = %old.display(), %device, "the old device is put aside; there is a new one");
    }
    home.save(settings.homeserver.as_str(), session)?;
    Ok(device)
}
