//! The loop around the dispatcher: takes events one by one, commits what must
//! be durable in one transaction, and only then does what cannot be undone.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    dispatcher::Dispatcher,
    effect::Effect,
    event::{Answer, Event, Replay, Ticket},
    host_request::HostRequest,
    host_worker::{Finder, HostWorker},
    outbound,
    outbound_queue::OutboundQueue,
    replay_check,
};
use crate::{
    domain::{
        inbound::{Inbound, Me, Protection},
        inventory::{Inventory, Service},
        names::HostName,
        outgoing::Outgoing,
        record::{LedgerQuery, Record},
    },
    ports::{Chat, Entry, Ledger, LedgerError, Remotes},
};

/// Requests that may wait at one host; more are answered with "busy".
const PER_HOST: usize = 64;
/// Events that may wait for the dispatcher; senders wait beyond that.
pub const EVENTS: usize = 1_024;
/// Sentences that may wait to be queued.
const SENTENCES: usize = 1_024;
/// Operations that an answer about the past tells of: what fits a phone.
const HISTORY: u32 = 8;
/// How often it is noted that the process lives: how exactly the next one knows how long nobody watched.
const ALIVE_EVERY: Duration = Duration::from_secs(60);
/// How often the ledger forgets what is long over.
const PRUNE_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// Why the engine has ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// What must be durable cannot be written or read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A worker has ended, and nobody told it to.
    #[error("a worker ended by itself")]
    WorkerEnded,
    /// A worker panicked: a mistake in this program.
    #[error("a worker panicked: {0}")]
    WorkerPanicked(#[from] tokio::task::JoinError),
}

/// Everything the engine works with.
pub struct Engine {
    /// What is managed.
    pub inventory: Arc<Inventory>,
    /// Who the bot is in the rooms.
    pub me: Me,
    /// Where sentences go.
    pub chat: Arc<dyn Chat>,
    /// The ways to the hosts.
    pub remotes: Remotes,
    /// The durable record.
    pub ledger: Arc<dyn Ledger>,
    /// Where everybody tells what happened; kept by the engine for its workers.
    pub events: (mpsc::Sender<Event>, mpsc::Receiver<Event>),
}

impl Engine {
    /// Runs until told to stop.
    pub async fn run(self, stop: CancellationToken) -> Result<(), EngineError> {
        let (sender, mut events) = self.events;
        let identity = self.ledger.begin_process().await?;
        let mut queue = OutboundQueue::new(&identity.instance);
        for outgoing in self.ledger.undelivered().await? {
            queue.push(outgoing);
        }
        let (say, sentences) = mpsc::channel(SENTENCES);
        let mut tasks = JoinSet::new();
        let silence = CancellationToken::new();
        let (check_replay, unchecked) = mpsc::channel(replay_check::WAITING);
        tasks.spawn(replay_check::run(
            Arc::clone(&self.chat),
            Arc::clone(&self.ledger),
            unchecked,
            sender.clone(),
            stop.clone(),
        ));
        tasks.spawn(outbound::run(self.chat, Arc::clone(&self.ledger), queue, sentences, silence.clone()));

        let mut dispatcher = Dispatcher::new(Arc::clone(&self.inventory), self.me, identity);
        let restored = dispatcher.restore(self.ledger.watching().await?, Timestamp::now());
        let mut workers = BTreeMap::new();
        for (host, remote) in self.remotes {
            let (requests, inbox) = mpsc::channel(PER_HOST);
            let (manage, services) = watch::channel(dispatcher.inventory().on_host(&host).cloned().collect());
            let discover = self.inventory.host(&host);
            let worker = HostWorker {
                services,
                discover: discover.and_then(|host| host.discover.clone()).map(Finder::new),
                host: host.clone(),
                remote,
                events: sender.clone(),
                snapshot_every: self.inventory.watch.snapshot_every,
            };
            let stop = stop.clone();
            tasks.spawn(async move {
                worker.run(inbox, stop).await;
                Ok(())
            });
            workers.insert(host, WorkerHandle { requests, manage });
        }

        let mut runner = EffectRunner { ledger: self.ledger, say, check_replay, workers };
        runner.perform(restored, &mut dispatcher).await?;
        let unfinished = runner.ledger.unfinished().await?;
        let effects = dispatcher.resume(unfinished, Timestamp::now());
        runner.perform(effects, &mut dispatcher).await?;
        for message in runner.ledger.unhandled().await? {
            if message.protection == Protection::Terminal {
                // Whoever typed it has seen the console end.
                let how = "the console ended".to_owned();
                runner.ledger.commit(vec![Entry::Handled { event: message.event, how }]).await?;
                continue;
            }
            let event = runner.with_context(Event::Message(message)).await?;
            let effects = dispatcher.handle(event, Timestamp::now());
            runner.perform(effects, &mut dispatcher).await?;
        }
        let mut prune = tokio::time::interval(PRUNE_EVERY);
        let mut alive = tokio::time::interval(ALIVE_EVERY);
        loop {
            let deadline = dispatcher.deadline();
            let event = tokio::select! {
                () = stop.cancelled() => break,
                _ = prune.tick() => { runner.ledger.prune().await?; continue }
                _ = alive.tick() => { runner.ledger.live().await?; continue }
                Some(ended) = tasks.join_next() => {
                    ended??;
                    if stop.is_cancelled() {
                        break;
                    }
                    return Err(EngineError::WorkerEnded);
                }
                event = events.recv() => match event { Some(event) => event, None => break },
                () = until(deadline) => Event::Tick,
            };
            let event = runner.with_context(event).await?;
            let effects = dispatcher.handle(event, Timestamp::now());
            runner.perform(effects, &mut dispatcher).await?;
        }
        let effects = dispatcher.handle(Event::Stopping, Timestamp::now());
        runner.perform(effects, &mut dispatcher).await?;
        silence.cancel();
        while let Some(ended) = tasks.join_next().await {
            if let Ok(ended) = ended {
                ended?;
            }
        }
        Ok(())
    }
}

