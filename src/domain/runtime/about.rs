//! What a runtime says of itself on a host's card.

use crate::domain::doctor::mark::Mark;

/// Part of a script: ends what does not answer, where there is timeout(1).
pub(super) const LIMITED: &str =
    "limited() { if timeout 5 true 2>/dev/null; then timeout 8 \"$@\"; else \"$@\"; fi; }\n";

/// What a runtime says of itself. All of it was said by the host.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct About {
    /// Its version, if it answered.
    pub version: Option<String>,
    /// What else a person who looks at the host wants to know of it.
    pub notes: Vec<Note>,
}

/// One line about a runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// How that is.
    pub mark: Mark,
    /// What is so.
    pub says: String,
}

impl About {
    /// Of what prints nothing but its version, or why it does not answer.
    pub(super) fn version(printed: &[&str]) -> Self {
        let said = printed.iter().map(|line| line.trim()).rfind(|line| !line.is_empty());
        match said {
            Some(version) if version.starts_with(|c: char| c.is_ascii_digit()) => {
                Self { version: Some(version.to_owned()), notes: Vec::new() }
            }
            said => Self {
                version: None,
                notes: vec![Note::wrong(format!("does not answer: {}", said.unwrap_or("it printed nothing")))],
            },
        }
    }
}

impl Note {
    pub(super) fn fine(says: impl Into<String>) -> Self {
        Self { mark: Mark::Fine, says: says.into() }
    }

    pub(super) fn doubtful(says: impl Into<String>) -> Self {
        Self { mark: Mark::Doubtful, says: says.into() }
    }

    pub(super) fn wrong(says: impl Into<String>) -> Self {
        Self { mark: Mark::Wrong, says: says.into() }
    }
}
