//! The promise behind every change, over random interleavings of messages, job
//! news and crashes, with the real dispatcher and the real ledger: no command
//! runs twice, every command gets exactly one outcome, none is lost, and what is
//! said of a job is true of it. What is found on a host is told once, and so is
//! that it is gone.
//!
//! A crash loses all that is in memory: the dispatcher, what waits for it, what
//! follows a job. What stays is the ledger, the hosts with their jobs, and the
//! homeserver, which takes each transaction once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use opsroom::{
    domain::{
        discovery::{self, Found, Shown, Sought},
        inbound::{Arrival, Inbound, Me, Protection},
        inventory::{Host, Inventory, Service},
        job::{self, Job},
        message::Body,
        names::{Branch, ContainerName, EventId, HostName, RemoteDir, RoomId, ServiceName, UserId},
        operation::OperationId,
        outgoing::{MessageKey, Outgoing, What},
        pattern::Pattern,
        progress::Reader,
        record::LedgerQuery,
        rights::Rights,
        role::Role,
        roster::Listing,
        runtime::Workload,
    },
    engine::{
        dispatcher::Dispatcher,
        effect::Effect,
        event::{Answer, CancelResult, Event, JobNews, JobState, Replay},
        host_request::HostRequest,
    },
    ledger::SqliteLedger,
    ports::{Arrived, Delivered, Ledger as _},
};

/// What people say, to any of two services.
const COMMANDS: [&str; 6] =
    ["!update bridge", "!restart kokoro", "!stop bridge", "!cancel bridge", "!ping", "!history"];

/// What may run on the host, and is in no config.
const FOUND: [&str; 2] = ["web-1", "web-2"];

#[derive(Debug, Clone)]
enum Step {
    /// Somebody says that; the homeserver shows it, perhaps more than once.
    Say(usize, u8),
    /// The dispatcher takes the next event that waits.
    Take,
    /// A job that runs tells of its next phase.
    Advance(usize),
    /// A job that runs ends with this status.
    End(usize, u32),
    /// The connection to a host breaks, and what was under way there is followed again.
    Blocked(usize),
    /// The process dies the next time it acts: before it has written anything, or after so many effects.
    Crash(Option<usize>),
    /// It is asked to stop, and started again.
    Restart,
    /// What a process that is dead by now had asked a host, gets there.
    LateStart,
    /// The host is asked what runs there, and shows these of [`FOUND`], a bit each.
    Shows(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..COMMANDS.len(), 1..3u8).prop_map(|(command, times)| Step::Say(command, times)),
        6 => Just(Step::Take),
        3 => any::<usize>().prop_map(Step::Advance),
        2 => (any::<usize>(), prop_oneof![Just(0), Just(1), Just(143)]).prop_map(|(job, code)| Step::End(job, code)),
        1 => any::<usize>().prop_map(Step::Blocked),
        3 => proptest::option::of(0..5usize).prop_map(Step::Crash),
        1 => Just(Step::Restart),
        2 => Just(Step::LateStart),
        2 => (0..4u8).prop_map(Step::Shows),
    ]
}

/// A job as its host has it.
#[derive(Debug, Default)]
struct OnHost {
    starts: u32,
    forbidden: bool,
    log: String,
    ended: Option<u32>,
}

impl OnHost {
    /// A directory that exists is followed, not started again.
    fn start(&mut self) {
        if self.starts == 0 && !self.forbidden {
            self.starts += 1;
        }
    }
}

/// What a crash leaves.
struct World {
    ledger: SqliteLedger,
    jobs: BTreeMap<String, OnHost>,
    /// What the room shows, by transaction.
    room: BTreeMap<MessageKey, String>,
    said: Vec<Inbound>,
    /// Starts that were on their way when a process died.
    late: Vec<Job>,
    now: Timestamp,
}

/// What a crash takes.
struct Process {
    dispatcher: Dispatcher,
    waiting: VecDeque<Event>,
    following: BTreeMap<OperationId, Job>,
}

/// The process died while it acted.
struct Died;

struct Play {
    runtime: tokio::runtime::Runtime,
    world: World,
    process: Process,
    crash: Option<Option<usize>>,
}

fn inventory() -> Inventory {
    let service = |name: &str| Service {
        dir: Some(RemoteDir::parse("/srv/it").unwrap()),
        branch: Branch::parse("master").unwrap(),
        ..Service::new(
            ServiceName::parse(name).unwrap(),
            HostName::parse("spark").unwrap(),
            Workload::Docker(ContainerName::parse(name).unwrap()),
        )
    };
    let discover = discovery::Policy {
        allow: vec![Pattern::parse("web-*").unwrap()],
        sought: Sought::default(),
        rights: Rights::Read,
        gone_after: Duration::from_secs(2),
        logins: vec![],
    };
    Inventory {
        services: vec![service("bridge"), service("kokoro")],
        hosts: vec![Host { name: HostName::parse("spark").unwrap(), any_of: vec![], discover: Some(discover) }],
        operators: [(UserId::parse("@alice:example.org").unwrap(), Role::Operator)].into(),
        ..Inventory::default()
    }
}

