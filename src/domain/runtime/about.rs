//! What a runtime says of itself on a host's card.

use crate::domain::{doctor::mark::Mark, text::shortened};

/// Characters of what a host says on its card, each.
pub(in crate::domain) const SAID: usize = 100;

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
        // Before it, a tool may complain of something else.
        let is_version = |line: &&&str| line.trim().starts_with(|c: char| c.is_ascii_digit());
        match printed.iter().find(is_version) {
            Some(version) => Self { version: Some(shortened(version.trim(), SAID).into_owned()), notes: Vec::new() },
            None => Self::silent(printed),
        }
    }

    /// It does not answer; what it printed last may say why.
    pub(super) fn silent(printed: &[&str]) -> Self {
        let why = printed.iter().map(|line| line.trim()).rfind(|line| !line.is_empty()).unwrap_or("it printed nothing");
        Self { version: None, notes: vec![Note::wrong(&format!("does not answer: {why}"))] }
    }
}

impl Note {
    pub(super) fn fine(says: &str) -> Self {
        Self::of(Mark::Fine, says)
    }

    pub(super) fn doubtful(says: &str) -> Self {
        Self::of(Mark::Doubtful, says)
    }

    pub(super) fn wrong(says: &str) -> Self {
        Self::of(Mark::Wrong, says)
    }

    fn of(mark: Mark, says: &str) -> Self {
        Self { mark, says: shortened(says, SAID).into_owned() }
    }
}
