//! Reads a private key, and refuses one that others could have read too.

use std::{
    fs::File,
    io::Read as _,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use russh::keys::{self, PrivateKey};
use secrecy::{ExposeSecret as _, SecretString};

/// Permission bits of group and others (chmod(1)).
const NOT_THE_OWNER: u32 = 0o077;

/// Why a key cannot be used. Holds no part of the key.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadKeyFile {
    #[error("the key file {} cannot be read: {error}", path.display())]
    Unreadable { path: PathBuf, error: std::io::Error },
    #[error("the key file {} can be read by others than its owner (mode {mode:04o}): run chmod 600 {0}", path.display())]
    TooOpen { path: PathBuf, mode: u32 },
    #[error("the key file {} is encrypted, and no passphrase is configured", path.display())]
    NoPassphrase { path: PathBuf },
    #[error("the key file {} cannot be decrypted: is the passphrase right?", path.display())]
    WrongPassphrase { path: PathBuf },
    #[error("the key file {} holds no private key that can be read", path.display())]
    NoKey { path: PathBuf },
}

/// Reads and decrypts the key. Decrypting takes 150 ms of computing, on
/// purpose: call it off the runtime.
pub(super) fn load(path: &Path, passphrase: Option<&SecretString>) -> Result<PrivateKey, BadKeyFile> {
    let unreadable = |error| BadKeyFile::Unreadable { path: path.to_owned(), error };
    let mut file = File::open(path).map_err(unreadable)?;
    // The opened file is looked at, not the path: it is the one that is read.
    let metadata = file.metadata().map_err(unreadable)?;
    let mode = metadata.mode() & 0o7777;
    // ssh's own rule: a file of somebody else (a mounted secret, a systemd
    // credential) has the mode its owner meant it to have.
    if metadata.uid() == rustix::process::geteuid().as_raw() && mode & NOT_THE_OWNER != 0 {
        return Err(BadKeyFile::TooOpen { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(unreadable)?;
    let text = SecretString::from(text);
    let passphrase = passphrase.map(|secret| secret.expose_secret());
    keys::decode_secret_key(text.expose_secret(), passphrase).map_err(|error| {
        let path = path.to_owned();
        match (error, passphrase) {
            (keys::Error::KeyIsEncrypted, None) => BadKeyFile::NoPassphrase { path },
            (_, Some(_)) => BadKeyFile::WrongPassphrase { path },
            (_, None) => BadKeyFile::NoKey { path },
        }
    })
}
