//! One worker per host: everything that is done on it goes through here, and
//! everything that is seen on it comes from here.
//!
//! Of the connection's sessions (8 at most) the event streams hold one per
//! login, a look one, and the two limits below leave room for them: a host on
//! which many changes run can still be asked how it is.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::{Notify, Semaphore, mpsc},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    collector::{Lines, Tail},
    event::{Event, JobNews, JobState, Ticket},
    follower::{self, Following, Reporter},
};
use crate::{
    domain::{
        inventory::Service,
        job::Job,
        names::{ContainerName, HostName, LoginName, ServiceName},
        observation::{HostFacts, HostReport, Observation, SnapshotError},
        operation::OperationId,
        progress::Reader,
        runtime::docker,
    },
    ports::{Exec, Exit, Output, Remote, RemoteError, Stdin, Stream},
};

/// Changes followed at once.
const CHANGES: usize = 4;
/// Logs read at once.
const LOGS: usize = 1;
/// How long a look may take, the connection included.
const LOOK_LIMIT: Duration = Duration::from_secs(15);
/// How long a look at what is new may take: it fetches.
const PREVIEW_LIMIT: Duration = Duration::from_secs(90);
/// Bytes kept of a log.
const LOG_BYTES: usize = 2 * 1024 * 1024;
/// Bytes kept of a look: some hundred services.
const LOOK_BYTES: usize = 1024 * 1024;
/// An event stream is taken up anew after this, so that the connection under
/// it can be renewed too.
const STREAM_LIMIT: Duration = Duration::from_secs(40 * 60);
/// A stream that was heard and lived so long was a good one; its end is no reason to wait long. An engine that is
/// down ends it at once, a host that is gone is not heard.
const GOOD_STREAM: Duration = Duration::from_secs(3);
/// Pauses between attempts to get the event stream back.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// Something to be done on a host.
#[derive(Debug)]
pub enum Request {
    /// Look at all its services.
    Look(Ticket),
    /// Take up the streams of events anew.
    Resubscribe,
    /// Read the end of a log.
    Log {
        /// Whose.
        service: ServiceName,
        /// How much.
        lines: u32,
        /// How long it may take.
        limit: Duration,
        /// Whose question it is.
        ticket: Ticket,
    },
    /// Ask what an update would bring.
    Preview {
        /// The command.
        command: String,
        /// By which its marks are known.
        nonce: String,
        /// Whose question it is.
        ticket: Ticket,
    },
    /// Carry out a job.
    Carry {
        /// Whose.
        operation: OperationId,
        /// What, and for how long.
        job: Job,
        /// How long it may take.
        limit: Duration,
        /// What is known of it.
        known: JobState,
    },
    /// Tell a job to end.
    Cancel {
        /// Whose.
        operation: OperationId,
        /// Which.
        job: Job,
        /// Whose question it is.
        ticket: Ticket,
    },
}

/// Takes what a job, or something like it, tells.
struct Told(Reader);

impl Output for Told {
    fn chunk(&mut self, _: Stream, bytes: &[u8]) {
        self.0.feed(bytes);
    }
}

/// One look at a host, before it is a report.
#[derive(Clone)]
struct Seen {
    began: Timestamp,
    facts: HostFacts,
    seen: Result<Vec<Observation>, SnapshotError>,
}

/// See the module.
pub struct HostWorker {
    /// The host's name.
    pub host: HostName,
    /// What runs on it, by the config.
    pub services: Vec<Service>,
    /// The way to it.
    pub remote: Arc<dyn Remote>,
    /// Where what happens goes.
    pub events: mpsc::Sender<Event>,
    /// How often the watch looks by itself.
    pub snapshot_every: Duration,
}

