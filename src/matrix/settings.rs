//! What the Matrix side needs to know, in plain types. `app` fills it from the
//! config.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use secrecy::SecretString;
use url::Url;

use crate::domain::{names::UserId, room::RoomAddress};

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
    pub rooms: Vec<RoomAddress>,
    /// Whose invites are taken, whose messages are read, and whose
    /// verifications are answered.
    pub operators: BTreeSet<UserId>,
    /// How long one long-poll may wait for news. 30 s is what homeservers and
    /// proxies are used to.
    pub sync_timeout: Duration,
    /// After so long without a good sync it reconnects:
    /// connections, name look-ups, the store. More than `sync_timeout` plus
    /// a minute.
    pub reconnect_after: Duration,
}

/// A way to log in.
#[derive(Debug, Clone)]
pub enum Login {
    /// The account's password: heals a lost device by itself.
    Password(SecretString),
    /// An access token of a device made for this bot and used by nothing else.
    AccessToken(SecretString),
}
