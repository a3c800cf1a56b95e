//! One container, its engine, and the two ways in which the watch hears of it.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    change::Change,
    names::{ServiceName, UserId},
    observation::{Death, Health, Observation, State, Task},
    origin::Actor,
    runtime::{EventKind, RuntimeEvent},
    watch::{Closed, Finding, Kind, LastChange, Level, Missed, Policy, ServiceWatch, Snapshot, Who},
};

/// How late what is told arrives, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lags {
    /// From an event to the watch.
    pub(super) event: i64,
    /// From a look's beginning to what it sees.
    pub(super) look: i64,
    /// From there to the watch.
    pub(super) report: i64,
}

#[derive(Debug, Clone)]
struct Container {
    id: u32,
    restarts: u32,
    state: State,
    health: Health,
    started: Timestamp,
}

enum Delivery {
    Event(RuntimeEvent),
    Sample { began: Timestamp },
    Report(Observation, Snapshot),
}

pub(super) struct World {
    pub(super) watch: ServiceWatch,
    pub(super) now: Timestamp,
    pub(super) found: Vec<Finding>,
    pub(super) missed: Vec<Missed>,
    /// Whether the restart policy starts it again.
    pub(super) kept_up: bool,
    /// What looks tell about whether an end was asked for.
    pub(super) asked: Option<bool>,
    /// Whether it does one thing and ends.
    pub(super) task: Option<Task>,
    lags: Lags,
    container: Option<Container>,
    ids: u32,
    queue: BTreeMap<(Timestamp, u64), Delivery>,
    told: u64,
    last_told: Timestamp,
    /// What the engine tells again once the stream is back; `None` while it lives.
    cut: Option<Vec<RuntimeEvent>>,
    next_look: Timestamp,
    rebooted: bool,
}

impl World {
    /// A service that has run for a day when the watch first sees it.
    pub(super) fn new() -> Self {
        Self::with(Policy::default(), Lags { event: 20, look: 80, report: 40 })
    }

    pub(super) fn with(policy: Policy, lags: Lags) -> Self {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let started = now - SignedDuration::from_hours(24);
        let container = Container { id: 1, restarts: 0, state: State::Running, health: Health::None, started };
        let mut world = Self {
            watch: ServiceWatch::new(policy, None),
            now,
            found: vec![],
            missed: vec![],
            kept_up: true,
            asked: None,
            task: None,
            lags,
            container: Some(container),
            ids: 1,
            queue: BTreeMap::new(),
            told: 0,
            last_told: now,
            cut: None,
            next_look: now,
            rebooted: false,
        };
        world.after(10_000);
        world
    }

    /// Lets time pass, waking the watch as the engine would.
    pub(super) fn after(&mut self, ms: i64) -> &mut Self {
        let until = self.now + SignedDuration::from_millis(ms);
        loop {
            let queued = self.queue.keys().next().map(|(at, _)| *at);
            let deadline = self.watch.deadline().map(|at| at.max(self.now));
            let next = [queued, deadline, Some(self.next_look)].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            self.now = next;
            if queued == Some(next) {
                let (_, delivery) = self.queue.pop_first().unwrap();
                self.deliver(delivery);
            } else if self.next_look <= next {
                self.next_look = next + SignedDuration::from_secs(30);
                self.look();
            } else {
                let found = self.watch.tick(next);
                self.found.extend(found);
            }
            self.heed();
        }
        self.now = until;
        self
    }

    fn heed(&mut self) {
        if self.watch.wants_snapshot(self.now) {
            self.look();
        }
    }

    pub(super) fn look(&mut self) {
        let at = self.now + SignedDuration::from_millis(self.lags.look);
        // It begins a moment after it is asked for.
        let began = self.now + SignedDuration::from_nanos(1);
        self.queue(at, Delivery::Sample { began });
    }

    fn queue(&mut self, at: Timestamp, delivery: Delivery) {
        self.told += 1;
        self.queue.insert((at, self.told), delivery);
    }

    fn deliver(&mut self, delivery: Delivery) {
        let found = match delivery {
            Delivery::Event(event) => self.watch.event(&event, self.now),
            Delivery::Sample { began } => {
                let look = Snapshot { began, rebooted: std::mem::take(&mut self.rebooted) };
                let at = self.now + SignedDuration::from_millis(self.lags.report);
                let seen = self.observe(at);
                self.queue(at, Delivery::Report(seen, look));
                None
            }
            Delivery::Report(seen, look) => {
                let (found, missed) = self.watch.snapshot(&seen, look);
                self.missed.extend(missed);
                found
            }
        };
        self.found.extend(found);
    }

