//! A host's public key.

use std::fmt;

use russh::keys::{HashAlg, PublicKey};

/// A host's public key, as pinned: `ssh-ed25519 AAAA…`, with or without a
/// comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKey(PublicKey);

/// A string that is no public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a public key ({0}): give the line of ssh_host_ed25519_key.pub, like \"ssh-ed25519 AAAA…\"")]
pub struct BadHostKey(String);

impl HostKey {
    pub(super) fn public(&self) -> &PublicKey {
        &self.0
    }

    /// Reads one line in the format of sshd(8)'s `*_key.pub` files.
    pub fn parse(line: &str) -> Result<Self, BadHostKey> {
        PublicKey::from_openssh(line.trim()).map(Self).map_err(|error| BadHostKey(error.to_string()))
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&openssh(&self.0))
    }
}

/// `ssh-ed25519 SHA256:…`, as `ssh-keygen -l` prints it.
pub(super) fn fingerprint(key: &PublicKey) -> String {
    format!("{} {}", key.algorithm(), key.fingerprint(HashAlg::Sha256))
}

pub(super) fn openssh(key: &PublicKey) -> String {
    PublicKey::from(key.key_data().clone()).to_openssh().unwrap_or_else(|_| fingerprint(key))
}
