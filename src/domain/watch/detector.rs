//! Watches whatever a service is: one thing, or a project of several.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    checkpoint::Checkpoint,
    policy::Policy,
    problem::{Finding, Intent, LastChange, Missed, Problem},
    project::{ProjectCheckpoint, ProjectWatch},
    service::ServiceWatch,
    snapshot::Snapshot,
    standing::Standing,
};
use crate::domain::{
    change::Change, inventory::Service, member::Member, observation::Observation, runtime::RuntimeEvent,
};

/// See the module.
#[derive(Debug)]
pub enum Detector {
    /// Of one thing.
    One(Box<ServiceWatch>),
    /// Of a project.
    Project(Box<ProjectWatch>),
}

/// What is kept of a detector over a restart of the bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Saved {
    /// Of one thing.
    One(Box<Checkpoint>),
    /// Of a project.
    Project(Box<ProjectCheckpoint>),
}

impl Detector {
    /// Nothing known yet.
    pub fn new(service: &Service) -> Self {
        let (policy, stop_timeout): (Policy, Option<Duration>) = (service.watch.clone(), service.stop_timeout);
        if service.workload.is_project() {
            Self::Project(Box::new(ProjectWatch::new(policy, stop_timeout)))
        } else {
            Self::One(Box::new(ServiceWatch::new(policy, stop_timeout)))
        }
    }

    /// What has to be kept over a restart of the bot.
    pub fn saved(&self) -> Saved {
        match self {
            Self::One(watch) => Saved::One(Box::new(watch.checkpoint())),
            Self::Project(watch) => Saved::Project(Box::new(watch.checkpoint())),
        }
    }

    /// Goes on from what an earlier process knew at a time. Of something else by
    /// that name only what is wrong with it is kept, until that is over.
    pub fn restore(&mut self, saved: Saved, known_at: Timestamp) {
        match (self, saved) {
            (Self::One(watch), Saved::One(saved)) => watch.restore(*saved, known_at),
            (Self::Project(watch), Saved::Project(saved)) => watch.restore(*saved, known_at),
            (Self::One(watch), Saved::Project(saved)) => watch.adopt(saved.open),
            (Self::Project(watch), Saved::One(saved)) => watch.adopt(saved.open),
        }
    }

    /// What is wrong with it.
    pub fn open(&self) -> Option<&Problem> {
        match self {
            Self::One(watch) => watch.open(),
            Self::Project(watch) => watch.open(),
        }
    }

    /// What people last wanted of it.
    pub fn intent(&self) -> &Intent {
        match self {
            Self::One(watch) => watch.intent(),
            Self::Project(watch) => watch.intent(),
        }
    }

    /// What is known of one member of a project.
    pub fn member(&self, member: &Member) -> Option<&ServiceWatch> {
        match self {
            Self::One(_) => None,
            Self::Project(watch) => watch.members().find(|(known, _)| *known == member).map(|(_, watch)| watch),
        }
    }

    /// The names of its members, where it has some.
    pub fn members(&self) -> Vec<&Member> {
        match self {
            Self::One(_) => Vec::new(),
            Self::Project(watch) => watch.members().map(|(member, _)| member).collect(),
        }
    }

    /// How it stands, in a word.
    pub fn standing(&self) -> Standing {
        match self {
            Self::One(watch) => watch.standing(),
            Self::Project(watch) => watch.standing(),
        }
    }

    /// A change begins, of all of it or of the members of a name.
    pub fn change_begins(&mut self, change: Change, member: Option<&str>) {
        match self {
            Self::One(watch) => watch.change_begins(),
            Self::Project(watch) => watch.change_begins(change, member),
        }
    }

    /// It is over. `None` when it never began, and touched nothing.
    pub fn change_ended(&mut self, change: Option<LastChange>, now: Timestamp) -> Option<Finding> {
        match self {
            Self::One(watch) => watch.change_ended(change, now),
            Self::Project(watch) => watch.change_ended(change.as_ref(), now),
        }
    }

    /// It cannot be seen any more.
    pub fn blinded(&mut self, engine: bool, now: Timestamp) {
        match self {
            Self::One(watch) => watch.blinded(engine, now),
            Self::Project(watch) => watch.blinded(engine, now),
        }
    }

    /// Takes an event.
    pub fn event(&mut self, event: &RuntimeEvent, now: Timestamp) -> Option<Finding> {
        match self {
            Self::One(watch) => watch.event(event, now),
            Self::Project(watch) => watch.event(event, now),
        }
    }

    /// Takes a look at it. Says what had happened unseen.
    pub fn snapshot(&mut self, seen: &Observation, snapshot: Snapshot) -> (Option<Finding>, Option<Missed>) {
        match self {
            Self::One(watch) => watch.snapshot(seen, snapshot),
            Self::Project(watch) => watch.snapshot(seen, snapshot),
        }
    }

    /// Looks at the clock.
    pub fn tick(&mut self, now: Timestamp) -> Option<Finding> {
        match self {
            Self::One(watch) => watch.tick(now),
            Self::Project(watch) => watch.tick(now),
        }
    }

    /// When the clock should be looked at next.
    pub fn deadline(&self) -> Option<Timestamp> {
        match self {
            Self::One(watch) => watch.deadline(),
            Self::Project(watch) => watch.deadline(),
        }
    }

    /// Whether something died and somebody should look what came of it. Asked
    /// once per death.
    pub fn wants_snapshot(&mut self, now: Timestamp) -> bool {
        match self {
            Self::One(watch) => watch.wants_snapshot(now),
            Self::Project(watch) => watch.wants_snapshot(now),
        }
    }
}
