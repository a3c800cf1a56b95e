//! The composition root: settings in, adapters and tasks out. The config is
//! converted here and dropped; no other room sees two adapters.

mod doctor;
mod local_jobs;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context;
use futures_util::StreamExt as _;
use secrecy::SecretString;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    config::{self, Credentials, HostKeys, MatrixSettings, Settings, SshSettings, Transport},
    console::{self, Terminal},
    domain::{
        inbound::Me,
        names::{HostName, RoomId},
        room::RoomAddress,
    },
    engine::{
        event::Event,
        inbox::LedgerInbox,
        run::{EVENTS, Engine},
    },
    health::{self, HealthFile},
    heartbeat::Heartbeat,
    ledger::{LEDGER_FILE, SqliteLedger},
    lifecycle::{self, Lifecycle, TaskResult},
    local::Local,
    matrix::{self, Login, Matrix, MatrixChat, Notice},
    ports::{Ledger, Remote, Remotes},
    ssh::{self, SshRemote},
    state_dir::StateDir,
};

pub use self::{doctor::doctor, local_jobs::local_jobs};

/// Keys that the bot makes for itself when the config names none.
const PASSPHRASE_FILE: &str = "store-passphrase";

/// Serves the rooms until told to stop.
pub async fn run(settings: Settings) -> anyhow::Result<()> {
    let lifecycle = Lifecycle::new();
    // From here on and not later: a first login may wait long for a homeserver,
    // and the kernel keeps a signal that nobody asked for from a container's
    // first process.
    let mut signals = lifecycle::signals()?;
    let state = Arc::new(StateDir::claim(&settings.state_dir)?);
    let health = HealthFile::in_dir(state.path());
    health.forget().context("cannot remove the health file of the process before")?;
    let ledger = open_ledger(&state)?;
    let (sender, receiver) = mpsc::channel(EVENTS);
    let inbox = Arc::new(LedgerInbox::new(Arc::clone(&ledger), sender.clone()));
    let account = matrix_settings(&settings, &state, None)?;
    let connected = tokio::select! {
        connected = matrix::connect(account, Arc::clone(&state), inbox) => connected?,
        Some(signal) = signals.next() => {
            info!("{signal}: stopped before the homeserver was reached");
            return Ok(());
        }
    };
    let Matrix { chat, life, notices, last_good_sync, rooms } = connected;
    let engine = Engine {
        inventory: Arc::new(settings.inventory.clone()),
        me: chat.me(),
        chat: Arc::new(chat.clone()),
        remotes: remotes(&settings)?,
        ledger,
        events: (sender.clone(), receiver),
    };
    // The engine's last words need the connection: it goes after the engine.
    let (soft, spoken) = (lifecycle.soft(), CancellationToken::new());
    let silent = spoken.clone();
    lifecycle.spawn("engine", async move {
        let _spoken = spoken.drop_guard();
        Ok(engine.run(soft).await?)
    });
    let soft = lifecycle.soft();
    lifecycle.spawn("matrix", async move {
        Box::pin(life.run(silent)).await?;
        soft.cancelled().await;
        Ok(())
    });
    if settings.dashboard {
        let (rooms, chat) = (rooms.clone(), chat.clone());
        lifecycle.spawn("pins", tell_pins(rooms, chat, sender.clone(), lifecycle.soft()));
    }
    lifecycle.spawn("rooms", tell_rooms(rooms, chat, sender.clone(), lifecycle.soft()));
    lifecycle.spawn("notices", tell_notices(notices, sender, lifecycle.soft()));
    if let Some(settings) = &settings.heartbeat {
        let heartbeat = Heartbeat::new(&settings.url.read()?, settings.every, health::FRESH)?;
        let (heard, stop) = (last_good_sync.clone(), lifecycle.soft());
        lifecycle.spawn("heartbeat", async move {
            heartbeat.run(heard, stop).await;
            Ok(())
        });
    }
    lifecycle.spawn("health", keep_health(last_good_sync, health.clone(), lifecycle.soft()));
    drop(settings);
    let ended = lifecycle.run(signals, lifecycle::GRACE).await;
    health.forget().context("cannot remove the health file")?;
    ended?;
    info!("stopped");
    Ok(())
}

/// The same dispatcher with the terminal in the room's place.
pub async fn console(settings: Settings) -> anyhow::Result<()> {
    let lifecycle = Lifecycle::new();
    let state = StateDir::claim(&settings.state_dir)?;
    let ledger = open_ledger(&state)?;
    let (sender, receiver) = mpsc::channel(EVENTS);
    let inbox = Arc::new(LedgerInbox::new(Arc::clone(&ledger), sender.clone()));
    let (terminal, output) = Terminal::new();
    let user = console::user()?;
    let engine = Engine {
        inventory: Arc::new(settings.inventory.clone()),
        me: Me { user, display_name: None },
        chat: Arc::new(terminal),
        remotes: remotes(&settings)?,
        ledger,
        events: (sender.clone(), receiver),
    };
    sender.send(Event::RoomReady(console::room()?)).await?;
    let soft = lifecycle.soft();
    lifecycle.spawn("engine", async move { Ok(engine.run(soft).await?) });
    let (stop, done) = (lifecycle.soft(), lifecycle.clone());
    lifecycle.spawn_once("terminal", async move {
        tokio::select! {
            // What ends because all ends is no failure.
            biased;
            () = stop.cancelled() => {}
            read = console::read(inbox, output, jiff::Timestamp::now()) => read?,
        }
        done.stop();
        Ok(())
    });
    lifecycle.run(lifecycle::signals()?, lifecycle::GRACE).await?;
    Ok(())
}

