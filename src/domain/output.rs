//! What came of a command that was run on a host.

use std::fmt;

/// How a command ended, when that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// With this status.
    Code(u32),
    /// Killed by this signal (RFC 4254 names, without "SIG").
    Signal(String),
}

impl Exit {
    /// Whether the status was 0.
    pub fn is_success(&self) -> bool {
        *self == Self::Code(0)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit {code}"),
            Self::Signal(signal) => write!(f, "killed by SIG{signal}"),
        }
    }
}

/// A command that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOutput {
    /// How it ended.
    pub exit: Exit,
    /// What it printed, both streams in order of arrival.
    pub text: String,
    /// Whether the beginning of the text was cut off.
    pub truncated: bool,
}

impl CommandOutput {
    /// The log that a tool has printed, or why not. `is_missing` says whether it
    /// failed for want of the service, by how it ended and what it said last.
    pub fn into_log(self, is_missing: impl FnOnce(&Exit, &str) -> bool) -> Result<LogTail, LogError> {
        let Self { exit, text, truncated } = self;
        if exit.is_success() {
            return Ok(LogTail { text, truncated });
        }
        let said = Self::last_line(&text);
        if is_missing(&exit, said) {
            return Err(LogError::NotDeployed);
        }
        Err(LogError::Failed { said: said.to_owned(), exit })
    }

    /// The last line that says anything: the cause, with most tools.
    pub fn last_line(text: &str) -> &str {
        text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default()
    }
}

/// The end of a service's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogTail {
    /// Its last lines.
    pub text: String,
    /// Whether there was more than could be kept.
    pub truncated: bool,
}

/// Why a log could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// There is nothing of the service on its host.
    #[error("it is not deployed")]
    NotDeployed,
    /// The tool that prints it failed.
    #[error("{exit}: {said}")]
    Failed {
        /// How it ended.
        exit: Exit,
        /// What it said last.
        said: String,
    },
    /// The host could not be asked, or gave no answer; the text says why.
    #[error("{0}")]
    Unreachable(String),
}
