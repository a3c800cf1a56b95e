//! The bot's cross-signing identity and its recovery key.
//!
//! Clients stop talking to devices that their owner has not signed (MSC4153),
//! so the bot owns an identity, signs its own device with it, and keeps the
//! means to do so again on a new device: the recovery key opens the secret
//! storage on the homeserver, where the identity's private keys lie. That key
//! is written to a file of the operator's choice and never anywhere else.

use std::{fs, io, path::Path};

use jiff::Timestamp;
use matrix_sdk::{
    Client,
    encryption::recovery::{RecoveryError, RecoveryState},
    ruma::api::client::uiaa::{AuthData, MatrixUserIdentifier, Password, UserIdentifier},
};
use secrecy::{ExposeSecret, SecretString};
use tracing::{info, warn};

use super::{
    error::{Error, Failure},
    session::write_secret,
    settings::{Login, Settings},
};

/// Makes sure of the identity, of this device's signature and of the recovery
/// key, in this order. Doing it again does nothing.
pub(super) async fn ensure(client: &Client, settings: &Settings) -> Result<(), Error> {
    let encryption = client.encryption();
    encryption.wait_for_e2ee_initialization_tasks().await;
    let me = client.user_id().ok_or_else(|| Error::Sdk("no session".to_owned()))?;

    let known = encryption.request_user_identity(me).await.map_err(sdk)?.is_some();
    let complete = encryption.cross_signing_status().await.is_some_and(|status| status.is_complete());
    if !known {
        bootstrap(client, settings).await?;
        info!("made the bot's cross-signing identity and signed this device with it");
    } else if !complete {
        recover(client, settings).await?;
    }

    let device = encryption.get_own_device().await.map_err(|error| Error::Sdk(error.to_string()))?;
    if let Some(device) = device.filter(|device| !device.is_cross_signed_by_owner()) {
        device.verify().await.map_err(|error| Error::Unavailable(format!("signing this device: {error}")))?;
        info!("signed this device with the bot's identity");
    }
    recovery_key(client, settings).await
}

async fn bootstrap(client: &Client, settings: &Settings) -> Result<(), Error> {
    let encryption = client.encryption();
    let Err(first) = encryption.bootstrap_cross_signing_if_needed(None).await else { return Ok(()) };
    let Some(challenge) = first.as_uiaa_response() else { return Err(sdk(first)) };
    let Login::Password(password) = &settings.login else {
        return Err(Error::Identity(
            "the homeserver wants the bot's password before it takes its cross-signing keys: \
             configure the password, at least for the first start"
                .to_owned(),
        ));
    };
    let user = UserIdentifier::Matrix(MatrixUserIdentifier::new(settings.user.to_string()));
    let mut auth = Password::new(user, password.expose_secret().to_owned());
    auth.session = challenge.session.clone();
    encryption.bootstrap_cross_signing(Some(AuthData::Password(auth))).await.map_err(sdk)
}

async fn recover(client: &Client, settings: &Settings) -> Result<(), Error> {
    let path = &settings.recovery_key_file;
    let Some(key) = read_key(path)? else {
        return Err(Error::Identity(format!(
            "the account {} has a cross-signing identity whose keys are not on this device: \
             put its recovery key into {}, or use an account of the bot's own",
            settings.user,
            path.display(),
        )));
    };
    match client.encryption().recovery().recover(key.expose_secret()).await {
        Ok(()) => {
            info!(file = %path.display(), "recovered the bot's identity and signed this device with it");
            Ok(())
        }
        Err(RecoveryError::Sdk(error)) => Err(sdk(error)),
        Err(error @ (RecoveryError::SecretStorage(_) | RecoveryError::BackupExistsOnServer)) => {
            Err(Error::Identity(format!("the recovery key in {} does not open the account: {error}", path.display())))
        }
    }
}

/// Makes sure that the file holds the key of the account's secret storage.
async fn recovery_key(client: &Client, settings: &Settings) -> Result<(), Error> {
    let path = &settings.recovery_key_file;
    let recovery = client.encryption().recovery();
    let have = read_key(path)?;
    match (recovery.state(), have) {
        (RecoveryState::Enabled, Some(_)) => Ok(()),
        (RecoveryState::Enabled, None) => {
            // Written nowhere before a crash, or the file was lost. All the
            // secrets are here, so they can be locked up anew.
            let key = recovery.reset_key().await.map_err(recovery_failed)?;
            keep(path, &SecretString::from(key))?;
            info!(file = %path.display(), "made a new recovery key, because its file was missing");
            Ok(())
        }
        (RecoveryState::Disabled | RecoveryState::Unknown, old) => {
            if old.is_some() {
                put_aside(path)?;
            }
            match recovery.enable().await {
                Ok(key) => {
                    keep(path, &SecretString::from(key))?;
                    info!(file = %path.display(), "made the recovery key");
                    Ok(())
                }
                Err(RecoveryError::BackupExistsOnServer) => {
                    warn!(
                        "the account has a key backup that this device cannot open, so there is no recovery key: \
                         if this device is lost, the bot's identity has to be made anew"
                    );
                    Ok(())
                }
                Err(error) => Err(recovery_failed(error)),
            }
        }
        (RecoveryState::Incomplete, Some(key)) => match recovery.recover_and_fix_backup(key.expose_secret()).await {
            Ok(()) => Ok(()),
            Err(RecoveryError::Sdk(error)) => Err(sdk(error)),
            Err(error) => {
                warn!(file = %path.display(), %error, "the recovery key does not open the account's secret storage");
                Ok(())
            }
        },
        (RecoveryState::Incomplete, None) => {
            warn!(
                file = %path.display(),
                "some of the account's secrets are not on this device and there is no recovery key for them"
            );
            Ok(())
        }
    }
}

fn read_key(path: &Path) -> Result<Option<SecretString>, Error> {
    match fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => Ok(None),
        Ok(text) => Ok(Some(SecretString::from(text.trim().to_owned()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file(path)(error)),
    }
}

fn keep(path: &Path, key: &SecretString) -> Result<(), Error> {
    write_secret(path, format!("{}\n", key.expose_secret()).as_bytes()).map_err(Error::file(path))
}

/// A key that opens nothing any more is kept: it may be the only one left.
fn put_aside(path: &Path) -> Result<(), Error> {
    let mut old = path.as_os_str().to_owned();
    old.push(format!(".old-{}", Timestamp::now().strftime("%Y%m%dT%H%M%S%.3fZ")));
    warn!(file = %path.display(), "the recovery key there belongs to no secret storage of this account; kept as .old");
    fs::rename(path, old).map_err(Error::file(path))
}

fn sdk(error: matrix_sdk::Error) -> Error {
    Failure::from(&error).into_error()
}

fn recovery_failed(error: RecoveryError) -> Error {
    match error {
        RecoveryError::Sdk(error) => sdk(error),
        other @ (RecoveryError::SecretStorage(_) | RecoveryError::BackupExistsOnServer) => {
            Error::Unavailable(format!("the recovery key: {other}"))
        }
    }
}