impl HostWorker {
    /// Works until told to stop, or until nobody can ask any more.
    pub async fn run(self, mut requests: mpsc::Receiver<Request>, stop: CancellationToken) {
        let worker = Arc::new(self);
        let changes = Arc::new(Semaphore::new(CHANGES));
        let logs = Arc::new(Semaphore::new(LOGS));
        let (look, looks) = mpsc::channel(64);
        let anew = Arc::new(Notify::new());
        // By which a change that waits for its turn learns that it was called off; cancelled when it is over.
        let mut carried = BTreeMap::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&worker).look_whenever(looks));
        if !worker.services.is_empty() {
            let logins: BTreeSet<Option<LoginName>> = worker.services.iter().map(|s| s.run_as.clone()).collect();
            for login in logins {
                tasks.spawn(Arc::clone(&worker).stream(login, look.clone(), Arc::clone(&anew), stop.clone()));
            }
            tasks.spawn(Arc::clone(&worker).look_regularly(look.clone()));
        }
        loop {
            let request = tokio::select! {
                () = stop.cancelled() => break,
                request = requests.recv() => request,
                Some(_) = tasks.join_next(), if !tasks.is_empty() => continue,
            };
            match request {
                None => break,
                Some(Request::Look(ticket)) => {
                    if look.try_send(Some(ticket)).is_err() {
                        let why = "too many questions to this host at once".to_owned();
                        let seen = Err(SnapshotError::Busy(why));
                        worker
                            .report(Some(ticket), Seen { began: Timestamp::now(), facts: HostFacts::default(), seen })
                            .await;
                    }
                }
                Some(Request::Resubscribe) => anew.notify_waiters(),
                Some(Request::Log { service, lines, limit, ticket }) => {
                    tasks.spawn(Arc::clone(&worker).read_log(Arc::clone(&logs), service, lines, limit, ticket));
                }
                Some(Request::Preview { command, nonce, ticket }) => {
                    tasks.spawn(Arc::clone(&worker).preview(Arc::clone(&logs), command, nonce, ticket));
                }
                Some(Request::Carry { operation, job, limit, known }) => {
                    let (following, called_off) = (Following { job, limit, known }, CancellationToken::new());
                    carried.retain(|_, token: &mut CancellationToken| !token.is_cancelled());
                    carried.insert(operation, called_off.clone());
                    tasks.spawn(Arc::clone(&worker).carry(Arc::clone(&changes), operation, following, called_off));
                }
                Some(Request::Cancel { operation, job, ticket }) => {
                    tasks.spawn(Arc::clone(&worker).cancel(job, ticket, carried.get(&operation).cloned()));
                }
            }
        }
        tasks.shutdown().await;
    }

    async fn tell(&self, event: Event) {
        // Nobody to tell means that everything is ending.
        let _ = self.events.send(event).await;
    }

    async fn report(&self, ticket: Option<Ticket>, Seen { began, facts, seen }: Seen) {
        let report = HostReport { host: self.host.clone(), began, at: Timestamp::now(), facts, seen };
        self.tell(Event::Report { ticket, report }).await;
    }

    /// Looks when asked. All who asked while a look was under way get the next
    /// one: never an answer older than the question, and never two at once.
    async fn look_whenever(self: Arc<Self>, mut asked: mpsc::Receiver<Option<Ticket>>) {
        let mut waiting = Vec::new();
        while asked.recv_many(&mut waiting, 64).await > 0 {
            let seen = self.look().await;
            for ticket in waiting.drain(..) {
                self.report(ticket, seen.clone()).await;
            }
        }
    }

    async fn look(&self) -> Seen {
        let (began, mut facts) = (Timestamp::now(), HostFacts::default());
        let mut output = Tail::new(LOOK_BYTES);
        let exec = Exec { command: docker::snapshot(&self.services), limit: LOOK_LIMIT, stdin: Stdin::Empty };
        let seen = match self.remote.exec(exec, &mut output).await {
            // The command's status is that of its last name; each line speaks
            // for itself.
            Ok(_) => {
                let text = output.text();
                facts = docker::read_facts(&text);
                docker::read_snapshot(&text, &self.services, Timestamp::now())
            }
            Err(error) if error.may_have_run() => Err(SnapshotError::Unclear(error.to_string())),
            Err(error) => Err(SnapshotError::Unreachable(error.to_string())),
        };
        Seen { began, facts, seen }
    }

    /// The watch's own looks, spread so that a hundred hosts do not answer in
    /// the same instant.
    async fn look_regularly(self: Arc<Self>, look: mpsc::Sender<Option<Ticket>>) {
        let spread = self.snapshot_every.mul_f64(rand::random::<f64>());
        let mut next = tokio::time::Instant::now() + spread;
        loop {
            tokio::time::sleep_until(next).await;
            next += self.snapshot_every;
            // A full queue means that looks are under way anyway.
            let _ = look.try_send(None);
        }
    }

    /// Holds the event stream, and gets it back when it breaks. What happened
    /// in between the engine tells again, as far as it remembers, and after each
    /// beginning a look closes the gap.
    async fn stream(
        self: Arc<Self>,
        login: Option<LoginName>,
        look: mpsc::Sender<Option<Ticket>>,
        anew: Arc<Notify>,
        stop: CancellationToken,
    ) {
        let mut pause = RECONNECT.0;
        // Several logins may see the same engine: each tells of its own.
        let own: BTreeSet<ContainerName> =
            self.services.iter().filter(|s| s.run_as == login).map(|s| s.container.clone()).collect();
        let known = Arc::new(Mutex::new(None));
        loop {
            let began = tokio::time::Instant::now();
            let (send, mut lines) = mpsc::channel(1_024);
            let overflow = look.clone();
            let since = *known.lock().unwrap_or_else(PoisonError::into_inner);
            let (own, told) = (own.clone(), Arc::clone(&known));
            let heard = Arc::new(AtomicBool::new(false));
            let hears = Arc::clone(&heard);
            let mut output = Lines::new(64 * 1024, move |line: &str| {
                hears.store(true, Ordering::Relaxed);
                let event = docker::read_event(line);
                let mut known = told.lock().unwrap_or_else(PoisonError::into_inner);
                // The clock serves until something has happened.
                *known = match &event {
                    Some(event) => (*known).max(Some(event.at)),
                    None => known.or_else(|| docker::read_clock(line)),
                };
                if let Some(event) = event.filter(|event| own.contains(&event.name))
                    && send.try_send(event).is_err()
                {
                    // Too many to take: the look tells what came of them.
                    let _ = overflow.try_send(None);
                }
            });
            let exec = Exec {
                command: docker::events(login.as_ref(), since),
                limit: STREAM_LIMIT,
                stdin: Stdin::OpenUntil(stop.clone()),
            };
            let host = self.host.clone();
            let forward = async {
                while let Some(event) = lines.recv().await {
                    self.tell(Event::Container { host: host.clone(), event }).await;
                }
                std::future::pending::<()>().await;
            };
            // A stream that begins tells nothing of what was before: look.
            let _ = look.try_send(None);
            let ended = tokio::select! {
                ended = self.remote.exec(exec, &mut output) => ended,
                () = forward => return,
                () = anew.notified() => continue,
            };
            if stop.is_cancelled() {
                return;
            }
            let why = output.errors.last_line().unwrap_or_default();
            // What it told last counts, too.
            drop(output);
            while let Some(event) = lines.recv().await {
                self.tell(Event::Container { host: self.host.clone(), event }).await;
            }
            let why = match ended {
                Err(RemoteError::TimedOut(_)) => continue,
                Ok(exit) => {
                    if exit.is_success() {
                        // Its own end, and no signal's: the engine hung up.
                        self.tell(Event::EngineWent(self.host.clone())).await;
                    }
                    format!("{exit}: {why}")
                }
                Err(error) => error.to_string(),
            };
            if heard.load(Ordering::Relaxed) && began.elapsed() > GOOD_STREAM {
                pause = RECONNECT.0;
            }
            tracing::warn!(host = %self.host, "the event stream ended ({why}); again in {pause:?}");
            tokio::time::sleep(pause.mul_f64(0.75 + rand::random::<f64>() / 2.0)).await;
            pause = (pause * 2).min(RECONNECT.1);
        }
    }

    async fn read_log(
        self: Arc<Self>,
        slots: Arc<Semaphore>,
        service: ServiceName,
        lines: u32,
        limit: Duration,
        ticket: Ticket,
    ) {
        let read = tokio::time::timeout(limit, async {
            let _slot = slots.acquire().await;
            self.log_of(&service, lines, limit).await
        });
        let log = read.await.unwrap_or_else(|_| Err(format!("no answer within {} s", limit.as_secs())));
        self.tell(Event::Log { ticket, log }).await;
    }

    async fn preview(self: Arc<Self>, slots: Arc<Semaphore>, command: String, nonce: String, ticket: Ticket) {
        let read = tokio::time::timeout(PREVIEW_LIMIT, async {
            let _slot = slots.acquire().await;
            let mut output = Told(Reader::new(&nonce));
            let exec = Exec { command, limit: PREVIEW_LIMIT, stdin: Stdin::Empty };
            match self.remote.exec(exec, &mut output).await {
                Ok(Exit::Code(code)) => Ok((code, Box::new(output.0.progress))),
                Ok(exit @ Exit::Signal(_)) => Err(exit.to_string()),
                Err(error) => Err(error.to_string()),
            }
        });
        let told = read.await.unwrap_or_else(|_| Err(format!("no answer within {} s", PREVIEW_LIMIT.as_secs())));
        self.tell(Event::Preview { ticket, told }).await;
    }

    async fn log_of(&self, service: &ServiceName, lines: u32, limit: Duration) -> Result<(String, bool), String> {
        let Some(service) = self.services.iter().find(|s| s.name == *service) else {
            return Err("it is not on this host".to_owned());
        };
        let mut output = Tail::new(LOG_BYTES);
        let exec = Exec { command: docker::logs(service, lines), limit, stdin: Stdin::Empty };
        match self.remote.exec(exec, &mut output).await {
            Ok(exit) if exit.is_success() => Ok((output.text(), output.cut)),
            Ok(_) if docker::names_missing(&output.last_line().unwrap_or_default(), &service.container) => {
                Err("it is not deployed".to_owned())
            }
            Ok(exit) => Err(format!("{exit}: {}", output.last_line().unwrap_or_default())),
            Err(error) => Err(RemoteError::to_string(&error)),
        }
    }

    async fn carry(
        self: Arc<Self>,
        slots: Arc<Semaphore>,
        operation: OperationId,
        following: Following,
        called_off: CancellationToken,
    ) {
        let report = Reporter { operation, events: self.events.clone() };
        let over = called_off.clone().drop_guard();
        let slot = match Arc::clone(&slots).try_acquire_owned() {
            Ok(slot) => Ok(slot),
            Err(_) => {
                let why = format!("waiting: {CHANGES} changes run on {} already", self.host);
                report.tell(JobNews::Blocked(why)).await;
                tokio::select! {
                    slot = slots.acquire_owned() => slot,
                    () = called_off.cancelled(), if following.known == JobState::New => {
                        return report.tell(JobNews::NotStarted("it was called off while it waited".to_owned())).await;
                    }
                }
            }
        };
        let news = follower::follow(Arc::clone(&self.remote), following, &report).await;
        drop((slot, over));
        report.tell(news).await;
    }

    async fn cancel(self: Arc<Self>, job: Job, ticket: Ticket, called_off: Option<CancellationToken>) {
        let how = follower::cancel(&*self.remote, &job).await;
        if let Some(called_off) = called_off {
            called_off.cancel();
        }
        self.tell(Event::Cancelled { ticket, how }).await;
    }
}
