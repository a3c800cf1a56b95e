//! Incidents: what people are told of a trouble, from its opening to its end.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    names::ServiceName,
    observation::Disk,
    origin::Actor,
    outgoing::MessageKey,
    subject::Subject,
    watch::{Closed, HostProblem, Level, Missed, Problem},
};

/// An incident's number: short enough to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IncidentId(pub u64);

impl IncidentId {
    /// The name of what is said about it.
    pub fn key(self, which: &str) -> String {
        format!("incident/{}/{which}", self.0)
    }

    /// The name of a message about it: of the first, or of that of a relapse.
    pub fn message(self, which: &str, nth: usize) -> MessageKey {
        MessageKey(if nth == 0 { self.key(which) } else { self.key(&format!("{which}-{nth}")) })
    }

    /// The incident that a message is named for.
    pub fn of_message(key: &MessageKey) -> Option<Self> {
        let (number, _) = key.0.strip_prefix("incident/")?.split_once('/')?;
        number.parse().ok().map(Self)
    }
}

/// What is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// With a service.
    Service(Problem),
    /// With a host.
    Host(HostProblem),
}

impl Cause {
    /// How often it has come back while it was open.
    pub fn relapses(&self) -> usize {
        match self {
            Self::Service(problem) => problem.notices(),
            Self::Host(_) => 0,
        }
    }

    /// The member of a project that it is about.
    pub fn member(&self) -> Option<&str> {
        match self {
            Self::Service(problem) => problem.member.as_deref(),
            Self::Host(_) => None,
        }
    }

    /// How much it matters.
    pub fn level(&self) -> Level {
        match self {
            Self::Service(problem) => problem.kind.level(),
            Self::Host(_) => Level::Page,
        }
    }
}

/// How a trouble ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The service is well, or was stopped.
    Service(Closed),
    /// The host can be seen again.
    Seen {
        /// When it was seen last before.
        from: Timestamp,
        /// When it was seen again.
        to: Timestamp,
        /// What happened there meanwhile.
        missed: Vec<(ServiceName, Missed)>,
    },
    /// The disk has room again.
    DiskFree(Disk),
    /// It is no service any more: it is gone from its host, or from the config.
    Gone,
}

/// Whether an emoji under an alert says that somebody is on it, in whatever
/// shade a phone writes it.
pub fn acknowledges(emoji: &str) -> bool {
    let shade = |c: char| matches!(c, '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}');
    matches!(emoji.trim_end_matches(shade), "👍" | "✅" | "👀")
}

/// One trouble, as people know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its number.
    pub id: IncidentId,
    /// What is in trouble.
    pub subject: Subject,
    /// What is wrong, as known now.
    #[serde(rename = "trouble")]
    pub cause: Cause,
    /// When it was opened.
    pub opened: Timestamp,
    /// How loudly people were told; none while they were not.
    pub said: Option<Level>,
    /// The incident whose message tells of it: itself, unless it was told
    /// together with others.
    pub told_with: Option<IncidentId>,
    /// The end of its log when it was opened, or why there is none.
    pub log: Option<Result<String, String>>,
    /// How often it had come back when it was told last.
    #[serde(default)]
    pub relapses: usize,
    /// Which message named for `told_with` that was: each relapse of that one
    /// has a message of its own.
    #[serde(default)]
    pub told_nth: usize,
    /// How loudly that message was said: others in it may be louder.
    #[serde(default)]
    pub told_as: Option<Level>,
    /// Who knows of it, and since when.
    pub acknowledged: Option<(Actor, Timestamp)>,
    /// When somebody was last notified of it.
    #[serde(rename = "rang")]
    pub last_paged_at: Option<Timestamp>,
    /// How it ended, and when.
    pub end: Option<(Resolution, Timestamp)>,
}

impl Incident {
    /// A trouble that nobody was told of.
    pub fn new(id: IncidentId, subject: Subject, cause: Cause, now: Timestamp) -> Self {
        Self {
            id,
            subject,
            cause,
            opened: now,
            said: None,
            told_with: None,
            log: None,
            relapses: 0,
            told_nth: 0,
            told_as: None,
            acknowledged: None,
            last_paged_at: None,
            end: None,
        }
    }

    /// The message that tells of it; none while there is none.
    pub fn message(&self) -> Option<MessageKey> {
        let which = if self.told_as.or(self.said)? == Level::Page { "page" } else { "note" };
        Some(self.told_with?.message(which, self.told_nth))
    }

    /// Whether it has come back since people were told.
    pub fn has_relapsed(&self) -> bool {
        self.cause.relapses() > self.relapses
    }

    /// Whether only a silence keeps it from notifying.
    pub fn is_held(&self) -> bool {
        self.said == Some(Level::Note) && self.cause.level() == Level::Page
    }
}
