//! Who we are: proves the login by a key file or an agent.

use std::{path::Path, sync::Arc};

use russh::{
    client::{AuthResult, Handle},
    keys::{
        HashAlg, PrivateKeyWithHashAlg, PublicKey,
        agent::{AgentIdentity, client::AgentClient},
    },
};

use super::{
    Auth, Settings,
    gatekeeper::{Gatekeeper, Witness},
    host_key::fingerprint,
    key_file,
};
use crate::ports::RemoteError;

/// sshd allows six by default (`MaxAuthTries`) and closes the connection on
/// the seventh; newer ones also lock out an address that fails too often.
const MOST_AGENT_KEYS: usize = 5;

/// Logs in, or says what was tried.
pub(super) async fn log_in(
    handle: &mut Handle<Gatekeeper>,
    settings: &Arc<Settings>,
    witness: &Witness,
) -> Result<(), RemoteError> {
    let attempt = Login { settings, witness };
    match &settings.auth {
        Auth::KeyFile { path, .. } => attempt.with_key_file(handle, path).await,
        Auth::Agent { socket } => attempt.with_agent(handle, socket).await,
    }
}

struct Login<'a> {
    settings: &'a Arc<Settings>,
    witness: &'a Witness,
}

impl Login<'_> {
    async fn with_key_file(&self, handle: &mut Handle<Gatekeeper>, path: &Path) -> Result<(), RemoteError> {
        let settings = Arc::clone(self.settings);
        let key = tokio::task::spawn_blocking(move || match &settings.auth {
            Auth::KeyFile { path, passphrase } => key_file::load(path, passphrase.as_ref()).map(Some),
            Auth::Agent { .. } => Ok(None),
        })
        .await
        .map_err(|error| self.broken(&error))?
        .map_err(|error| self.refused(&error.to_string()))?
        .ok_or_else(|| self.refused("no key file is configured"))?;
        let what = format!("the key {} ({})", path.display(), fingerprint(key.public_key()));
        let hash = rsa_hash(handle, key.public_key()).await.map_err(|error| self.broken(&error))?;
        let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
        let answer = handle
            .authenticate_publickey(self.settings.user.as_str(), key)
            .await
            .map_err(|error| self.broken(&error))?;
        self.read(handle, answer, &what)
    }

    async fn with_agent(&self, handle: &mut Handle<Gatekeeper>, socket: &Path) -> Result<(), RemoteError> {
        let no_agent = |error: russh::keys::Error| {
            self.refused(&format!("the ssh-agent at {} does not answer: {error}", socket.display()))
        };
        let mut agent = AgentClient::connect_uds(socket).await.map_err(no_agent)?;
        let identities = agent.request_identities().await.map_err(no_agent)?;
        if identities.is_empty() {
            return Err(self.refused(&format!("the ssh-agent at {} holds no key: run ssh-add", socket.display())));
        }
        let mut tried = Vec::new();
        let mut last = None;
        for identity in identities.into_iter().take(MOST_AGENT_KEYS) {
            let key = identity.public_key().into_owned();
            let hash = rsa_hash(handle, &key).await.map_err(|error| self.broken(&error))?;
            let user = self.settings.user.as_str();
            tried.push(fingerprint(&key));
            let answer = match identity {
                AgentIdentity::PublicKey { key, .. } => {
                    handle.authenticate_publickey_with(user, key, hash, &mut agent).await
                }
                AgentIdentity::Certificate { certificate, .. } => {
                    handle.authenticate_certificate_with(user, certificate, hash, &mut agent).await
                }
            };
            match answer {
                // An agent that declines one key may hold a better one.
                Err(error) => last = Some(Err(self.refused(&format!("the ssh-agent did not sign: {error}")))),
                Ok(answer) => {
                    let what = format!("the ssh-agent's keys ({})", tried.join(", "));
                    let read = self.read(handle, answer, &what);
                    if read.is_ok() || handle.is_closed() {
                        return read;
                    }
                    last = Some(read);
                }
            }
        }
        last.unwrap_or_else(|| Err(self.refused("the ssh-agent holds no key")))
    }

    /// What the host's answer means. russh reports a connection that ended
    /// meanwhile as a refusal that leaves no method.
    fn read(&self, handle: &Handle<Gatekeeper>, answer: AuthResult, what: &str) -> Result<(), RemoteError> {
        let label = self.settings.label();
        let user = &self.settings.user;
        match answer {
            AuthResult::Success => Ok(()),
            AuthResult::Failure { remaining_methods, .. } if remaining_methods.is_empty() && handle.is_closed() => {
                let reason = self.witness.end().unwrap_or("the host closed the connection");
                if reason.contains("authentication") {
                    return Err(RemoteError::Login(format!(
                        "{label} refused the login of {user} with {what}: {reason}"
                    )));
                }
                Err(RemoteError::Unreachable(format!("{label} closed the connection during the login: {reason}")))
            }
            AuthResult::Failure { partial_success: true, remaining_methods } => Err(RemoteError::Login(format!(
                "{label} accepted {what} of {user} but asks for more ({}): a bot can only log in with a key alone",
                methods(&remaining_methods)
            ))),
            AuthResult::Failure { remaining_methods, .. } => Err(RemoteError::Login(format!(
                "{label} refused the login of {user} with {what}: is its public key in {user}'s authorized_keys? \
                 (the host takes: {})",
                methods(&remaining_methods)
            ))),
        }
    }

    /// Nothing was sent that could be refused: the fault is on our side.
    fn refused(&self, why: &str) -> RemoteError {
        RemoteError::Login(format!("cannot log in to {} as {}: {why}", self.settings.label(), self.settings.user))
    }

    fn broken(&self, error: &dyn std::fmt::Display) -> RemoteError {
        let reason = self.witness.end().map_or_else(|| error.to_string(), str::to_owned);
        RemoteError::Unreachable(format!("{} closed the connection during the login: {reason}", self.settings.label()))
    }
}

/// An RSA key signs with the best hash the host knows; SHA-1 is refused by
/// every sshd since 8.8. When the host does not say, SHA-512 is right: RFC 8332
/// is older than all that are still served.
async fn rsa_hash(handle: &Handle<Gatekeeper>, key: &PublicKey) -> Result<Option<HashAlg>, russh::Error> {
    if !key.algorithm().is_rsa() {
        return Ok(None);
    }
    Ok(handle.best_supported_rsa_hash().await?.flatten().or(Some(HashAlg::Sha512)))
}

fn methods(methods: &russh::MethodSet) -> String {
    let names: Vec<String> = methods.iter().map(String::from).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
