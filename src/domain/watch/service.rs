//! Watches one service: what is known of it, and what changes mean for that. What
//! events mean is in [`super::event`], what looks mean in [`super::snapshot`]; whether
//! anything is wrong is decided in [`super::judge`].

use std::{collections::VecDeque, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    answer::Answer,
    deaths::Deaths,
    expected_stop::ExpectedStop,
    policy::Policy,
    problem::{Fall, Finding, Intent, LastChange, Problem, Who},
    unseen::Before,
    unseen_end::UnseenEnd,
};
use crate::domain::{
    change::Change,
    observation::{Death, Health, State},
};

/// What was stopped so shortly before its engine went was stopped by it.
pub(super) const TAKEN_ALONG: SignedDuration = SignedDuration::from_secs(30);
/// Turns remembered.
const TURNS: usize = 100;

/// What it is doing, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Present {
    Unseen,
    Running {
        since: Timestamp,
    },
    /// Its process ended. It counts as trouble from `opens` on, if at all.
    Down {
        since: Timestamp,
        opens: Option<Timestamp>,
        /// Whether an event told how it ended; a look can only guess whether
        /// somebody asked for that.
        told: bool,
    },
    /// Restarting, created, being removed: on its way to something.
    Between {
        since: Timestamp,
        restarting: bool,
    },
    Paused,
    Absent {
        since: Timestamp,
    },
}

/// Watches one service.
#[derive(Debug)]
pub struct ServiceWatch {
    pub(super) policy: Policy,
    pub(super) stop_timeout: Option<Duration>,
    /// Whether it may end well by itself: what a project runs once.
    may_finish: bool,
    /// Whether it is there to do one thing and end, as last looked at.
    pub(super) task: bool,
    /// Whether its engine starts it again however it ends.
    pub(super) kept_up: bool,
    /// It ran when its engine went, and has not been started since: however it
    /// ended then, it was not done.
    pub(super) cut_short: bool,
    pub(super) container: Option<String>,
    /// When it was started, by the host's clock, as last looked at.
    pub(super) started: Option<Timestamp>,
    /// When it failed, by the host's clock, as last looked at.
    pub(super) failed: Option<Timestamp>,
    /// Whether an event has told of a start since then.
    pub(super) start_told: bool,
    pub(super) present: Present,
    pub(super) intent: Intent,
    /// A change goes on: what happens is its doing.
    pub(super) held: bool,
    /// Since when nothing may be concluded before the next look.
    pub(super) blind: Option<Timestamp>,
    /// How it was then.
    pub(super) before: Option<Before>,
    /// A change failed: however it left the service is to be judged.
    pub(super) owed: bool,
    /// Its engine started anew, and has until then to start it again.
    pub(super) grace: Option<Timestamp>,
    pub(super) expected_stop: ExpectedStop,
    pub(super) deaths: Deaths,
    /// What the count of all deaths was when the open problem had none.
    pub(super) counted_from: i128,
    /// When its last run began, until its end is told.
    pub(super) run_began: Option<Timestamp>,
    pub(super) oom: Option<Timestamp>,
    pub(super) last: Option<Fall>,
    pub(super) unseen_end: UnseenEnd,
    pub(super) health: (Health, Option<Timestamp>),
    /// When it went from well to not well, or back.
    pub(super) turns: VecDeque<Timestamp>,
    pub(super) open: Option<Problem>,
    /// What was done about that.
    pub(super) answer: Answer,
    /// When a problem was last closed: what was before is told.
    pub(super) closed: Option<Timestamp>,
    /// When problems were opened that made a phone ring.
    pub(super) opened: VecDeque<Timestamp>,
    pub(super) settled: Option<Timestamp>,
    /// A look that began before this knows less than we do.
    pub(super) known_at: Option<Timestamp>,
    /// When a look is wanted, because of a death.
    pub(super) snapshot_at: Option<Timestamp>,
    /// An event asked for the next look, and none will tell more.
    pub(super) told_to_look: bool,
    pub(super) last_change: Option<LastChange>,
}

impl ServiceWatch {
    /// Nothing known yet.
    pub fn new(policy: Policy, stop_timeout: Option<Duration>) -> Self {
        Self {
            policy,
            stop_timeout,
            may_finish: false,
            task: false,
            kept_up: false,
            cut_short: false,
            container: None,
            started: None,
            failed: None,
            start_told: false,
            present: Present::Unseen,
            intent: Intent::Unknown,
            held: false,
            blind: None,
            before: None,
            owed: false,
            grace: None,
            expected_stop: ExpectedStop::default(),
            deaths: Deaths::default(),
            counted_from: 0,
            run_began: None,
            oom: None,
            last: None,
            unseen_end: UnseenEnd::default(),
            health: (Health::None, None),
            turns: VecDeque::new(),
            open: None,
            answer: Answer::None,
            closed: None,
            opened: VecDeque::new(),
            settled: None,
            known_at: None,
            snapshot_at: None,
            told_to_look: false,
            last_change: None,
        }
    }

    /// The same for a member of a project: it may have been there to do one
    /// thing.
    pub fn member(policy: Policy, stop_timeout: Option<Duration>) -> Self {
        Self { may_finish: true, ..Self::new(policy, stop_timeout) }
    }

    /// Whether it has done what it was there for, when it ended like that.
    pub(super) fn has_finished(&self, death: Death) -> bool {
        (self.may_finish || self.task)
            && !self.kept_up
            && (self.task || !self.cut_short)
            && State::Exited(death).is_done()
    }

