//! Which connection is the current one, and who makes the next.
//!
//! Whoever needs a connection while there is none joins the attempt that is
//! in progress or begins one. An answer is never older than the question: a
//! failure is kept for show ([`LinkState`]) and answers nobody who asks later.
//! What is bounded instead is how often a host is tried, whoever asks.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep_until, timeout_at},
};

use super::{
    Settings,
    attempt::{self, Jump},
    connection::{Connection, Lease},
};
use crate::ports::RemoteError;

/// At most one attempt per second and host: sshd drops unauthenticated
/// connections at ten at once (`MaxStartups`), and newer ones lock out an
/// address that fails often (`PerSourcePenalties`).
const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(1);

type Outcome = Option<Result<Arc<Connection>, RemoteError>>;

/// How a host's connection is, as far as it is known without asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// No connection, and none that failed: not needed yet, or closed as idle.
    Idle,
    /// Somebody is waiting for one.
    Connecting,
    /// It stands.
    Up {
        /// For how long.
        age: Duration,
    },
    /// The last attempt failed, or the last connection was lost.
    Down {
        /// How long ago.
        age: Duration,
        /// The sentence of the error.
        cause: String,
    },
}

/// One host's connection, through all its lives.
pub(super) struct Link {
    settings: Arc<Settings>,
    /// The host is reached through this one.
    jump: Option<Arc<dyn Jump>>,
    state: Mutex<State>,
    /// The attempt in progress, and one keeper per connection. They hold the
    /// link weakly, and end with it.
    tasks: Mutex<JoinSet<()>>,
}

struct State {
    phase: Phase,
    /// When the last attempt began.
    attempted: Option<Instant>,
    failure: Option<(Instant, String)>,
}

enum Phase {
    Down,
    Connecting(watch::Receiver<Outcome>),
    Up(Arc<Connection>),
}

impl Link {
    pub(super) fn new(settings: Settings, jump: Option<Arc<dyn Jump>>) -> Self {
        Self {
            jump,
            settings: Arc::new(settings),
            state: Mutex::new(State { phase: Phase::Down, attempted: None, failure: None }),
            tasks: Mutex::new(JoinSet::new()),
        }
    }

    pub(super) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// A usable connection, the one that stands or a new one. Nothing was
    /// started when this fails.
    pub(super) async fn lease(self: &Arc<Self>, deadline: Instant) -> Result<Lease, RemoteError> {
        let mut attempt = match self.current() {
            Ok(lease) => return Ok(lease),
            Err(attempt) => attempt,
        };
        let outcome = match timeout_at(deadline, attempt.wait_for(Option::is_some)).await {
            Ok(Ok(outcome)) => outcome.clone(),
            // Only when the runtime stops under it.
            Ok(Err(_)) => None,
            Err(_) => {
                return Err(RemoteError::Unreachable(format!("{} was not reached in time", self.settings.label())));
            }
        };
        match outcome {
            Some(Ok(connection)) => Ok(Lease::new(&connection)),
            Some(Err(error)) => Err(error),
            None => Err(RemoteError::Unreachable(format!("{}: connecting was broken off", self.settings.label()))),
        }
    }

    /// New commands go on a new connection from now on; those that run on this
    /// one finish.
    pub(super) fn retire(&self, connection: &Arc<Connection>) {
        let mut state = self.lock();
        if matches!(&state.phase, Phase::Up(current) if Arc::ptr_eq(current, connection)) {
            state.phase = Phase::Down;
            if let Some(end) = connection.end() {
                state.failure = Some((Instant::now(), end));
            }
        }
    }

    pub(super) fn state(&self) -> LinkState {
        let state = self.lock();
        match &state.phase {
            Phase::Up(connection) if connection.is_usable() => LinkState::Up { age: connection.since().elapsed() },
            Phase::Up(connection) => match connection.end() {
                Some(cause) => LinkState::Down { age: Duration::ZERO, cause },
                None => LinkState::Idle,
            },
            Phase::Connecting(_) => LinkState::Connecting,
            Phase::Down => match &state.failure {
                Some((at, cause)) => LinkState::Down { age: at.elapsed(), cause: cause.clone() },
                None => LinkState::Idle,
            },
        }
    }

    fn current(self: &Arc<Self>) -> Result<Lease, watch::Receiver<Outcome>> {
        let mut state = self.lock();
        match &state.phase {
            Phase::Up(connection) if connection.is_usable() => return Ok(Lease::new(connection)),
            // An attempt whose task is gone without a word is none.
            Phase::Connecting(attempt) if attempt.has_changed().is_ok() => return Err(attempt.clone()),
            Phase::Connecting(_) | Phase::Up(_) | Phase::Down => {}
        }
        let now = Instant::now();
        let start = state.attempted.map_or(now, |last| now.max(last + BETWEEN_ATTEMPTS));
        state.attempted = Some(start);
        let (tell, attempt) = watch::channel(None);
        state.phase = Phase::Connecting(attempt.clone());
        drop(state);
        let (settings, jump) = (Arc::clone(&self.settings), self.jump.clone());
        let link = Arc::downgrade(self);
        self.spawn(async move {
            sleep_until(start).await;
            let outcome = attempt::connect(settings, jump).await.map(Arc::new);
            if let Some(link) = link.upgrade() {
                link.settle(&outcome);
                tell.send_replace(Some(outcome));
            }
        });
        Err(attempt)
    }

    fn settle(self: &Arc<Self>, outcome: &Result<Arc<Connection>, RemoteError>) {
        let mut state = self.lock();
        match outcome {
            Ok(connection) => {
                state.phase = Phase::Up(Arc::clone(connection));
                state.failure = None;
                drop(state);
                self.spawn(keep(Arc::downgrade(self), Arc::downgrade(connection), self.settings.idle_limit));
            }
            Err(error) => {
                tracing::debug!(host = %self.settings.name, %error, "no connection");
                state.phase = Phase::Down;
                state.failure = Some((Instant::now(), error.to_string()));
            }
        }
    }

    /// Lets go of the connection when it has been idle since before `limit`.
    fn close_idle(&self, connection: &Arc<Connection>, limit: Duration) -> bool {
        let mut state = self.lock();
        // Under the lock under which leases are taken: nobody gets one meanwhile.
        let idle = connection.idle_since().is_some_and(|since| since.elapsed() >= limit);
        if idle && matches!(&state.phase, Phase::Up(current) if Arc::ptr_eq(current, connection)) {
            state.phase = Phase::Down;
        }
        idle
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }
}

/// Closes a connection that nobody uses any more.
async fn keep(link: Weak<Link>, connection: Weak<Connection>, limit: Duration) {
    loop {
        let Some(idle_since) = connection.upgrade().map(|connection| connection.idle_since()) else { return };
        sleep_until(idle_since.unwrap_or_else(Instant::now) + limit).await;
        let (Some(link), Some(connection)) = (link.upgrade(), connection.upgrade()) else { return };
        if link.close_idle(&connection, limit) {
            return;
        }
    }
}
