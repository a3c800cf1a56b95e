//! The composition root: settings in, adapters and tasks out. The config is
//! converted here and dropped; no other room sees two adapters.

mod account;
mod bridge;
mod discover;
mod doctor;
mod found;
mod local_jobs;
mod remotes;

use std::sync::Arc;

use anyhow::Context;
use futures_util::StreamExt as _;
use secrecy::SecretString;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{
    config::Settings,
    console::{self, Terminal},
    domain::inbound::Me,
    engine::{
        event::Event,
        inbox::LedgerInbox,
        run::{EVENTS, Engine},
    },
    health::{self, HealthFile},
    heartbeat::Heartbeat,
    ledger::{LEDGER_FILE, SqliteLedger},
    lifecycle::{self, Lifecycle},
    matrix::{self, Matrix},
    ports::Ledger,
    state_dir::StateDir,
};

use self::{account::matrix_settings, remotes::remotes};
pub use self::{discover::discover, doctor::doctor, local_jobs::local_jobs};

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
        lifecycle.spawn("pins", bridge::pins(rooms, chat, sender.clone(), lifecycle.soft()));
    }
    lifecycle.spawn("rooms", bridge::rooms(rooms, chat, sender.clone(), lifecycle.soft()));
    lifecycle.spawn("notices", bridge::notices(notices, sender, lifecycle.soft()));
    if let Some(settings) = &settings.heartbeat {
        let heartbeat = Heartbeat::new(&settings.url.read()?, settings.every, health::FRESH)?;
        let (heard, stop) = (last_good_sync.clone(), lifecycle.soft());
        lifecycle.spawn("heartbeat", async move {
            heartbeat.run(heard, stop).await;
            Ok(())
        });
    }
    lifecycle.spawn("health", bridge::health(last_good_sync, health.clone(), lifecycle.soft()));
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