    /// Whether it has done what it was there for, and nothing is expected of it.
    pub(super) fn is_done(&self) -> bool {
        (self.may_finish || self.task)
            && self.intent == Intent::Unknown
            && matches!(self.present, Present::Down { opens: None, told: true, .. })
    }

    /// It has done what it was there for: nobody waits for it to run.
    pub(super) fn finishes(&mut self, now: Timestamp) {
        let since = match self.present {
            Present::Down { since, .. } => since,
            Present::Unseen
            | Present::Running { .. }
            | Present::Between { .. }
            | Present::Paused
            | Present::Absent { .. } => now,
        };
        self.present = Present::Down { since, opens: None, told: true };
        if self.intent == Intent::Run {
            self.intent = Intent::Unknown;
        }
    }

    /// What is wrong with it.
    pub fn open(&self) -> Option<&Problem> {
        self.open.as_ref()
    }

    /// What people last wanted of it.
    pub fn intent(&self) -> &Intent {
        &self.intent
    }

    /// Whether it died and somebody should look what came of it. Asked once
    /// per death.
    pub fn wants_snapshot(&mut self, now: Timestamp) -> bool {
        self.snapshot_at.take_if(|at| *at <= now).is_some()
    }

    pub(super) fn snapshot_again(&mut self, now: Timestamp) {
        self.snapshot_at = Some(now);
    }

    /// When a look will be wanted.
    pub(super) fn snapshot_at(&self) -> Option<Timestamp> {
        self.snapshot_at
    }

    /// A change through the bot begins: what happens now is its doing.
    pub fn change_begins(&mut self) {
        self.held = true;
        self.snapshot_at = None;
    }

    /// It is over. `None` when it never began, and touched nothing.
    pub fn change_ended(&mut self, change: Option<LastChange>, now: Timestamp) -> Option<Finding> {
        self.held = false;
        self.known_at = Some(now);
        let Some(change) = change else {
            // What happened meanwhile was not told apart.
            if self.intent == Intent::Run {
                self.owe(now);
            }
            return self.settle(now);
        };
        self.deaths.forget();
        self.expected_stop.spent();
        match (change.change, change.succeeded) {
            (_, false) => {
                self.intent = Intent::Run;
                self.owe(now);
            }
            (Some(Change::Stop), true) => {
                self.intent = Intent::Stopped { by: change.by.clone(), at: now };
                if !matches!(self.present, Present::Down { .. } | Present::Absent { .. }) {
                    self.present = Present::Down { since: now, opens: None, told: true };
                }
            }
            // How its runs end tells, and not that it was started.
            (Some(_) | None, true) if self.task => self.snapshot_at = Some(now),
            (Some(_) | None, true) => {
                self.intent = Intent::Run;
                if !matches!(self.present, Present::Running { .. }) {
                    self.present = Present::Running { since: now };
                }
            }
        }
        if change.succeeded && change.change != Some(Change::Stop) {
            self.note_change();
        }
        self.last_change = Some(change);
        self.settle(now)
    }

    fn owe(&mut self, now: Timestamp) {
        self.owed = true;
        self.blind = Some(now);
        self.snapshot_at = Some(now);
    }

    /// It cannot be seen any more. `engine` when it is certain that its engine
    /// went: what that stopped on its way nobody asked for.
    pub fn blinded(&mut self, engine: bool, now: Timestamp) {
        if self.before.is_none() {
            self.before = Some(self.as_last_seen());
        }
        let since = *self.blind.get_or_insert(now);
        if engine {
            self.take_along(since);
        }
    }

    fn as_last_seen(&self) -> Before {
        Before {
            container: self.container.clone(),
            restarts: self.deaths.base(),
            started: self.started.filter(|_| !self.start_told),
            ran: matches!(self.present, Present::Running { .. } | Present::Between { restarting: true, .. }),
        }
    }

    /// What was stopped just before, the engine took down with it.
    pub(super) fn take_along(&mut self, went: Timestamp) {
        if let Intent::Stopped { by: Who::Outside, at } = self.intent
            && at <= went
            && went.duration_since(at) <= TAKEN_ALONG
        {
            self.intent = Intent::Run;
            self.cut_short = true;
        }
    }

    pub(super) fn came_from_elsewhere(&mut self, at: Timestamp) {
        self.last_change = Some(LastChange { change: None, by: Who::Outside, version: None, succeeded: true, at });
    }

    pub(super) fn runs_again(&mut self, now: Timestamp) {
        self.note_start(now);
        self.cut_short = false;
        self.present = Present::Running { since: now };
        self.run_began = Some(now);
        self.intent = Intent::Run;
        self.expected_stop.spent();
        self.grace = None;
        self.oom = None;
        self.snapshot_at = None;
    }

    pub(super) fn stopped_by(&mut self, by: Who, at: Timestamp) {
        let known = matches!(self.intent, Intent::Stopped { .. });
        if !known && !self.held {
            self.intent = Intent::Stopped { by, at };
        }
    }

    pub(super) fn health_is(&mut self, health: Health, now: Timestamp) {
        let (before, _) = self.health;
        if before == health {
            return;
        }
        let turned =
            matches!((before, health), (Health::Healthy, Health::Unhealthy) | (Health::Unhealthy, Health::Healthy));
        if turned && !self.held {
            self.turns.push_back(now);
            if self.turns.len() > TURNS {
                self.turns.pop_front();
            }
        }
        self.health = (health, Some(now));
    }

    /// Looks at the clock.
    pub fn tick(&mut self, now: Timestamp) -> Option<Finding> {
        if self.deadline().is_some_and(|at| at <= now) { self.settle(now) } else { None }
    }
}
