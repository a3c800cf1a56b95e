//! A config that was found to be right, in plain types: what `app` builds the
//! adapters from. Every reference in it resolves; no secret is in it, only
//! where each secret is. Paths that came from a file are absolute.

use std::{path::PathBuf, time::Duration};

use super::{host_key::HostKey, secret::Secret};
use crate::domain::{
    discovery,
    inventory::{self, Inventory},
    names::{HostName, LoginName, UserId},
    room::RoomAddress,
};

/// The whole config.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The bot's own account.
    pub matrix: MatrixSettings,
    /// The rooms it serves; at least one.
    pub rooms: Vec<RoomSettings>,
    /// Whether each room that allows it gets a dashboard.
    pub dashboard: bool,
    /// Who is told that the bot lives, if anybody.
    pub heartbeat: Option<HeartbeatSettings>,
    /// The machines, in the order of the file. `inventory.hosts` has the same
    /// ones in the same order.
    pub hosts: Vec<HostSettings>,
    /// Where the bot keeps what must survive it. May not exist yet.
    pub state_dir: PathBuf,
    /// Services, operators, commands and watching: what the domain knows.
    pub inventory: Inventory,
}

/// How the bot reaches Matrix, and as whom.
#[derive(Debug, Clone)]
pub struct MatrixSettings {
    /// The homeserver's base URL: `https`, or `http` to this machine.
    pub homeserver: url::Url,
    /// The bot's full ID.
    pub user: UserId,
    /// How it logs in. `None`: `opsroom login` asks on the terminal.
    pub credentials: Option<Credentials>,
    /// Holds the recovery key: read when it is there, written by `opsroom
    /// login` when it is not. By default `recovery-key` in the state directory.
    pub recovery_key_file: PathBuf,
    /// The bot's session as people see it in their client.
    pub device_name: String,
    /// Encrypts the crypto store. `None`: make one at random in the state
    /// directory, once, with mode 0600.
    pub store_passphrase: Option<Secret>,
}

/// A URL that is fetched as long as the bot is well.
#[derive(Debug, Clone)]
pub struct HeartbeatSettings {
    /// Who knows it can feign the bot's life: a secret.
    pub url: Secret,
    /// How often it is fetched.
    pub every: Duration,
}

/// What proves to the homeserver who the bot is.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// The account's password; makes a session with `opsroom login`.
    Password(Secret),
    /// A token of a session that exists already.
    AccessToken(Secret),
}

/// A room the bot serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomSettings {
    /// How the config names it.
    pub address: RoomAddress,
}

/// A machine and how it is reached.
#[derive(Debug, Clone)]
pub struct HostSettings {
    /// Its name in the room.
    pub name: HostName,
    /// The way there.
    pub transport: Transport,
    /// What of that which runs there becomes a service without being in the config.
    pub discover: Option<discovery::Policy>,
}

impl HostSettings {
    /// What the engine knows of it.
    pub(super) fn in_inventory(&self) -> inventory::Host {
        let any_of = match &self.transport {
            Transport::AnyOf(hosts) => hosts.clone(),
            Transport::Local | Transport::Ssh(_) => Vec::new(),
        };
        inventory::Host { name: self.name.clone(), any_of, discover: self.discover.clone() }
    }
}

/// How commands get to a host.
#[derive(Debug, Clone)]
pub enum Transport {
    /// The machine the bot runs on.
    Local,
    /// Any other one.
    Ssh(Box<SshSettings>),
    /// One of these, which are no such themselves. Never empty.
    AnyOf(Vec<HostName>),
}

/// One SSH connection.
#[derive(Debug, Clone)]
pub struct SshSettings {
    /// A host name or an IP address, without a port.
    pub address: String,
    /// Its port.
    pub port: u16,
    /// The login there.
    pub user: LoginName,
    /// What proves who we are.
    pub identity: Identity,
    /// What proves who the host is.
    pub host_keys: HostKeys,
    /// The host through which this one is reached. Names an SSH host; there
    /// is no circle.
    pub jump: Option<HostName>,
    /// The longest a connection may take to be ready, login included.
    pub connect_timeout: Duration,
    /// How often a silent connection is asked whether it still lives.
    pub keepalive: Duration,
    /// An unused connection is closed after this.
    pub idle_timeout: Duration,
    /// Commands at once on the connection (sshd's MaxSessions is 10).
    pub max_sessions: u32,
}

/// What the bot shows to a host.
#[derive(Debug, Clone)]
pub enum Identity {
    /// A private key.
    Key {
        /// In OpenSSH's or PEM format.
        file: PathBuf,
        /// What the file is encrypted with, if it is.
        passphrase: Option<Secret>,
    },
    /// An agent holds the keys.
    Agent {
        /// Its socket; `None`: the one `SSH_AUTH_SOCK` names.
        socket: Option<PathBuf>,
    },
}

/// What a host must show to the bot.
#[derive(Debug, Clone)]
pub enum HostKeys {
    /// One of these keys. Never empty.
    Pinned(Vec<HostKey>),
    /// A key that this file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) has for it.
    KnownHosts(PathBuf),
}
