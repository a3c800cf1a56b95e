//! What can be wrong with a service, and what a detector says about it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::{change::Change, observation::Death, origin::Actor};

/// What is wrong, the worse the later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It died by itself, once or twice, and runs again.
    Crashed,
    /// It goes back and forth between well and not well.
    Flapping,
    /// Its health check fails.
    Unhealthy,
    /// It stays between two states.
    Stuck,
    /// It was there, and is not any more.
    NotDeployed,
    /// It is there to do one thing, and that went wrong.
    Failed,
    /// It died by itself and nothing starts it again.
    Exited,
    /// The kernel killed it for memory.
    OutOfMemory,
    /// It keeps dying.
    CrashLoop,
}

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// To be read when somebody looks.
    Note,
    /// Somebody is notified.
    Page,
}

impl Kind {
    /// How much it matters.
    pub fn level(self) -> Level {
        match self {
            Self::Crashed => Level::Note,
            Self::Flapping
            | Self::Unhealthy
            | Self::Stuck
            | Self::NotDeployed
            | Self::Failed
            | Self::Exited
            | Self::OutOfMemory
            | Self::CrashLoop => Level::Page,
        }
    }

    /// The words for it: "crash loop".
    pub fn name(self) -> &'static str {
        match self {
            Self::Crashed => "crashed",
            Self::Flapping => "flapping",
            Self::Unhealthy => "unhealthy",
            Self::Stuck => "stuck",
            Self::NotDeployed => "not deployed any more",
            Self::Failed => "failed",
            Self::Exited => "down",
            Self::OutOfMemory => "out of memory",
            Self::CrashLoop => "crash loop",
        }
    }
}

/// One death, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fall {
    /// How it ended.
    pub death: Death,
    /// How long it had run.
    pub ran: Option<SignedDuration>,
    /// When, by the bot's clock.
    pub at: Timestamp,
}

/// A problem as it is known so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What is wrong.
    pub kind: Kind,
    /// Since when: the first death that counts, or when it was noticed.
    pub since: Timestamp,
    /// Deaths since then.
    pub deaths: u32,
    /// The last of them.
    pub last: Option<Fall>,
    /// What was changed last before it began.
    pub after: Option<LastChange>,
    /// When it came back after somebody had answered it.
    #[serde(default)]
    pub relapses: Vec<Timestamp>,
    /// Whether it comes back again and again. It is not counted any more then.
    #[serde(default)]
    pub flapping: bool,
    /// The member of a project that all of this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Whether that is its only one, and needs no name of its own.
    #[serde(default)]
    pub alone: bool,
    /// Other members that are in trouble.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// How often there was reason to notify again, for whichever member of a
    /// project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notices: Option<usize>,
}

impl Problem {
    /// How often there was reason to notify again.
    pub fn notices(&self) -> usize {
        self.notices.unwrap_or(self.relapses.len())
    }

    /// Whether somebody is notified of it.
    pub fn pages(&self) -> bool {
        self.kind.level() == Level::Page
    }
}

/// The last change that was made to a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastChange {
    /// What was done; none for a new container that came from elsewhere.
    pub change: Option<Change>,
    /// Who asked for it.
    pub by: Who,
    /// The version it put in place.
    pub version: Option<String>,
    /// Whether it succeeded.
    pub succeeded: bool,
    /// When it was done.
    pub at: Timestamp,
}

/// Somebody who does something to a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// An operator, through the bot.
    Operator(Actor),
    /// Anybody, past the bot.
    Outside,
}

/// What people last wanted of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// It should run.
    Run,
    /// Somebody stopped it.
    Stopped {
        /// Who.
        by: Who,
        /// When it was noticed.
        at: Timestamp,
    },
    /// It was not there, or not running, when it was first seen.
    Unknown,
}

/// What a detector says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Something is wrong.
    Opened(Problem),
    /// More is known of what is wrong.
    Changed(Problem),
    /// It is not wrong any more.
    Closed(Closed),
}

/// How a problem ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// It has been well long enough to be believed.
    Recovered {
        /// From the beginning to now.
        lasted: SignedDuration,
        /// How long it has been well.
        steady: SignedDuration,
    },
    /// Somebody stopped or removed it.
    Stopped(Who),
}

/// What a look shows that no event told: it happened unseen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// It died and was started again, so many times.
    Died(u32),
    /// Another container took its place.
    Replaced,
    /// Somebody, or the engine's own start, started it anew.
    Restarted,
    /// It ended, and nobody knows whether somebody asked for that.
    Ended(Death),
    /// It is gone.
    Gone,
}
