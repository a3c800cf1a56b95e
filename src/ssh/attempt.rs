//! Makes one connection: name, TCP or jump host, handshake, login, all within
//! one limit. Every way in which it fails has a sentence that names the cause.

use std::{
    io::ErrorKind,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::BoxFuture;
use russh::{ChannelOpenFailure, client};
use tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    Settings,
    connection::{Connection, Lease, NotOpened, Purpose},
    gatekeeper::{Gatekeeper, Witness},
    known::Known,
    login,
    wire::{Greeting, Stream, Wire},
};
use crate::{domain::names::HostName, ports::RemoteError};

/// A host that others are reached through.
pub(super) trait Jump: Send + Sync {
    /// What the config calls it.
    fn name(&self) -> &HostName;

    /// A connection to it. Waits for as long as making one takes.
    fn lease(&self) -> BoxFuture<'_, Result<Lease, RemoteError>>;

    /// New leases are not of this connection any more.
    fn retire(&self, connection: &Arc<Connection>);
}

/// How far the attempt has come: what it was waiting for when time ran out.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Resolving,
    Connecting,
    Handshake,
    Login,
}

/// Connects and logs in. Fails within the settings' `connect_limit`; a jump
/// host has its own before that.
pub(super) async fn connect(settings: Arc<Settings>, jump: Option<Arc<dyn Jump>>) -> Result<Connection, RemoteError> {
    // Cancelled when this is left without a connection, by whatever way: a
    // handshake that has begun would live on in russh's own task.
    let cut = CancellationToken::new();
    let guard = cut.clone().drop_guard();
    let attempt = Attempt { settings, stage: Mutex::new(Stage::Resolving), cut };
    let jump = match jump.as_deref() {
        Some(jump) => Some((jump, attempt.jump_lease(jump).await?)),
        None => None,
    };
    let connection = match timeout(attempt.settings.connect_limit, attempt.run(jump)).await {
        Ok(result) => result?,
        Err(_) => return Err(attempt.too_late()),
    };
    guard.disarm();
    Ok(connection)
}

struct Attempt {
    settings: Arc<Settings>,
    stage: Mutex<Stage>,
    cut: CancellationToken,
}

impl Attempt {
    async fn run(&self, jump: Option<(&dyn Jump, Lease)>) -> Result<Connection, RemoteError> {
        let settings = &self.settings;
        let deadline = Instant::now() + settings.connect_limit;
        let known = Known::gather(settings).await?;
        let (stream, through) = match jump {
            Some((jump, lease)) => {
                let (stream, lease) = self.through(jump, lease, deadline).await?;
                (stream, Some(lease))
            }
            None => (self.tcp(deadline).await?, None),
        };
        self.enter(Stage::Handshake);
        let config = Arc::new(client::Config {
            preferred: known.preferred(),
            keepalive_interval: Some(settings.keepalive_interval),
            keepalive_max: settings.keepalive_max,
            ..client::Config::default()
        });
        let witness = Arc::new(Witness::default());
        let greeting = Greeting::default();
        let wire = Wire::new(stream, self.cut.clone(), greeting.clone());
        let gatekeeper = Gatekeeper { known, witness: Arc::clone(&witness) };
        let mut handle = client::connect_stream(config, wire, gatekeeper)
            .await
            .map_err(|error| self.bad_handshake(error, &witness, &greeting))?;
        self.enter(Stage::Login);
        login::log_in(&mut handle, settings, &witness).await?;
        let recycle_after = settings.recycle_after.mul_f64(rand::random_range(0.9..=1.0));
        Ok(Connection::new(handle, witness, greeting.version(), recycle_after, self.cut.clone(), through))
    }