    fn observe(&self, at: Timestamp) -> Observation {
        let container = self.container.clone();
        Observation {
            service: ServiceName::parse("web").unwrap(),
            at,
            state: container.as_ref().map_or(State::NotDeployed, |c| c.state.clone()),
            health: container.as_ref().map_or(Health::None, |c| c.health),
            restarts: container.as_ref().map_or(0, |c| c.restarts),
            since: container.as_ref().map(|c| c.started),
            id: container.map(|c| c.id.to_string()),
            kept_up: self.kept_up,
            task: self.task,
            asked: self.asked,
            note: None,
            members: Vec::new(),
        }
    }

    fn tell(&mut self, kind: EventKind) {
        let id = self.container.as_ref().map_or(self.ids, |c| c.id).to_string();
        let event = RuntimeEvent { id, name: "web".to_owned(), of: None, at: self.now, kind };
        match &mut self.cut {
            Some(kept) => kept.push(event),
            None => self.send(event),
        }
    }

    fn send(&mut self, event: RuntimeEvent) {
        // A stream keeps its order.
        self.last_told = self.last_told.max(self.now + SignedDuration::from_millis(self.lags.event));
        self.queue(self.last_told, Delivery::Event(event));
    }

    /// The stream breaks, with what is on its way.
    pub(super) fn cut(&mut self) {
        let kept = self.cut.get_or_insert_default();
        for (key, delivery) in std::mem::take(&mut self.queue) {
            match delivery {
                Delivery::Event(event) => kept.push(event),
                other => drop(self.queue.insert(key, other)),
            }
        }
    }

    /// The stream is back; the engine may remember what it told nobody.
    pub(super) fn mend(&mut self, remembers: bool) {
        let kept = self.cut.take().unwrap_or_default();
        self.look();
        for event in kept.into_iter().filter(|_| remembers) {
            self.send(event);
        }
    }

    fn container(&mut self) -> &mut Container {
        self.container.as_mut().expect("it is deployed")
    }

    fn ends(&mut self, death: Death) {
        self.container().state = State::Exited(death);
        self.tell(EventKind::Died { code: death.code });
    }

    pub(super) fn start(&mut self) -> &mut Self {
        let now = self.now;
        let container = self.container();
        container.started = now;
        container.state = State::Running;
        if container.health != Health::None {
            container.health = Health::Starting;
        }
        self.tell(EventKind::Started);
        self
    }

    /// It dies by itself; its policy will start it again, if it has one.
    pub(super) fn crash(&mut self, code: i64) -> &mut Self {
        self.falls(Death::exit(code))
    }

    pub(super) fn out_of_memory(&mut self) -> &mut Self {
        self.tell(EventKind::OutOfMemory);
        self.falls(Death { oom: true, ..Death::exit(137) })
    }

    /// The same, where the engine tells of the death first, and of its cause when the container runs again.
    pub(super) fn out_of_memory_as_it_turns_out(&mut self) -> &mut Self {
        self.crash(137).after(100).start().tell(EventKind::OutOfMemory);
        self
    }

    fn falls(&mut self, death: Death) -> &mut Self {
        let kept_up = self.kept_up;
        let container = self.container();
        container.state = State::Exited(death);
        if kept_up {
            container.restarts += 1;
            container.state = State::Restarting { last: death };
        }
        self.tell(EventKind::Died { code: death.code });
        self
    }

    /// It dies and is started again in the same moment, and nothing but its status is told of that.
    pub(super) fn dies_for_a_moment(&mut self, code: i64) -> &mut Self {
        let now = self.now;
        let container = self.container();
        container.restarts += 1;
        container.started = now;
        self.tell(EventKind::Changed { code: Some(code) });
        self
    }

    /// Somebody restarts it, and nothing but the status of its end is told of that.
    pub(super) fn restarted_in_a_moment(&mut self, code: i64) -> &mut Self {
        let now = self.now;
        self.container().started = now;
        self.tell(EventKind::Changed { code: Some(code) });
        self
    }

    /// A round of a crash loop: runs, dies, waits for its policy.
    pub(super) fn round(&mut self, run_ms: i64, code: i64, backoff_ms: i64) -> &mut Self {
        self.after(run_ms).crash(code).after(backoff_ms).start()
    }

