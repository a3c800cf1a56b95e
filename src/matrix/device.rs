//! Whether the homeserver still knows this device by its keys.
//!
//! A device whose keys are gone from the homeserver looks healthy from the
//! inside: it syncs, it sends, and nobody encrypts for it. The SDK does not
//! notice, since it uploads device keys once. So they are looked up at each
//! start.

use matrix_sdk::{
    Client,
    ruma::{api::client::keys::get_keys, encryption::DeviceKeys},
};

use super::error::Failure;

/// What the homeserver says about this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Its keys are published and signed by the bot's identity.
    Good,
    /// Its keys are published, but carry no signature of the bot's identity.
    Unsigned,
    /// It has no keys there.
    Missing,
    /// It has other keys there than here.
    Foreign,
}

/// Asks `/keys/query` about this device.
pub(super) async fn standing(client: &Client) -> Result<Standing, Failure> {
    let no_session = || Failure::Local("no session".to_owned());
    let me = client.user_id().ok_or_else(no_session)?;
    let device = client.device_id().ok_or_else(no_session)?;
    let mut request = get_keys::v3::Request::new();
    request.device_keys.insert(me.to_owned(), Vec::new());
    let response = client.send(request).await.map_err(|error| Failure::from(&error))?;

    let Some(keys) = response.device_keys.get(me).and_then(|devices| devices.get(device)) else {
        return Ok(Standing::Missing);
    };
    let Ok(keys) = keys.deserialize() else { return Ok(Standing::Foreign) };
    let ed25519 = client.encryption().ed25519_key().await;
    let curve25519 = client.encryption().curve25519_key().await.map(|key| key.to_base64());
    if key(&keys, "ed25519") != ed25519 || key(&keys, "curve25519") != curve25519 {
        return Ok(Standing::Foreign);
    }
    let signed = response.self_signing_keys.get(me).and_then(|raw| raw.deserialize().ok()).is_some_and(|signing| {
        let ours = keys.signatures.get(me);
        signing.keys.keys().any(|id| ours.is_some_and(|ours| ours.keys().any(|by| by.as_str() == id.as_str())))
    });
    Ok(if signed { Standing::Good } else { Standing::Unsigned })
}

fn key(keys: &DeviceKeys, algorithm: &str) -> Option<String> {
    keys.keys.iter().find(|(id, _)| id.algorithm().as_str() == algorithm).map(|(_, key)| key.clone())
}
