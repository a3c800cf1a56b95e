//! What the doctor asks about a runtime, and what it found.

use std::fmt;

use crate::domain::{
    doctor::{
        answers::{AboutService, Answers},
        mark::Mark,
    },
    inventory::Service,
};

/// The doctor's questions about one runtime. They change nothing on the host.
/// Its functions print answers with `say`, as `domain/doctor/host.sh` does.
pub trait Doctor: fmt::Debug + Sync {
    /// Shell functions that the questions below call.
    fn functions(&self) -> &'static str {
        ""
    }

    /// What a login is asked that has these services, once.
    fn ask_login(&self, services: &[&Service]) -> String;

    /// What is asked in the directory of a service that has one.
    fn ask_directory(&self, _number: usize, _service: &Service) -> String {
        String::new()
    }

    /// What is asked of a service.
    fn ask_service(&self, number: usize, service: &Service) -> String;

    /// Reads what a login answered.
    fn read_login(&self, answers: &Answers<'_>) -> Vec<RuntimeCheck>;

    /// Reads what was answered about a service.
    fn read_service(&self, asked: &AboutService<'_, '_>, service: &Service) -> Vec<RuntimeCheck>;
}

/// What was found of a runtime, or of a service in it. Its sentences are the
/// runtime's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeCheck {
    /// How it came out.
    pub mark: Mark,
    /// What was looked at: "docker", "compose", "container".
    pub what: &'static str,
    /// What is so, as Markdown.
    pub says: String,
    /// What to do about it, as Markdown.
    pub next: Option<String>,
}

impl RuntimeCheck {
    /// As it should be.
    pub fn fine(what: &'static str, says: impl Into<String>) -> Self {
        Self { mark: Mark::Fine, what, says: says.into(), next: None }
    }

    /// Perhaps as it should be; a person can tell.
    pub fn doubtful(what: &'static str, says: impl Into<String>, next: impl Into<String>) -> Self {
        Self { mark: Mark::Doubtful, what, says: says.into(), next: Some(next.into()) }
    }

    /// Something will fail or be lost.
    pub fn wrong(what: &'static str, says: impl Into<String>, next: impl Into<String>) -> Self {
        Self { mark: Mark::Wrong, what, says: says.into(), next: Some(next.into()) }
    }
}
