//! Getting in: a session from a password or a token, and a client over it.
//!
//! Logging in and opening the store are two steps on purpose. The login is
//! done by a client without a store and its session saved at once; only then
//! is the store opened with it. A crash at any point leaves either nothing, or
//! a session whose store is yet to be made.

use std::{path::Path, time::Duration};

use matrix_sdk::reqwest::Error as RequestError;
use matrix_sdk::{
    Client, SessionMeta, SessionTokens, SqliteStoreConfig,
    authentication::matrix::MatrixSession,
    config::RequestConfig,
    encryption::{BackupDownloadStrategy, EncryptionSettings},
    ruma::{
        DeviceId,
        api::client::{
            session::login::v3::{LoginInfo, Password, Request as LoginRequest},
            uiaa::{MatrixUserIdentifier, UserIdentifier},
        },
    },
};
use matrix_sdk_base::crypto::{CollectStrategy, DecryptionSettings, TrustRequirement};
use secrecy::ExposeSecret;
use tracing::{error, info};

use super::{
    error::{Error, Failure},
    session::SessionHome,
    settings::{Login, Settings},
};

/// The longest one request may take, a long-poll's waiting not counted.
/// Homeservers answer in well under a second; half a minute is a stall.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// No retries inside the SDK: it would sleep where our loop and our outbound
/// queue can neither see it nor decide.
fn request_config() -> RequestConfig {
    RequestConfig::new().disable_retry().timeout(REQUEST_LIMIT)
}

/// Logs in. `device` keeps the device that a soft logout left in place.
pub(super) async fn log_in(settings: &Settings, device: Option<&DeviceId>) -> Result<MatrixSession, Error> {
    let client = Client::builder()
        .homeserver_url(&settings.homeserver)
        .request_config(request_config())
        .build()
        .await
        .map_err(|error| Error::Unavailable(error.to_string()))?;
    let session = match &settings.login {
        Login::Password(password) => {
            let user = UserIdentifier::Matrix(MatrixUserIdentifier::new(settings.user.to_string()));
            let mut request =
                LoginRequest::new(LoginInfo::Password(Password::new(user, password.expose_secret().to_owned())));
            request.device_id = device.map(ToOwned::to_owned);
            request.initial_device_display_name = Some(settings.device_name.clone());
            request.refresh_token = true;
            let response = client.send(request).await.map_err(|error| refused(settings, Failure::from(&error)))?;
            MatrixSession::from(&response)
        }
        Login::AccessToken(token) => by_token(&client, settings, token.expose_secret()).await?,
    };
    if session.meta.user_id.as_str() != settings.user.as_str() {
        return Err(Error::OtherAccount { found: session.meta.user_id.to_string(), wanted: settings.user.clone() });
    }
    info!(user = %settings.user, device = %session.meta.device_id, "logged in");
    Ok(session)
}

fn refused(settings: &Settings, failure: Failure) -> Error {
    match failure {
        Failure::Refused(why) => Error::LoginRefused { user: settings.user.clone(), why },
        other @ (Failure::SessionDead { .. }
        | Failure::RateLimited(_)
        | Failure::Unavailable(_)
        | Failure::Local(_)) => other.into_error(),
    }
}

/// Asks whose token it is, and of which device.
async fn by_token(client: &Client, settings: &Settings, token: &str) -> Result<MatrixSession, Error> {
    #[derive(serde::Deserialize)]
    struct WhoAmI {
        user_id: matrix_sdk::ruma::OwnedUserId,
        device_id: Option<matrix_sdk::ruma::OwnedDeviceId>,
    }
    let url = settings
        .homeserver
        .join("_matrix/client/v3/account/whoami")
        .map_err(|error| Error::Unavailable(error.to_string()))?;
    let unavailable = |error: RequestError| Error::Unavailable(error.without_url().to_string());
    let response =
        client.http_client().get(url).bearer_auth(token).timeout(REQUEST_LIMIT).send().await.map_err(unavailable)?;
    let status = response.status();
    let body = response.text().await.map_err(unavailable)?;
    if status.as_u16() == 401 || status.as_u16() == 403 {
        return Err(Error::TokenDead { user: settings.user.clone() });
    }
    let Ok(who) = serde_json::from_str::<WhoAmI>(&body) else {
        return Err(Error::Unavailable(format!("status {} to the question whose token it is", status.as_u16())));
    };
    let Some(device_id) = who.device_id else {
        return Err(Error::TokenUnfit(
            "it belongs to no device, and without a device there is no encryption; log in once to get one".to_owned(),
        ));
    };
    Ok(MatrixSession {
        meta: SessionMeta { user_id: who.user_id, device_id },
        tokens: SessionTokens { access_token: token.to_owned(), refresh_token: None },
    })
}

/// Opens the store and takes the session up. Needs no network.
pub(super) async fn open(settings: &Settings, home: &SessionHome, session: MatrixSession) -> Result<Client, Error> {
    let store = home.store();
    let client = Client::builder()
        .homeserver_url(&settings.homeserver)
        .request_config(request_config())
        .sqlite_store_with_config_and_cache_path(
            // One connection for each processor is plenty for one account.
            SqliteStoreConfig::with_low_memory_config(&store).passphrase(Some(settings.passphrase.expose_secret())),
            None::<&Path>,
        )
        .handle_refresh_tokens()
        .with_encryption_settings(EncryptionSettings {
            // Done by `identity`, which knows the recovery key's place.
            auto_enable_cross_signing: false,
            auto_enable_backups: false,
            // Keys of a device that was lost come back this way.
            backup_download_strategy: BackupDownloadStrategy::AfterDecryptionFailure,
        })
        // The SDK's defaults are permissive. Here, devices that their owner
        // did not sign neither read what the bot says nor are read by it.
        .with_room_key_recipient_strategy(CollectStrategy::IdentityBasedStrategy)
        .with_decryption_settings(DecryptionSettings { sender_device_trust_requirement: TrustRequirement::CrossSigned })
        .build()
        .await
        .map_err(|error| Error::Store { path: store.clone(), why: error.to_string() })?;

    let saver = home.clone();
    let homeserver = settings.homeserver.to_string();
    let reader = session.tokens.clone();
    client
        .set_session_callbacks(
            // Asked for only where several processes share a store.
            Box::new(move |_| Ok(reader.clone())),
            // Called after a refresh, before the new tokens are used.
            Box::new(move |client| {
                let Some(session) = client.matrix_auth().session() else { return Ok(()) };
                saver.save(&homeserver, &session).map_err(|failed| {
                    error!(error = %failed, "the refreshed tokens could not be saved; a restart will have to log in");
                    failed.into()
                })
            }),
        )
        .map_err(|error| Error::Sdk(error.to_string()))?;

    client.restore_session(session).await.map_err(|error| Error::Store { path: store, why: error.to_string() })?;
    Ok(client)
}
