//! One worker per host: everything that is done on it goes through here, and
//! everything that is seen on it comes from here.
//!
//! Of the connection's sessions (8 at most) the event streams hold one per
//! runtime and login, a snapshot one, and the limits of the others leave room for them: a
//! host on which many changes run can still be asked how it is.

mod discovery;
mod jobs;
mod read;
mod snapshots;
mod streams;
#[cfg(test)]
mod tests;

pub use self::discovery::Finder;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{Notify, Semaphore, mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{event::Event, follower::Following, host_request::HostRequest};
use crate::{
    domain::{
        inventory::Service,
        names::{HostName, LoginName},
        runtime::by_runtime,
    },
    ports::Remote,
};

/// Who asks for a snapshot: somebody with a ticket, or the watcher's own clock.
type Asked = Option<super::event::Ticket>;

/// Snapshots that may be asked for while one is taken; each is a ticket and
/// nothing else.
const SNAPSHOTS: usize = 64;

/// See the module.
pub struct HostWorker {
    /// The host's name.
    pub host: HostName,
    /// What runs on it: by the config, and what was found there.
    pub services: watch::Receiver<Arc<[Service]>>,
    /// What looks for more there, if anything does.
    pub discover: Option<Finder>,
    /// The way to it.
    pub remote: Arc<dyn Remote>,
    /// Where what happens goes.
    pub events: mpsc::Sender<Event>,
    /// How often the watcher takes a snapshot by itself.
    pub snapshot_every: Duration,
}

impl HostWorker {
    /// Works until told to stop, or until nobody can ask any more.
    pub async fn run(self, mut requests: mpsc::Receiver<HostRequest>, stop: CancellationToken) {
        let worker = Arc::new(self);
        let jobs = Arc::new(Semaphore::new(jobs::AT_ONCE));
        let reads = Arc::new(Semaphore::new(read::AT_ONCE));
        let (snapshot, asked) = mpsc::channel(SNAPSHOTS);
        let restart_streams = Arc::new(Notify::new());
        // By which a job that waits for its turn learns that it was cancelled; cancelled when it is over.
        let mut running = BTreeMap::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&worker).snapshots(asked));
        // What is managed changes when something is found; a stream that has nothing left costs little.
        let mut managed = worker.services.clone();
        managed.mark_changed();
        let mut streams = BTreeSet::new();
        let mut is_watched = false;
        if worker.discover.is_some() {
            tasks.spawn(Arc::clone(&worker).discover_regularly());
        }
        loop {
            let request = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                // The dispatcher holds the other end, and ends after this.
                Ok(()) = managed.changed() => {
                    let services = Arc::clone(&managed.borrow_and_update());
                    for (runtime, services) in by_runtime(&*services) {
                        let logins: BTreeSet<Option<LoginName>> = services.iter().map(|s| s.run_as.clone()).collect();
                        for login in logins.into_iter().filter(|login| streams.insert((runtime.label(), login.clone()))) {
                            let restart = Arc::clone(&restart_streams);
                            let stream = Arc::clone(&worker).stream(runtime, login, snapshot.clone(), restart, stop.clone());
                            tasks.spawn(stream);
                        }
                    }
                    // How what is new is, is wanted at once.
                    if is_watched {
                        let _ = snapshot.try_send(None);
                    }
                    if (!services.is_empty() || worker.discover.is_some()) && !std::mem::replace(&mut is_watched, true) {
                        tasks.spawn(Arc::clone(&worker).snapshot_regularly(snapshot.clone()));
                    }
                    continue;
                }
                request = requests.recv() => request,
                Some(_) = tasks.join_next(), if !tasks.is_empty() => continue,
            };
            match request {
                None => break,
                Some(HostRequest::Snapshot { ticket }) => {
                    if snapshot.try_send(Some(ticket)).is_err() {
                        let why = "too many questions to this host at once".to_owned();
                        worker.unavailable(HostRequest::Snapshot { ticket }, why).await;
                    }
                }
                Some(HostRequest::RestartStreams) => restart_streams.notify_waiters(),
                Some(HostRequest::Read { command, limit, ticket }) => {
                    tasks.spawn(Arc::clone(&worker).read(Arc::clone(&reads), command, limit, ticket));
                }
                Some(HostRequest::RunJob { operation, job, limit, state }) => {
                    let (following, cancelled) = (Following { job, limit, state }, CancellationToken::new());
                    running.retain(|_, token: &mut CancellationToken| !token.is_cancelled());
                    running.insert(operation, cancelled.clone());
                    tasks.spawn(Arc::clone(&worker).run_job(Arc::clone(&jobs), operation, following, cancelled));
                }
                Some(HostRequest::CancelJob { operation, job, ticket }) => {
                    tasks.spawn(Arc::clone(&worker).cancel_job(job, ticket, running.get(&operation).cloned()));
                }
            }
        }
        tasks.shutdown().await;
    }

    /// What runs on the host now.
    fn services(&self) -> Arc<[Service]> {
        Arc::clone(&self.services.borrow())
    }

    /// Hands an event on.
    async fn send(&self, event: Event) {
        // Nobody to receive it means that everything is ending.
        let _ = self.events.send(event).await;
    }

    /// Answers a request that cannot be taken.
    async fn unavailable(&self, request: HostRequest, why: String) {
        if let Some(event) = request.unavailable(&self.host, why, jiff::Timestamp::now()) {
            self.send(event).await;
        }
    }
}
