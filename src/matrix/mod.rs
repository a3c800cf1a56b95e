//! The Matrix side: the only room that knows matrix_sdk.
//!
//! # Lifecycle
//!
//! [`connect`] takes up the saved session, or logs in and makes one: a device
//! of the bot's own, its tokens in a file, its keys in an encrypted store.
//! [`MatrixLoop::run`] then goes, for each session, through these steps:
//!
//! 1. a first sync that does not wait;
//! 2. the cross-signing identity and the recovery key (`identity`), and the
//!    proof that the homeserver has this device's keys (`device`);
//! 3. the served rooms' IDs (`rooms`), their members and those people's keys;
//! 4. the long-poll (`sync`), and beside it the digest of what it brings
//!    (`digest`), which begins by reading each room back to where the inbox
//!    stands (`backfill`).
//!
//! What a person wrote goes to the [`Inbox`]; what the engine says comes
//! through [`MatrixChat`], which lives over all sessions. A session that the
//! homeserver drops is made anew: at the same device after a soft logout, at a
//! new one when the device is gone.
//!
//! # Invariants
//!
//! - An event of a served room is in the inbox, parked, or behind nothing: the
//!   room's position moves only together with what was accepted.
//! - A store is never used with another device's session, nor by two clients.
//! - Nothing is read in a room that is not served; nothing is read from people
//!   who are not operators; nothing is read or written across a device that its
//!   owner has not signed.
//! - Nothing waits and tries again inside the SDK.

mod error;
mod notice;
mod settings;

mod account;
mod device;
mod heal;
mod identity;
mod people;
mod session;

mod backfill;
mod digest;
mod errands;
mod health;
mod inbound;
mod late;
mod parked;
mod rooms;
mod sync;
mod verification;

mod chat;
mod examine;
mod outbound;
mod reconnect;
mod run;

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use tokio::sync::{RwLock, mpsc, watch};

pub use self::{
    chat::MatrixChat,
    error::Error,
    examine::{Subject, examine},
    notice::{Notice, Unreadable},
    run::MatrixLoop,
    settings::{Login, Settings},
};
use self::{
    health::{Health, Notices},
    session::SessionHome,
};
use crate::{
    domain::{inbound::Me, names::RoomId, room::RoomAddress},
    ports::Inbox,
    state_dir::StateDir,
};

/// Notices that wait for the engine. More than an outage and a handful of
/// unreadable messages make at once.
const NOTICES: usize = 64;

/// The parts of a connected bot.
pub struct Matrix {
    /// Its mouth.
    pub chat: MatrixChat,
    /// Its life, to be driven until shutdown.
    pub life: MatrixLoop,
    /// What it has to say about itself.
    pub notices: mpsc::Receiver<Notice>,
    /// When it last heard from the homeserver.
    pub last_good_sync: watch::Receiver<Option<Instant>>,
    /// The configured rooms that the bot is in, and their IDs: known after the
    /// first sync, more when it is invited to another.
    pub rooms: watch::Receiver<BTreeMap<RoomAddress, RoomId>>,
}

/// Opens the saved session, or logs in. With a saved session this needs no
/// network; what is wrong with it shows in [`MatrixLoop::run`].
pub async fn connect(settings: Settings, state: Arc<StateDir>, inbox: Arc<dyn Inbox>) -> Result<Matrix, Error> {
    let home = SessionHome::new(state.path());
    let opened = reconnect::open(&settings, &home).await?;
    let (me, me_seen) = watch::channel(Me { user: settings.user.clone(), display_name: None });
    let (rooms, rooms_seen) = watch::channel(BTreeMap::new());
    let (notices, notices_taken) = mpsc::channel(NOTICES);
    let (last_good, last_good_sync) = watch::channel(None);
    let link = Arc::new(RwLock::new(None));
    let open = notices;
    let notices = Notices::to(&open);
    let health = Health::new(last_good, notices.clone());
    let chat = MatrixChat { link: link.clone(), me: me_seen, notices: notices.clone() };
    let opened = Some(opened);
    let life =
        MatrixLoop { settings, home, inbox, link, me, rooms, notices, health, opened, _open: open, _claim: state };
    Ok(Matrix { chat, life, notices: notices_taken, last_good_sync, rooms: rooms_seen })
}

/// Logs in and makes everything that a first start would make, without serving
/// any room: for `opsroom login`. Gives the device's ID.
pub async fn login(settings: &Settings, state: &StateDir) -> Result<String, Error> {
    let home = SessionHome::new(state.path());
    reconnect::log_in(settings, &home).await
}