    /// `docker stop`, past the bot: a signal, an end, and the word that it is done.
    pub(super) fn stop(&mut self, code: i64, took_ms: i64) -> &mut Self {
        self.tell(EventKind::Killed { signal: Some(15) });
        self.after(took_ms);
        self.ends(Death::exit(code));
        self.tell(EventKind::Stopped);
        self
    }

    pub(super) fn docker_kill(&mut self) -> &mut Self {
        self.tell(EventKind::Killed { signal: Some(9) });
        self.ends(Death::exit(137));
        self
    }

    pub(super) fn signal(&mut self, signal: u32) -> &mut Self {
        self.tell(EventKind::Killed { signal: Some(signal) });
        self
    }

    /// `docker start`: what the policy counted is nought again.
    pub(super) fn start_by_hand(&mut self) -> &mut Self {
        self.container().restarts = 0;
        self.start()
    }

    pub(super) fn remove(&mut self) -> &mut Self {
        self.tell(EventKind::Removed);
        self.container = None;
        self
    }

    /// A new container under the same name.
    pub(super) fn create(&mut self) -> &mut Self {
        self.ids += 1;
        let container =
            Container { id: self.ids, restarts: 0, state: State::Created, health: Health::None, started: self.now };
        self.container = Some(container);
        self
    }

    pub(super) fn pause(&mut self) -> &mut Self {
        self.container().state = State::Paused;
        self.tell(EventKind::Paused);
        self
    }

    pub(super) fn resume(&mut self) -> &mut Self {
        self.container().state = State::Running;
        self.tell(EventKind::Resumed);
        self
    }

    pub(super) fn health(&mut self, healthy: bool) -> &mut Self {
        self.container().health = if healthy { Health::Healthy } else { Health::Unhealthy };
        self.tell(if healthy { EventKind::Healthy } else { EventKind::Unhealthy });
        self
    }

    /// The engine stops, takes what runs with it, and starts again what its
    /// policy keeps up.
    pub(super) fn engine_restarts(&mut self, down_ms: i64) -> &mut Self {
        if self.container.as_ref().is_some_and(|c| c.state == State::Running) {
            self.stop(143, 200);
        }
        self.after(self.lags.event);
        self.cut();
        self.cut = Some(vec![]);
        self.watch.blinded(true, self.now);
        self.queue.retain(|_, delivery| matches!(delivery, Delivery::Event(_)));
        self.next_look = self.now + SignedDuration::from_millis(down_ms);
        self.after(down_ms);
        self.cut = None;
        self.rebooted = true;
        let stopped = self.container.as_ref().is_some_and(|c| matches!(c.state, State::Exited(_)));
        if self.kept_up && stopped {
            self.start_by_hand();
        }
        self.look();
        self
    }

    /// A change through the bot: begins, does, and ends as told.
    pub(super) fn change(&mut self, change: Change, succeeded: bool, act: impl FnOnce(&mut Self)) -> &mut Self {
        self.watch.change_begins();
        act(self);
        let by = Who::Operator(Actor::Person(UserId::parse("@alice:example.org").unwrap()));
        let change = LastChange { change: Some(change), by, version: None, succeeded, at: self.now };
        let found = self.watch.change_ended(Some(change), self.now);
        self.found.extend(found);
        self.heed();
        self
    }

    /// Problems that made a phone ring, by their kind when they did.
    pub(super) fn pages(&self) -> Vec<Kind> {
        let (mut pages, mut loud) = (vec![], false);
        for finding in &self.found {
            match finding {
                Finding::Opened(problem) | Finding::Changed(problem) => {
                    if problem.kind.level() == Level::Page && !loud {
                        pages.push(problem.kind);
                        loud = true;
                    }
                }
                Finding::Closed(_) => loud = false,
            }
        }
        pages
    }

    pub(super) fn closings(&self) -> Vec<&Closed> {
        let closings = self.found.iter().filter_map(|finding| match finding {
            Finding::Closed(closed) => Some(closed),
            Finding::Opened(_) | Finding::Changed(_) => None,
        });
        closings.collect()
    }

    pub(super) fn openings(&self) -> usize {
        self.found.iter().filter(|finding| matches!(finding, Finding::Opened(_))).count()
    }
}

/// How long Docker waits before it starts a container again: doubled from
/// 100 ms up to a minute, and back when a run was long.
pub(super) fn backoff(before: Option<Duration>, run_ms: i64) -> Duration {
    let first = Duration::from_millis(100);
    match before {
        Some(before) if run_ms < 10_000 => (before * 2).min(Duration::from_secs(60)),
        Some(_) | None => first,
    }
}
