//! Answers russh's questions during one connection, and remembers what it was
//! told: russh's own errors no longer say why.

use std::sync::{Arc, OnceLock};

use russh::{
    client::{DisconnectReason, Handler},
    keys::PublicKeyOrCertificate,
};

use super::{host_key::fingerprint, known::Known};

/// What russh tells about a connection, kept for those who ask afterwards.
#[derive(Debug, Default)]
pub(super) struct Witness {
    refusal: OnceLock<String>,
    host_key: OnceLock<String>,
    end: OnceLock<String>,
}

impl Witness {
    /// Why the host's key was refused, as a sentence.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.refusal.get().map(String::as_str)
    }

    /// `ssh-ed25519 SHA256:…` of the key that was accepted.
    pub(super) fn host_key(&self) -> Option<&str> {
        self.host_key.get().map(String::as_str)
    }

    /// Why the connection ended, as a clause.
    pub(super) fn end(&self) -> Option<&str> {
        self.end.get().map(String::as_str)
    }
}

/// Answers russh's questions during one connection.
pub(super) struct Gatekeeper {
    pub(super) known: Known,
    pub(super) witness: Arc<Witness>,
}

impl Handler for Gatekeeper {
    type Error = russh::Error;

    async fn check_server_key(&mut self, offered: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let key = match offered {
            PublicKeyOrCertificate::PublicKey { key, .. } => key,
            PublicKeyOrCertificate::Certificate(_) => {
                // Never asked for, so only a broken or hostile server sends one.
                let _ = self
                    .witness
                    .refusal
                    .set(format!("{} shows a host certificate nobody asked for", self.known.label()));
                return Ok(false);
            }
        };
        match self.known.judge(key) {
            Ok(()) => {
                let _ = self.witness.host_key.set(fingerprint(key));
                Ok(true)
            }
            Err(sentence) => {
                let _ = self.witness.refusal.set(sentence);
                Ok(false)
            }
        }
    }

    async fn disconnected(&mut self, reason: DisconnectReason<russh::Error>) -> Result<(), russh::Error> {
        let _ = self.witness.end.set(match &reason {
            DisconnectReason::ReceivedDisconnect(info) => format!("the host said: {}", info.message.trim()),
            DisconnectReason::Error(russh::Error::KeepaliveTimeout) => "the host gives no sign of life".to_owned(),
            DisconnectReason::Error(russh::Error::IO(error)) => error.to_string(),
            DisconnectReason::Error(russh::Error::Disconnect | russh::Error::HUP) => {
                "the host closed the connection".to_owned()
            }
            DisconnectReason::Error(error) => error.to_string(),
        });
        match reason {
            DisconnectReason::ReceivedDisconnect(_) => Ok(()),
            DisconnectReason::Error(error) => Err(error),
        }
    }
}
