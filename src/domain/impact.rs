//! What a change that did not succeed has left behind.

/// Why what was put in place fails verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerifyFailure {
    /// It died.
    Died,
    /// Its health check fails.
    Unhealthy,
    /// It did not become healthy in time.
    NotHealthyInTime,
    /// What runs is another version than was put in place.
    OtherVersion,
    /// The container is gone.
    Gone,
    /// Another container took its place meanwhile.
    Replaced,
    /// It is neither running nor dead.
    NotRunning,
    /// The engine could not be asked.
    Unseen,
    /// Somebody called it off.
    Cancelled,
    /// One container of the project that the service is.
    Member {
        /// That container's name.
        name: String,
        /// What is wrong with it.
        failure: Box<VerifyFailure>,
    },
    /// It is fine, and another container of its Compose project is not.
    Neighbour {
        /// That container's name.
        name: String,
        /// What is wrong with that one.
        failure: Box<VerifyFailure>,
    },
}

impl VerifyFailure {
    pub(super) fn read(words: &str) -> Option<Self> {
        if let Some(neighbour) = words.strip_prefix("neighbour ") {
            let (failure, name) = neighbour.split_once(' ')?;
            return Some(Self::Neighbour { name: name.to_owned(), failure: Box::new(Self::read(failure)?) });
        }
        if let Some(member) = words.strip_prefix("member ") {
            let (failure, name) = member.split_once(' ')?;
            return Some(Self::Member { name: name.to_owned(), failure: Box::new(Self::read(failure)?) });
        }
        Some(match words {
            "died" => Self::Died,
            "unhealthy" => Self::Unhealthy,
            "not-healthy-in-time" => Self::NotHealthyInTime,
            "other-version" => Self::OtherVersion,
            "gone" => Self::Gone,
            "replaced" => Self::Replaced,
            "not-running" => Self::NotRunning,
            "unseen" => Self::Unseen,
            "cancelled" => Self::Cancelled,
            _newer => return None,
        })
    }

    /// The cause as a clause.
    pub fn explain(&self) -> String {
        let clause = match self {
            Self::Died => "it started and died",
            Self::Unhealthy => "its health check fails",
            Self::NotHealthyInTime => "it did not become healthy in time",
            Self::OtherVersion => "what runs is another version than was put in place",
            Self::Gone => "no such container afterwards",
            Self::Replaced => "another container took its place meanwhile",
            Self::NotRunning => "it is not running afterwards",
            Self::Unseen => "the engine could not be asked how it is",
            Self::Cancelled => "it was cancelled",
            Self::Member { name, failure } => return format!("{name}: {}", failure.explain()),
            Self::Neighbour { name, failure } => return format!("{name}, in the same project: {}", failure.explain()),
        };
        clause.to_owned()
    }

    /// Whether it is a death, of which the job may have told the exit status.
    pub fn is_death(&self) -> bool {
        match self {
            Self::Died => true,
            Self::Member { failure, .. } | Self::Neighbour { failure, .. } => failure.is_death(),
            Self::Unhealthy
            | Self::NotHealthyInTime
            | Self::OtherVersion
            | Self::Gone
            | Self::Replaced
            | Self::NotRunning
            | Self::Unseen
            | Self::Cancelled => false,
        }
    }
}

/// How going back went, as the job tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Back {
    /// That version is in place again, and holds.
    Held(String),
    /// It did not work, for this reason.
    Failed(String),
    /// The config has it switched off.
    Off,
    /// What ran before was in trouble too, or nothing ran.
    Nothing,
    /// The operator's script has no counterpart.
    NoCommand,
}

impl Back {
    pub(super) fn read(words: &str) -> Option<Self> {
        let (what, rest) = words.split_once(' ').unwrap_or((words, ""));
        Some(match what {
            "held" => Self::Held(rest.to_owned()),
            "failed" => {
                Self::Failed(VerifyFailure::read(rest).map_or_else(|| rest.to_owned(), |failure| failure.explain()))
            }
            "off" => Self::Off,
            "nothing" => Self::Nothing,
            "no-command" => Self::NoCommand,
            _newer => return None,
        })
    }
}

/// What is left of a change that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Impact {
    /// Nothing that runs was touched.
    Untouched,
    /// The way back was taken, or there was none.
    Back(Back),
    /// It is as the change left it; a look tells how.
    AsItIs,
}