/// Makes the bot's session, its identity and its recovery key. The password
/// is asked for on the terminal where the config names none.
pub async fn login(settings: Settings) -> anyhow::Result<()> {
    let state = StateDir::claim(&settings.state_dir)?;
    let typed = match settings.matrix.credentials {
        Some(_) => None,
        None => {
            let prompt = format!("Password of {}: ", settings.matrix.user);
            let typed = tokio::task::spawn_blocking(move || rpassword::prompt_password(prompt)).await??;
            Some(SecretString::from(typed))
        }
    };
    let account = matrix_settings(&settings, &state, typed)?;
    let device = Box::pin(matrix::login(&account, &state)).await?;
    info!(user = %account.user, %device, "logged in; start it with `opsroom run`");
    Ok(())
}

fn open_ledger(state: &StateDir) -> anyhow::Result<Arc<dyn Ledger>> {
    let file = state.path().join(LEDGER_FILE);
    let ledger = SqliteLedger::open(&file).with_context(|| format!("cannot open {}", file.display()))?;
    Ok(Arc::new(ledger))
}

fn matrix_settings(
    settings: &Settings,
    state: &StateDir,
    typed: Option<SecretString>,
) -> anyhow::Result<matrix::Settings> {
    let matrix = &settings.matrix;
    let login = match typed {
        Some(password) => Login::Password(password),
        // A session made by `opsroom login` goes on until it dies.
        None => login_of(matrix)?.unwrap_or_else(|| Login::Password(SecretString::default())),
    };
    let passphrase = match &matrix.store_passphrase {
        Some(secret) => secret.read()?,
        None => own_passphrase(state.path())?,
    };
    Ok(matrix::Settings {
        homeserver: matrix.homeserver.clone(),
        user: matrix.user.clone(),
        login,
        device_name: matrix.device_name.clone(),
        passphrase,
        recovery_key_file: matrix.recovery_key_file.clone(),
        rooms: settings.rooms.iter().map(|room| room.address.clone()).collect(),
        operators: settings.inventory.operators.keys().cloned().collect(),
        sync_timeout: Duration::from_secs(30),
        stale_after: Duration::from_secs(120),
    })
}

/// What the config has for logging in.
fn login_of(matrix: &MatrixSettings) -> anyhow::Result<Option<Login>> {
    Ok(match &matrix.credentials {
        Some(Credentials::Password(secret)) => Some(Login::Password(secret.read()?)),
        Some(Credentials::AccessToken(secret)) => Some(Login::AccessToken(secret.read()?)),
        None => None,
    })
}

/// The store's passphrase, made once. Beside the store it guards against a
/// copied database, not against a copied directory; who wants more names a
/// file elsewhere.
fn own_passphrase(directory: &Path) -> anyhow::Result<SecretString> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let file = directory.join(PASSPHRASE_FILE);
    if !file.exists() {
        let bytes: [u8; 32] = rand::random();
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let fresh = directory.join(format!("{PASSPHRASE_FILE}.new"));
        let mut out = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        std::fs::rename(&fresh, &file)?;
    }
    Ok(config::secret::read_file(&file)?)
}

/// The ways to the hosts. Jump hosts are made before those behind them; the
/// config has refused circles.
fn remotes(settings: &Settings) -> anyhow::Result<Remotes> {
    let mut made: BTreeMap<HostName, Arc<SshRemote>> = BTreeMap::new();
    let mut remotes = Remotes::new();
    let mut waiting: Vec<(&HostName, &SshSettings)> = Vec::new();
    for host in &settings.hosts {
        match &host.transport {
            Transport::Local => {
                remotes.insert(host.name.clone(), Arc::new(Local::new()) as Arc<dyn Remote>);
            }
            Transport::Ssh(ssh) => waiting.push((&host.name, ssh)),
        }
    }
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut later = Vec::new();
        for (name, ssh) in waiting {
            let jump = match &ssh.jump {
                Some(jump) if !made.contains_key(jump) => {
                    later.push((name, ssh));
                    continue;
                }
                Some(jump) => made.get(jump).cloned(),
                None => None,
            };
            let settings = ssh_settings(name, ssh)?;
            let remote = Arc::new(match jump {
                Some(jump) => SshRemote::behind(jump, settings),
                None => SshRemote::new(settings),
            });
            remotes.insert(name.clone(), Arc::clone(&remote) as Arc<dyn Remote>);
            made.insert(name.clone(), remote);
        }
        waiting = later;
        anyhow::ensure!(waiting.len() < before, "the jump hosts form a circle");
    }
    Ok(remotes)
}

