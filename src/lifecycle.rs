//! The life of the process: who runs, how it is asked to stop, and what it
//! means when a part of it ends by itself.
//!
//! Stopping has two steps. The *soft* token asks: take no new work, finish
//! what must not be cut. The *hard* token, after a grace period or a second
//! signal, tells: return now. Every task belongs to a [`Lifecycle`] and has a
//! name; one that is meant to run forever and returns, fails or panics stops
//! the whole process with an error that names it. A bot that is half alive
//! would be trusted and silent.

use std::{
    any::Any,
    collections::BTreeMap,
    io,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, error, info, warn};

/// How long running work may take to end after the first signal. Half of what
/// systemd waits before it kills (`TimeoutStopSec`, 90 s), and no more than
/// people wait; what is longer lives on the hosts and survives us.
pub const GRACE: Duration = Duration::from_secs(30);

/// How long tasks may take to return once they were told to.
pub const LAST_CALL: Duration = Duration::from_secs(5);

/// How a task ends.
pub type TaskResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Owns the process's tasks and its two stop tokens. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Lifecycle {
    soft: CancellationToken,
    hard: CancellationToken,
    tracker: TaskTracker,
    book: Arc<Mutex<Book>>,
}

/// Which tasks run, and what went wrong.
#[derive(Debug, Default)]
struct Book {
    next: u64,
    running: BTreeMap<u64, &'static str>,
    failures: Vec<Failure>,
}

/// Why the process stopped, other than being asked to.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A task that runs forever came to its end.
    #[error("the task `{0}` ended, though it is meant to run as long as the bot does")]
    Ended(&'static str),
    /// A task gave up.
    #[error("the task `{name}` failed: {cause}")]
    Failed {
        /// The task.
        name: &'static str,
        /// What it says, with what caused it.
        cause: String,
    },
    /// A task hit a bug.
    #[error("the task `{name}` panicked: {message}")]
    Panicked {
        /// The task.
        name: &'static str,
        /// What the panic says.
        message: String,
    },
    /// Tasks did not return when told to.
    #[error("these tasks did not stop: {}", .0.join(", "))]
    Stuck(Vec<&'static str>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Term {
    Forever,
    Once,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self::new()
    }
}

impl Lifecycle {
    /// A process with no tasks yet.
    pub fn new() -> Self {
        let soft = CancellationToken::new();
        Self { hard: CancellationToken::new(), tracker: TaskTracker::new(), book: Arc::default(), soft }
    }

    /// Cancelled when no new work is to be taken.
    pub fn soft(&self) -> CancellationToken {
        self.soft.clone()
    }

    /// Cancelled when everything is to be dropped.
    pub fn hard(&self) -> CancellationToken {
        self.hard.clone()
    }

    /// Asks everything to stop, as the first signal does.
    pub fn stop(&self) {
        self.soft.cancel();
    }

    /// Starts a task that runs as long as the bot does. Returning before the
    /// soft token is cancelled is a failure, whatever it returns.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = TaskResult> + Send + 'static) {
        self.start(name, Term::Forever, task);
    }

    /// Starts a task that has an end. Only an error or a panic is a failure.
    pub fn spawn_once(&self, name: &'static str, task: impl Future<Output = TaskResult> + Send + 'static) {
        self.start(name, Term::Once, task);
    }

    fn start(&self, name: &'static str, term: Term, task: impl Future<Output = TaskResult> + Send + 'static) {
        let this = self.clone();
        let id = {
            let mut book = self.book();
            book.next += 1;
            let id = book.next;
            book.running.insert(id, name);
            id
        };
        self.tracker.spawn(async move {
            let ending = AssertUnwindSafe(task).catch_unwind().await;
            this.ended(id, name, term, ending);
        });
    }

    fn ended(&self, id: u64, name: &'static str, term: Term, ending: Result<TaskResult, Box<dyn Any + Send>>) {
        let failure = match ending {
            Ok(Ok(())) if term == Term::Forever && !self.soft.is_cancelled() => Some(Failure::Ended(name)),
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Failure::Failed { name, cause: with_causes(&*error) }),
            Err(panic) => Some(Failure::Panicked { name, message: panic_message(&*panic) }),
        };
        let mut book = self.book();
        book.running.remove(&id);
        match failure {
            Some(failure) => {
                error!("{failure}");
                book.failures.push(failure);
                self.soft.cancel();
            }
            None => debug!(task = name, "ended"),
        }
    }

    /// Waits for a stop signal or a failure, sees the tasks to their end, and
    /// returns the first failure, if there was one.
    ///
    /// `signals` are the names of the signals as they come, from [`signals`].
    pub async fn run(self, signals: impl Stream<Item = &'static str>, grace: Duration) -> Result<(), Failure> {
        let mut signals = std::pin::pin!(signals.chain(stream::pending()).fuse());
        tokio::select! {
            () = self.soft.cancelled() => info!("stopping"),
            Some(signal) = signals.next() => info!("{signal}: stopping; a second signal stops at once"),
        }
        self.soft.cancel();
        self.tracker.close();
        tokio::select! {
            () = self.tracker.wait() => {}
            () = sleep(grace) => warn!(running = self.running().join(", "), "not stopped in time: stopping at once"),
            Some(signal) = signals.next() => warn!(running = self.running().join(", "), "{signal}: stopping at once"),
        }
        self.hard.cancel();
        let all_ended = timeout(LAST_CALL, self.tracker.wait()).await.is_ok();
        let stuck = self.running();
        let mut book = self.book();
        if !book.failures.is_empty() {
            return Err(book.failures.swap_remove(0));
        }
        if all_ended { Ok(()) } else { Err(Failure::Stuck(stuck)) }
    }

    fn running(&self) -> Vec<&'static str> {
        self.book().running.values().copied().collect()
    }

    /// The book is never left half written, so a panic elsewhere does not
    /// spoil it.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The signals that stop the process, by name. From this call on they no
/// longer kill it.
pub fn signals() -> io::Result<impl Stream<Item = &'static str> + Unpin + use<>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let terminate = stream::poll_fn(move |cx| terminate.poll_recv(cx)).map(|()| "SIGTERM");
    let interrupt = stream::poll_fn(move |cx| interrupt.poll_recv(cx)).map(|()| "SIGINT");
    Ok(stream::select(terminate, interrupt))
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Many errors repeat their cause in their own text.
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}

#[cfg(test)]
mod tests;