/// What the host shows of [`FOUND`].
fn shown(which: u8) -> Event {
    let names = FOUND.iter().enumerate().filter(|(at, _)| which & (1 << at) != 0);
    let found = names.map(|(_, name)| Found {
        workload: Workload::Docker(ContainerName::parse(name).unwrap()),
        parts: vec![],
        dir: None,
        state: "running".to_owned(),
    });
    let shown = Shown { found: found.collect(), refused: vec![], logins_own: true };
    let listings = vec![Listing { login: None, runtime: "Docker", shown }];
    Event::Discovered { host: HostName::parse("spark").unwrap(), listings, complaints: vec![] }
}

impl Play {
    fn begin() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let ledger = SqliteLedger::in_memory().unwrap();
        let process = Self::dispatcher(&runtime, &ledger);
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let world = World { ledger, jobs: BTreeMap::new(), room: BTreeMap::new(), said: vec![], late: vec![], now };
        Self { runtime, world, process, crash: None }
    }

    fn dispatcher(runtime: &tokio::runtime::Runtime, ledger: &SqliteLedger) -> Process {
        let identity = runtime.block_on(ledger.begin_process()).unwrap();
        let me = Me { user: UserId::parse("@opsroom:example.org").unwrap(), display_name: None };
        let dispatcher = Dispatcher::new(Arc::new(inventory()), me, identity);
        let ready = Event::RoomReady(RoomId::parse("!ops").unwrap());
        Process { dispatcher, waiting: [ready].into(), following: BTreeMap::new() }
    }

    fn plays(&mut self, step: &Step) {
        self.world.now += SignedDuration::from_secs(1);
        match step {
            Step::Say(command, times) => {
                let message = self.message(COMMANDS[*command]);
                self.world.said.push(message.clone());
                for _ in 0..*times {
                    self.arrives(&message);
                }
            }
            Step::Take => self.takes(),
            Step::Advance(pick) => self.tells(*pick, None),
            Step::End(pick, code) => self.tells(*pick, Some(*code)),
            Step::Blocked(pick) => {
                if let Some(id) = self.followed(*pick) {
                    let news = JobNews::Blocked("the connection was lost".into());
                    self.process.waiting.push_back(Event::Job { operation: id, news });
                }
            }
            Step::LateStart => {
                for job in std::mem::take(&mut self.world.late) {
                    self.world.jobs.entry(job.id.as_str().to_owned()).or_default().start();
                }
            }
            Step::Shows(which) => {
                let effects = self.process.dispatcher.handle(shown(*which), self.world.now);
                if self.performs(effects).is_err() {
                    self.restarts();
                }
            }
            Step::Crash(at) => self.crash = Some(*at),
            Step::Restart => {
                let effects = self.process.dispatcher.handle(Event::Stopping, self.world.now);
                let _ = self.performs(effects);
                self.restarts();
            }
        }
    }

    fn message(&self, body: &str) -> Inbound {
        Inbound {
            event: EventId::parse(&format!("${}", self.world.said.len())).unwrap(),
            room: RoomId::parse("!ops").unwrap(),
            sender: UserId::parse("@alice:example.org").unwrap(),
            sent_at: self.world.now,
            body: body.into(),
            reply_to: None,
            reaction: false,
            mentions_bot: false,
            protection: Protection::Encrypted,
            arrival: Arrival::Live,
        }
    }

    /// Written first, then handed on: as the inbox does.
    fn arrives(&mut self, message: &Inbound) {
        let arrived = Arrived { room: message.room.clone(), messages: vec![message.clone()], position: None };
        let new = self.runtime.block_on(self.world.ledger.accept(arrived)).unwrap();
        self.process.waiting.extend(new.into_iter().map(Event::Message));
    }

    fn takes(&mut self) {
        let Some(event) = self.process.waiting.pop_front() else { return };
        let effects = self.process.dispatcher.handle(event, self.world.now);
        if self.performs(effects).is_err() {
            self.restarts();
        }
    }

    fn restarts(&mut self) {
        self.process = Self::dispatcher(&self.runtime, &self.world.ledger);
        let watching = self.runtime.block_on(self.world.ledger.watching()).unwrap();
        let effects = self.process.dispatcher.restore(watching, self.world.now);
        if self.performs(effects).is_err() {
            return self.restarts();
        }
        for outgoing in self.runtime.block_on(self.world.ledger.undelivered()).unwrap() {
            self.delivers(&outgoing);
        }
        let unfinished = self.runtime.block_on(self.world.ledger.unfinished()).unwrap();
        let effects = self.process.dispatcher.resume(unfinished, self.world.now);
        if self.performs(effects).is_err() {
            return self.restarts();
        }
        for message in self.runtime.block_on(self.world.ledger.unhandled()).unwrap() {
            let effects = self.process.dispatcher.handle(Event::Message(message), self.world.now);
            if self.performs(effects).is_err() {
                return self.restarts();
            }
        }
    }

    /// As the shell does: what is durable in one step, then one effect after the other.
    fn performs(&mut self, effects: Vec<Effect>) -> Result<(), Died> {
        let crash = if effects.is_empty() { None } else { self.crash.take() };
        if crash == Some(None) {
            return Err(Died);
        }
        let entries = effects.iter().filter_map(Effect::entry).collect();
        self.runtime.block_on(self.world.ledger.commit(entries)).unwrap();
        for (at, effect) in effects.into_iter().enumerate() {
            if crash == Some(Some(at)) {
                // It may be on its way already, and arrive whenever it likes.
                if let Effect::Host { request: HostRequest::RunJob { job, state: JobState::New, .. }, .. } = effect {
                    self.world.late.push(job);
                }
                return Err(Died);
            }
            self.acts(effect);
        }
        if crash.is_some() { Err(Died) } else { Ok(()) }
    }

    fn acts(&mut self, effect: Effect) {
        match effect {
            Effect::Say(outgoing) => self.delivers(&outgoing),
            Effect::Host { request: HostRequest::RunJob { operation, job, state, .. }, .. } => {
                self.carries(operation, job, state);
            }
            Effect::Host { request: HostRequest::CancelJob { operation, job, ticket }, .. } => {
                let on_host = self.world.jobs.entry(job.id.as_str().to_owned()).or_default();
                let result = if on_host.starts == 0 {
                    on_host.forbidden = true;
                    CancelResult::NeverBegan
                } else {
                    if on_host.ended.is_none() {
                        on_host.log.push_str(&format!("\n{}cancelled\n", job::mark(&job.nonce)));
                        on_host.ended = Some(143);
                    }
                    CancelResult::Ended
                };
                self.process.waiting.push_back(Event::Answer { ticket, answer: Answer::Cancel(result) });
                if self.process.following.contains_key(&operation) {
                    self.carries(operation, job, JobState::Started);
                }
            }
            Effect::CheckReplay { message, ticket } => {
                let claim = self.world.ledger.claim_replay_key(message.event.as_str(), &message.event);
                let first = self.runtime.block_on(claim).unwrap();
                let replay = if first { Replay::New } else { Replay::Duplicate };
                self.process.waiting.push_back(Event::Answer { ticket, answer: Answer::Replay(replay) });
            }
            Effect::Query { query, ticket } => {
                let service = match query {
                    LedgerQuery::Last(service) => service,
                    LedgerQuery::One(_) => None,
                };
                let records = self.runtime.block_on(self.world.ledger.history(service.as_ref(), 8)).unwrap();
                self.process.waiting.push_back(Event::Answer { ticket, answer: Answer::Records(records) });
            }
            Effect::Record(_)
            | Effect::Manage { .. }
            | Effect::Host {
                request: HostRequest::Snapshot { .. } | HostRequest::RestartStreams | HostRequest::Read { .. },
                ..
            } => {}
        }
    }

    /// The host's side of a job: starting is keyed by its ID, and what was forbidden never starts.
    fn carries(&mut self, operation: OperationId, job: Job, state: JobState) {
        let on_host = self.world.jobs.entry(job.id.as_str().to_owned()).or_default();
        let exists = on_host.starts > 0;
        match state {
            JobState::New => on_host.start(),
            JobState::Submitted if !exists => on_host.forbidden = true,
            JobState::Submitted | JobState::Started => {}
        }
        let news = match on_host {
            OnHost { starts: 0, forbidden: true, .. } => Some(JobNews::NotStarted("it was never reached".into())),
            OnHost { starts: 0, .. } => Some(JobNews::Vanished("it knows no such job".into())),
            OnHost { ended: Some(code), log, .. } => {
                let mut reader = Reader::new(&job.nonce);
                reader.feed(log.as_bytes());
                Some(JobNews::Exited { code: *code, progress: Box::new(reader.progress) })
            }
            OnHost { ended: None, .. } => None,
        };
        self.process.waiting.extend(news.map(|news| Event::Job { operation, news }));
        self.process.following.insert(operation, job);
    }

    fn followed(&self, pick: usize) -> Option<OperationId> {
        let ids: Vec<_> = self.process.following.keys().copied().collect();
        (!ids.is_empty()).then(|| ids[pick % ids.len()])
    }

    /// A job gets further, or ends, and its follower tells.
    fn tells(&mut self, pick: usize, code: Option<u32>) {
        let Some(id) = self.followed(pick) else { return };
        let job = self.process.following[&id].clone();
        let Some(on_host) = self.world.jobs.get_mut(job.id.as_str()) else { return };
        if on_host.starts == 0 || on_host.ended.is_some() {
            return;
        }
        let phase = ["fetch", "build", "switch", "verify"][on_host.log.matches("phase").count() % 4];
        on_host.log.push_str(&format!("\n{}phase {phase} 1\n", job::mark(&job.nonce)));
        on_host.ended = code;
        let mut reader = Reader::new(&job.nonce);
        reader.feed(on_host.log.as_bytes());
        let progress = Box::new(reader.progress);
        let news = match code {
            Some(code) => JobNews::Exited { code, progress },
            None => JobNews::Progress(progress),
        };
        self.process.waiting.push_back(Event::Job { operation: id, news });
    }

    /// A transaction that is sent again is the same message.
    fn delivers(&mut self, outgoing: &Outgoing) {
        let text = match &outgoing.what {
            What::Say { body, .. } | What::Edit { body, .. } => body.plain.clone(),
            What::File { text, .. } => text.clone(),
            What::Pin { .. } => return,
        };
        let before = self.world.room.entry(outgoing.key.clone()).or_insert_with(|| text.clone());
        if outgoing.is_durable() {
            assert_eq!(*before, text, "{} is said with two texts", outgoing.key);
            let event = EventId::parse("$sent").unwrap();
            self.runtime.block_on(self.world.ledger.delivered(&outgoing.key, Delivered::As(event))).unwrap();
        }
    }

    /// Nothing dies any more, and every job comes to its end.
    fn settles(&mut self) {
        self.crash = None;
        self.plays(&Step::LateStart);
        self.restarts();
        for _ in 0..1_000 {
            while !self.process.waiting.is_empty() {
                self.takes();
            }
            let open = self.runtime.block_on(self.world.ledger.unfinished()).unwrap();
            let Some(next) = open.first() else { return };
            let at = self.process.following.keys().position(|id| *id == next.operation.id);
            self.tells(at.expect("every open operation is followed"), Some(0));
        }
        panic!("it never settles");
    }

    fn holds(&self) {
        let records = self.runtime.block_on(self.world.ledger.history(None, 1_000)).unwrap();
        assert!(
            self.runtime.block_on(self.world.ledger.unhandled()).unwrap().is_empty(),
            "every command was dealt with"
        );
        for (id, job) in &self.world.jobs {
            assert!(job.starts <= 1, "{id} was started {} times", job.starts);
        }
        let has = |event: &EventId, which: &str| self.world.room.get(&MessageKey(format!("{event}/{which}")));
        for message in &self.world.said {
            let of = records.iter().filter(|r| r.operation.origin.event() == Some(&message.event)).count();
            let answered = has(&message.event, "answer").is_some();
            let is_change = ["!update", "!restart", "!stop"].iter().any(|c| message.body.starts_with(c));
            match (of, answered) {
                (1, false) if is_change => {}
                (0, true) => {}
                _ => panic!("{}: {of} operations, answered: {answered}", message.body),
            }
        }
        for record in &records {
            let end = record.end.as_ref().expect("an outcome");
            let job = &self.world.jobs[record.operation.job.id.as_str()];
            let request = record.operation.origin.event().expect("asked in the room");
            let shown = has(request, "progress#last").expect("the room was told");
            let verdict = Body::from_markdown(&end.verdict).plain;
            let shown = shown.lines().next().unwrap_or_default();
            assert!(verdict.starts_with(shown), "the ledger and the room have the same outcome: {verdict}, {shown}");
            match end.outcome.as_str() {
                "not started" => assert_eq!(job.starts, 0, "{}", end.verdict),
                "cancelled" => assert!(job.starts == 0 || job.ended == Some(143), "{}", end.verdict),
                "succeeded" | "failed" => assert!(job.ended.is_some(), "{}", end.verdict),
                other => panic!("no host lost anything, and yet: {other}"),
            }
        }
        let managed: BTreeSet<&str> =
            self.process.dispatcher.inventory().services.iter().map(|service| service.name.as_str()).collect();
        for name in FOUND {
            let told = |mark: &str| {
                self.world.room.values().filter(|text| text.starts_with(mark) && text.contains(name)).count()
            };
            let (found, gone) = (told("🔎"), told("➖"));
            assert_eq!(found, gone + usize::from(managed.contains(name)), "{name}: {:?}", self.world.room);
        }
        let numbers: BTreeSet<_> = records.iter().map(|r| r.operation.id).collect();
        assert_eq!(numbers.len(), records.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_command_has_one_outcome_whatever_dies(steps in proptest::collection::vec(step(), 1..60)) {
        let mut play = Play::begin();
        for step in &steps {
            play.plays(step);
        }
        play.settles();
        play.holds();
    }
}