    /// Tries each address the name has, and gives each a share of the time: a
    /// dead IPv6 route must not use up what IPv4 needs.
    async fn tcp(&self, deadline: Instant) -> Result<Box<dyn Stream>, RemoteError> {
        let settings = &self.settings;
        let cannot_resolve =
            |why: &str| RemoteError::Unreachable(format!("{}: the name cannot be resolved: {why}", settings.label()));
        let addresses: Vec<_> = lookup_host((settings.address.as_str(), settings.port))
            .await
            .map_err(|error| cannot_resolve(&error.to_string()))?
            .collect();
        self.enter(Stage::Connecting);
        let mut last = None;
        for (index, address) in addresses.iter().enumerate() {
            let now = Instant::now();
            let share = deadline.saturating_duration_since(now) / (addresses.len() - index) as u32;
            match timeout_at(now + share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Commands are small; none should wait for the next one.
                    let _ = stream.set_nodelay(true);
                    return Ok(Box::new(stream));
                }
                Ok(Err(error)) => last = Some(self.no_tcp(&error)),
                Err(_) => last = Some(self.too_late()),
            }
        }
        Err(last.unwrap_or_else(|| cannot_resolve("it has no address")))
    }

    async fn jump_lease(&self, jump: &dyn Jump) -> Result<Lease, RemoteError> {
        let prefix = |text| self.by_jump(jump, text);
        jump.lease().await.map_err(|error| match error {
            RemoteError::HostKey(text) => RemoteError::HostKey(prefix(text)),
            RemoteError::Login(text) => RemoteError::Login(prefix(text)),
            RemoteError::Unreachable(text) | RemoteError::Busy(text) | RemoteError::Lost(text) => {
                RemoteError::Unreachable(prefix(text))
            }
            RemoteError::TimedOut(limit) => RemoteError::Unreachable(prefix(format!("no answer within {limit:?}"))),
        })
    }

    async fn through(
        &self,
        jump: &dyn Jump,
        mut lease: Lease,
        deadline: Instant,
    ) -> Result<(Box<dyn Stream>, Lease), RemoteError> {
        self.enter(Stage::Connecting);
        let Settings { address, port, .. } = &*self.settings;
        let purpose = Purpose::Tcp { address: address.clone(), port: *port };
        let mut opened = lease.connection().open(purpose.clone(), deadline).await;
        if let Err(NotOpened::Gone(_)) = opened {
            // It had died unnoticed. A fresh one that dies too is a finding.
            jump.retire(lease.connection());
            lease = self.jump_lease(jump).await?;
            opened = lease.connection().open(purpose, deadline).await;
        }
        let endpoint = self.settings.endpoint();
        let why = match opened {
            Ok(opened) => match opened.into_channel() {
                Some(channel) => return Ok((Box::new(channel.into_stream()), lease)),
                None => "the channel was closed at once".to_owned(),
            },
            Err(NotOpened::Refused(ChannelOpenFailure::AdministrativelyProhibited)) => format!(
                "it does not allow forwarding to {endpoint}: see AllowTcpForwarding in its sshd_config, and `restrict` \
                 or `permitopen` in authorized_keys"
            ),
            Err(NotOpened::Refused(_)) => {
                format!("it cannot connect to {endpoint}: is the host up, and sshd running there?")
            }
            Err(NotOpened::Gone(why)) => why,
            Err(NotOpened::Silent) => format!("no connection to {endpoint} in time"),
        };
        Err(RemoteError::Unreachable(self.by_jump(jump, why)))
    }

    fn by_jump(&self, jump: &dyn Jump, text: String) -> String {
        format!("{}: jump host {}: {text}", self.settings.name, jump.name())
    }

    fn enter(&self, stage: Stage) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    fn too_late(&self) -> RemoteError {
        let limit = self.settings.connect_limit;
        let what = match *self.stage.lock().unwrap_or_else(PoisonError::into_inner) {
            Stage::Resolving => "its name was not resolved",
            Stage::Connecting => "did not answer",
            Stage::Handshake => "took the connection but did not finish the SSH handshake",
            Stage::Login => "did not answer the login",
        };
        RemoteError::Unreachable(format!("{} {what} within {limit:?}", self.settings.label()))
    }

    fn no_tcp(&self, error: &std::io::Error) -> RemoteError {
        let label = self.settings.label();
        RemoteError::Unreachable(match error.kind() {
            ErrorKind::ConnectionRefused => format!("{label} refused the connection: is sshd running there?"),
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
                format!("there is no route to {label}: is it up, and on this network?")
            }
            ErrorKind::TimedOut => format!("{label} did not answer"),
            _ => format!("{label} cannot be reached: {error}"),
        })
    }

    fn bad_handshake(&self, error: russh::Error, witness: &Witness, greeting: &Greeting) -> RemoteError {
        let label = self.settings.label();
        if let Some(sentence) = witness.refusal() {
            return RemoteError::HostKey(sentence.to_owned());
        }
        if let Some(complaint) = greeting.complaint() {
            return RemoteError::Unreachable(format!("{label} closed the connection, saying: {complaint}"));
        }
        RemoteError::Unreachable(match error {
            russh::Error::NoCommonAlgo { kind, ours, theirs } => format!(
                "{label} and opsroom have no {kind:?} algorithm in common (ours: {}; its: {})",
                ours.join(", "),
                theirs.join(", ")
            ),
            russh::Error::Version => format!("{label} does not speak SSH 2"),
            russh::Error::IO(_) | russh::Error::HUP | russh::Error::Disconnect => {
                format!("{label} closed the connection during the handshake")
            }
            error => format!("{label}: the SSH handshake failed: {error}"),
        })
    }
}