fn ssh_settings(name: &HostName, ssh: &SshSettings) -> anyhow::Result<ssh::Settings> {
    let auth = match &ssh.identity {
        config::Identity::Key { file, passphrase } => ssh::Auth::KeyFile {
            path: file.clone(),
            passphrase: passphrase.as_ref().map(config::Secret::read).transpose()?,
        },
        config::Identity::Agent { socket } => {
            let from_environment = || std::env::var_os("SSH_AUTH_SOCK").map(Into::into);
            let socket = socket.clone().or_else(from_environment);
            let socket = socket.with_context(|| format!("host {name}: agent = true, but SSH_AUTH_SOCK is not set"))?;
            ssh::Auth::Agent { socket }
        }
    };
    let trust = match &ssh.host_keys {
        HostKeys::Pinned(keys) => {
            let keys: Result<Vec<_>, _> = keys.iter().map(|key| ssh::HostKey::parse(key.as_str())).collect();
            ssh::Trust::Pinned(keys.with_context(|| format!("host {name}"))?)
        }
        HostKeys::KnownHosts(file) => ssh::Trust::KnownHosts(file.clone()),
    };
    let mut settings = ssh::Settings::new(name.clone(), ssh.address.clone(), ssh.user.clone(), auth, trust);
    settings.port = ssh.port;
    settings.connect_limit = ssh.connect_timeout;
    settings.keepalive_interval = ssh.keepalive;
    settings.idle_limit = ssh.idle_timeout;
    settings.max_sessions = ssh.max_sessions as usize;
    Ok(settings)
}

/// Tells the engine what it is called and in which rooms it can speak.
async fn tell_rooms(
    mut rooms: watch::Receiver<BTreeMap<RoomAddress, RoomId>>,
    chat: MatrixChat,
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
) -> TaskResult {
    let mut told = BTreeSet::new();
    while !stop.is_cancelled() {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            changed = rooms.changed() => changed.context("the Matrix side has ended")?,
        }
        let known: Vec<RoomId> = rooms.borrow_and_update().values().cloned().collect();
        events.send(Event::Named(chat.me())).await?;
        for room in known {
            if told.insert(room.clone()) {
                events.send(Event::RoomReady(room)).await?;
            }
        }
        info!("ready: in {} of the configured rooms", told.len());
    }
    Ok(())
}

/// Tells the engine in which rooms the bot may pin a dashboard. One that does
/// not allow it may do so later.
async fn tell_pins(
    mut rooms: watch::Receiver<BTreeMap<RoomAddress, RoomId>>,
    chat: MatrixChat,
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
) -> TaskResult {
    /// What is looked at is in memory; somebody who has just raised the bot's
    /// power waits for what comes of it.
    const EVERY: Duration = Duration::from_secs(10);
    let (mut may, mut may_not) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let known: Vec<RoomId> = rooms.borrow_and_update().values().cloned().collect();
        for room in known.into_iter().filter(|room| !may.contains(room)).collect::<Vec<_>>() {
            match chat.may_pin(&room).await {
                Some(true) => {
                    may.insert(room.clone());
                    events.send(Event::MayPin(room)).await?;
                }
                Some(false) if may_not.insert(room.clone()) => {
                    info!(%room, "no dashboard: the bot may not pin messages there; give it the power to");
                }
                Some(false) | None => {}
            }
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            changed = rooms.changed() => changed.context("the Matrix side has ended")?,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Hands on what the Matrix side has to say about itself.
async fn tell_notices(
    mut notices: mpsc::Receiver<Notice>,
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
) -> TaskResult {
    loop {
        let notice = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            notice = notices.recv() => notice.context("the Matrix side has ended")?,
        };
        match notice {
            Notice::Unreadable { room, event, sender, why } => {
                warn!(%room, %event, %sender, ?why, "a message that cannot be read");
                events.send(Event::Unreadable { room, event, why }).await?;
            }
            Notice::ConnectionLost { cause } => warn!("the homeserver is out of reach: {cause}"),
            Notice::ConnectionRestored { after } => info!("the homeserver is back after {after:.1?}"),
            Notice::IdentityChanged { user } => warn!(%user, "an operator has new cross-signing keys"),
            Notice::DeviceReplaced { device } => warn!(%device, "the bot has a new device"),
            Notice::HistoryTooLong { room, read } => {
                warn!(%room, read, "more was said while the bot was away than is read back");
            }
        }
    }
}

/// Writes the time of the last good sync where the health check looks for it.
async fn keep_health(
    mut last_good: watch::Receiver<Option<std::time::Instant>>,
    file: HealthFile,
    stop: CancellationToken,
) -> TaskResult {
    /// Exact enough, and a busy room need not wear the disk.
    const EVERY: Duration = Duration::from_secs(5);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            changed = last_good.changed() => changed.context("the Matrix side has ended")?,
        }
        let Some(at) = *last_good.borrow_and_update() else { continue };
        let (file, at) = (file.clone(), SystemTime::now() - at.elapsed());
        tokio::task::spawn_blocking(move || file.write(at)).await??;
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
