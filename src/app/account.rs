//! The bot's account, from the config to what the Matrix side takes.

use std::{path::Path, time::Duration};

use secrecy::SecretString;

use crate::{
    config::{self, Credentials, MatrixSettings, Settings},
    matrix::{self, Login},
    state_dir::StateDir,
};

/// Keys that the bot makes for itself when the config names none.
const PASSPHRASE_FILE: &str = "store-passphrase";

pub(super) fn matrix_settings(
    settings: &Settings,
    state: &StateDir,
    typed: Option<SecretString>,
) -> anyhow::Result<matrix::Settings> {
    let matrix = &settings.matrix;
    let login = match typed {
        Some(password) => Login::Password(password),
        // A session made by `opsroom login` goes on until it dies.
        None => login_of(matrix)?.unwrap_or_else(|| Login::Password(SecretString::default())),
    };
    let passphrase = match &matrix.store_passphrase {
        Some(secret) => secret.read()?,
        None => own_passphrase(state.path())?,
    };
    Ok(matrix::Settings {
        homeserver: matrix.homeserver.clone(),
        user: matrix.user.clone(),
        login,
        device_name: matrix.device_name.clone(),
        passphrase,
        recovery_key_file: matrix.recovery_key_file.clone(),
        rooms: settings.rooms.iter().map(|room| room.address.clone()).collect(),
        operators: settings.inventory.operators.keys().cloned().collect(),
        sync_timeout: Duration::from_secs(30),
        reconnect_after: Duration::from_secs(120),
    })
}

/// What the config has for logging in.
pub(super) fn login_of(matrix: &MatrixSettings) -> anyhow::Result<Option<Login>> {
    Ok(match &matrix.credentials {
        Some(Credentials::Password(secret)) => Some(Login::Password(secret.read()?)),
        Some(Credentials::AccessToken(secret)) => Some(Login::AccessToken(secret.read()?)),
        None => None,
    })
}

/// The store's passphrase, made once. Beside the store it guards against a
/// copied database, not against a copied directory; who wants more names a
/// file elsewhere.
fn own_passphrase(directory: &Path) -> anyhow::Result<SecretString> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let file = directory.join(PASSPHRASE_FILE);
    if !file.exists() {
        let bytes: [u8; 32] = rand::random();
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let fresh = directory.join(format!("{PASSPHRASE_FILE}.new"));
        let mut out = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        std::fs::rename(&fresh, &file)?;
    }
    Ok(config::secret::read_file(&file)?)
}
