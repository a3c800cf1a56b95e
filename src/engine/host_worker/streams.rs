//! Event streams: what happens on the host, as it happens.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::{Asked, HostWorker};
use crate::{
    domain::{
        inventory::Service,
        names::LoginName,
        runtime::{EventKind, Runtime, RuntimeEvent, stream},
    },
    engine::{collector::Lines, event::Event},
    ports::{Exec, RemoteError, Stdin},
};

/// A stream is renewed after this, so that the connection under it can be
/// renewed too.
const LIMIT: Duration = Duration::from_secs(40 * 60);
/// A stream that was heard and lived so long was a good one; its end is no reason to wait long. An engine that is
/// down ends it at once, a host that is gone is not heard.
const GOOD: Duration = Duration::from_secs(3);
/// Pauses between attempts to get the stream back.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// Events that may wait to be handed on; beyond, a snapshot tells what came of them.
const WAITING: usize = 1_024;
/// Bytes of a line: an event with all labels of its container.
const LINE: usize = 64 * 1024;

impl HostWorker {
    /// Whether an event is about a service. Several logins may see the same
    /// engine: each tells of its own.
    fn has(&self, event: &RuntimeEvent, runtime: &dyn Runtime, login: Option<&LoginName>) -> bool {
        let own = |s: &Service| s.run_as.as_ref() == login && s.workload.runtime().label() == runtime.label();
        self.services.borrow().iter().any(|service| own(service) && service.workload.has(event))
    }

    /// Holds the event stream of a runtime for a login, and gets it back when it breaks. What
    /// happened in between the engine tells again, as far as it remembers, and
    /// after each beginning a snapshot closes the gap.
    pub(super) async fn stream(
        self: Arc<Self>,
        runtime: &'static dyn Runtime,
        login: Option<LoginName>,
        snapshot: mpsc::Sender<Asked>,
        restart: Arc<Notify>,
        stop: CancellationToken,
    ) {
        let mut pause = RECONNECT.0;
        let known = Arc::new(Mutex::new(None));
        loop {
            let began = tokio::time::Instant::now();
            let (send, mut lines) = mpsc::channel(WAITING);
            let overflow = snapshot.clone();
            let since = *known.lock().unwrap_or_else(PoisonError::into_inner);
            let (worker, told, seen_as) = (Arc::clone(&self), Arc::clone(&known), login.clone());
            let heard = Arc::new(AtomicBool::new(false));
            let hears = Arc::clone(&heard);
            let mut output = Lines::new(LINE, move |line: &str| {
                hears.store(true, Ordering::Relaxed);
                let event = runtime.read_event(line);
                let mut known = told.lock().unwrap_or_else(PoisonError::into_inner);
                // The clock serves until something has happened.
                *known = match &event {
                    Some(event) => (*known).max(Some(event.at)),
                    None => known.or_else(|| stream::read_clock(line)),
                };
                let Some(event) = event else { return };
                if !worker.has(&event, runtime, seen_as.as_ref()) {
                    worker.not_known(&event, runtime);
                    return;
                }
                if event.kind == EventKind::Removed {
                    worker.removed(&event, runtime);
                }
                if send.try_send(event).is_err() {
                    // Too many to take: the snapshot tells what came of them.
                    let _ = overflow.try_send(None);
                }
            });
            // Where it tells nothing by itself, snapshots have to do.
            let Some(command) = stream::command(runtime, login.as_ref(), since) else { return };
            let exec = Exec { command, limit: LIMIT, stdin: Stdin::OpenUntil(stop.clone()) };
            let (host, seen_by) = (self.host.clone(), login.clone());
            let forward = async {
                while let Some(event) = lines.recv().await {
                    self.send(Event::Runtime { login: seen_by.clone(), host: host.clone(), event }).await;
                }
                std::future::pending::<()>().await;
            };
            // A stream that begins tells nothing of what was before.
            let _ = snapshot.try_send(None);
            self.missed();
            let ended = tokio::select! {
                ended = self.remote.exec(exec, &mut output) => Some(ended),
                () = forward => return,
                () = restart.notified() => None,
            };
            if stop.is_cancelled() {
                return;
            }
            let why = output.errors.last_line().unwrap_or_default();
            // What it told last counts, too: it is not told again.
            drop(output);
            while let Some(event) = lines.recv().await {
                self.send(Event::Runtime { login: login.clone(), host: self.host.clone(), event }).await;
            }
            let why = match ended {
                None | Some(Err(RemoteError::TimedOut(_))) => continue,
                Some(Ok(exit)) => {
                    if exit.is_success() {
                        // Its own end, and no signal's: the engine hung up.
                        self.send(Event::EngineWent(self.host.clone())).await;
                    }
                    format!("{exit}: {why}")
                }
                Some(Err(error)) => error.to_string(),
            };
            if heard.load(Ordering::Relaxed) && began.elapsed() > GOOD {
                pause = RECONNECT.0;
            }
            tracing::warn!(host = %self.host, "the event stream ended ({why}); again in {pause:?}");
            tokio::time::sleep(pause.mul_f64(0.75 + rand::random::<f64>() / 2.0)).await;
            pause = (pause * 2).min(RECONNECT.1);
        }
    }
}
