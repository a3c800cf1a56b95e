//! What a change that did not succeed has left behind.

/// Why what was put in place does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyFailure {
    /// It died.
    Died,
    /// Its health check fails.
    Unhealthy,
    /// It did not become healthy in time.
    NotHealthyInTime,
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
}

impl VerifyFailure {
    pub(super) fn read(word: &str) -> Option<Self> {
        Some(match word {
            "died" => Self::Died,
            "unhealthy" => Self::Unhealthy,
            "not-healthy-in-time" => Self::NotHealthyInTime,
            "gone" => Self::Gone,
            "replaced" => Self::Replaced,
            "not-running" => Self::NotRunning,
            "unseen" => Self::Unseen,
            "cancelled" => Self::Cancelled,
            _newer => return None,
        })
    }

    /// The cause as a clause.
    pub fn explain(self) -> &'static str {
        match self {
            Self::Died => "it started and died",
            Self::Unhealthy => "its health check fails",
            Self::NotHealthyInTime => "it did not become healthy in time",
            Self::Gone => "no such container afterwards",
            Self::Replaced => "another container took its place meanwhile",
            Self::NotRunning => "it is not running afterwards",
            Self::Unseen => "the engine could not be asked how it is",
            Self::Cancelled => "it was cancelled",
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
                Self::Failed(VerifyFailure::read(rest).map_or_else(|| rest.to_owned(), |t| t.explain().to_owned()))
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
