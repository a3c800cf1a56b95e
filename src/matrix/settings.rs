//! What the Matrix side needs to know, in plain types. `app` fills it from the
//! config.

use std::{collections::BTreeSet, fmt, path::PathBuf, time::Duration};

use secrecy::SecretString;
use url::Url;

use crate::domain::names::{BadName, RoomId, UserId};

/// Everything about the bot's account, its rooms and its patience.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The client-server API's base URL; no discovery is done.
    pub homeserver: Url,
    /// The bot's own account.
    pub user: UserId,
    /// How to log in when there is no session, or when it died.
    pub login: Login,
    /// The device's name in people's session lists.
    pub device_name: String,
    /// Encrypts the store on disk. Changing it makes the store unreadable.
    pub passphrase: SecretString,
    /// Where the recovery key is written, or read from when it is there. Made
    /// with mode 0600.
    pub recovery_key_file: PathBuf,
    /// The rooms that are served. Nothing is read anywhere else.
    pub rooms: Vec<RoomRef>,
    /// Whose invites are taken, whose messages are read, and whose
    /// verifications are answered.
    pub operators: BTreeSet<UserId>,
    /// How long one long-poll may wait for news. 30 s is what homeservers and
    /// proxies are used to.
    pub sync_timeout: Duration,
    /// After so long without a good sync everything is taken up anew:
    /// connections, name look-ups, the store. More than `sync_timeout` plus
    /// a minute.
    pub stale_after: Duration,
}

/// A way to log in.
#[derive(Debug, Clone)]
pub enum Login {
    /// The account's password: heals a lost device by itself.
    Password(SecretString),
    /// An access token of a device made for this bot and used by nothing else.
    AccessToken(SecretString),
}

/// A room as the config names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RoomRef {
    /// Its internal ID.
    Id(RoomId),
    /// Its alias, `#name:server`, looked up at each start.
    Alias(String),
}

impl RoomRef {
    /// Takes `!id` or `#alias:server`.
    pub fn parse(given: &str) -> Result<Self, BadName> {
        if given.starts_with('!') {
            return RoomId::parse(given).map(Self::Id);
        }
        if matrix_sdk::ruma::RoomAliasId::parse(given).is_ok() {
            return Ok(Self::Alias(given.to_owned()));
        }
        Err(BadName {
            kind: "Matrix room",
            given: given.to_owned(),
            rule: "give its alias, like #ops:example.org, or its internal ID, which starts with '!'",
        })
    }
}

impl fmt::Display for RoomRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Alias(alias) => alias.fmt(f),
        }
    }
}