async fn until(deadline: Option<Timestamp>) {
    match deadline {
        Some(at) => {
            let left = Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default();
            // A millisecond more, so that it has come when we wake.
            tokio::time::sleep(left + Duration::from_millis(1)).await;
        }
        None => std::future::pending().await,
    }
}

struct EffectRunner {
    ledger: Arc<dyn Ledger>,
    say: mpsc::Sender<Outgoing>,
    check_replay: mpsc::Sender<(Inbound, Ticket)>,
    workers: BTreeMap<HostName, WorkerHandle>,
}

/// What the engine holds of a host's worker.
struct WorkerHandle {
    requests: mpsc::Sender<HostRequest>,
    /// What is on the host.
    manage: watch::Sender<Arc<[Service]>>,
}

impl EffectRunner {
    async fn perform(&mut self, effects: Vec<Effect>, dispatcher: &mut Dispatcher) -> Result<(), LedgerError> {
        let mut effects = effects;
        // A request that a host cannot take answers at once, and that answer
        // has effects of its own.
        while !effects.is_empty() {
            let entries = effects.iter().filter_map(Effect::entry).collect::<Vec<_>>();
            if !entries.is_empty() {
                self.ledger.commit(entries).await?;
            }
            let mut refused = Vec::new();
            for effect in effects {
                refused.extend(self.act(effect).await?);
            }
            effects = refused.into_iter().flat_map(|event| dispatcher.handle(event, Timestamp::now())).collect();
        }
        Ok(())
    }

    async fn act(&mut self, effect: Effect) -> Result<Option<Event>, LedgerError> {
        Ok(match effect {
            // Committed already.
            Effect::Record(_) => None,
            Effect::Say(outgoing) => {
                // Closed only when everything ends; the ledger has it.
                let _ = self.say.send(outgoing).await;
                None
            }
            Effect::Host { host, request } => self.ask(&host, request),
            Effect::Manage { host, services } => {
                if let Some(worker) = self.workers.get(&host) {
                    worker.manage.send_replace(services);
                }
                None
            }
            Effect::CheckReplay { message, ticket } => {
                let refused = self.check_replay.try_send((*message, ticket)).is_err();
                let why = "too many commands wait to be looked at".to_owned();
                refused.then_some(Event::Answer { ticket, answer: Answer::Replay(Replay::Unclear(why)) })
            }
            Effect::Query { query, ticket } => {
                Some(Event::Answer { ticket, answer: Answer::Records(self.query(query).await?) })
            }
        })
    }

    /// A message that answers one of the bot's is told with what it answers.
    async fn with_context(&self, event: Event) -> Result<Event, LedgerError> {
        let Event::Message(Inbound { reply_to: Some(target), .. }) = &event else { return Ok(event) };
        let to = self.ledger.key_of(target).await?;
        match (event, to) {
            (Event::Message(message), Some(to)) => Ok(Event::Reply { message, to }),
            (event, _) => Ok(event),
        }
    }

    async fn query(&self, query: LedgerQuery) -> Result<Vec<Record>, LedgerError> {
        match query {
            LedgerQuery::Last(service) => self.ledger.history(service.as_ref(), HISTORY).await,
            LedgerQuery::One(id) => Ok(self.ledger.operation(id).await?.into_iter().collect()),
        }
    }

    fn ask(&mut self, host: &HostName, request: HostRequest) -> Option<Event> {
        let refused = match self.workers.get(host) {
            Some(worker) => worker.requests.try_send(request).err().map(mpsc::error::TrySendError::into_inner),
            None => Some(request),
        };
        let why = format!("too many requests wait for {host} already");
        refused.and_then(|request| request.unavailable(host, why, Timestamp::now()))
    }
}
