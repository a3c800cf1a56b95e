//! What is to be known of a host before it is first reached.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;

use super::HostKey;
use crate::domain::names::{HostName, LoginName};

/// One host: where it is, who we are there, and how we know that it is it.
#[derive(Debug)]
pub struct Settings {
    /// What the config calls it; every error names it.
    pub name: HostName,
    /// A DNS name or an IP address. With a jump host, as the jump host sees it.
    pub address: String,
    /// Where sshd listens.
    pub port: u16,
    /// The login on the host.
    pub user: LoginName,
    /// What proves that we are `user`.
    pub auth: Auth,
    /// What proves that the host is the host.
    pub trust: Trust,
    /// The longest that resolving, TCP, handshake and login may take together.
    pub connect_limit: Duration,
    /// Silence after which the host is asked for a sign of life.
    pub keepalive_interval: Duration,
    /// Unanswered questions after which the connection counts as lost: a dead
    /// host is noticed after `keepalive_interval × (keepalive_max + 1)`.
    pub keepalive_max: usize,
    /// A connection on which nothing ran for this long is closed; the next
    /// command makes a new one.
    pub idle_limit: Duration,
    /// A connection older than this takes no new commands: long-lived ones
    /// have died around the rekey that OpenSSH does after an hour.
    pub recycle_after: Duration,
    /// Commands at once. Stay below sshd's `MaxSessions` (10 by default): it
    /// gives a slot back a little after the command has ended.
    pub max_sessions: usize,
}

impl Settings {
    /// A host on port 22, reached directly, with the limits that suit one on
    /// the same continent.
    pub fn new(name: HostName, address: impl Into<String>, user: LoginName, auth: Auth, trust: Trust) -> Self {
        Self {
            name,
            address: address.into(),
            port: 22,
            user,
            auth,
            trust,
            connect_limit: Duration::from_secs(10),
            keepalive_interval: Duration::from_secs(15),
            keepalive_max: 2,
            idle_limit: Duration::from_secs(10 * 60),
            recycle_after: Duration::from_secs(50 * 60),
            max_sessions: 8,
        }
    }

    /// `spark-1 (192.0.2.5:22)`: how sentences name the host.
    pub(super) fn label(&self) -> String {
        format!("{} ({})", self.name, self.endpoint())
    }

    /// `192.0.2.5:22`, `[2001:db8::5]:22`.
    pub(super) fn endpoint(&self) -> String {
        if self.address.contains(':') {
            format!("[{}]:{}", self.address, self.port)
        } else {
            format!("{}:{}", self.address, self.port)
        }
    }
}

/// What proves to the host who we are.
#[derive(Debug)]
pub enum Auth {
    /// A private key in a file that only its owner can read. Read afresh for
    /// each connection, so that it can be replaced while the bot runs.
    KeyFile {
        /// Any format ssh-keygen(1) writes.
        path: PathBuf,
        /// For an encrypted key.
        passphrase: Option<SecretString>,
    },
    /// The keys of the ssh-agent(1) that listens on this socket.
    Agent {
        /// What `SSH_AUTH_SOCK` would hold.
        socket: PathBuf,
    },
}

/// What proves to us that the host is the host.
#[derive(Debug)]
pub enum Trust {
    /// These keys and no other. An empty list trusts nothing: every connection
    /// is refused with the line that would pin the key that was shown.
    Pinned(Vec<HostKey>),
    /// A file in the format of sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. Read
    /// afresh for each connection.
    KnownHosts(PathBuf),
}
