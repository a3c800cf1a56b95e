//! How a service stands, in a word, for who wants to see all of them at once.

use super::{
    problem::{Intent, Who},
    service::{Present, ServiceWatch},
};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It was not looked at yet.
    Unseen,
    /// It runs, or is on its way to.
    Up,
    /// Somebody paused it.
    Paused,
    /// It does not run, and nobody expects it to. By whom it was stopped, where
    /// that is known.
    Stopped(Option<Who>),
    /// There is no container of it.
    Absent,
}

impl ServiceWatch {
    /// How it stands. What is wrong with it is told by [`open`](Self::open).
    pub fn standing(&self) -> Standing {
        match self.present {
            Present::Unseen => Standing::Unseen,
            // What died just now may be up again with the next look.
            Present::Running { .. } | Present::Between { .. } | Present::Down { opens: Some(_), .. } => Standing::Up,
            Present::Down { .. } if self.task && self.is_done() => Standing::Up,
            Present::Paused => Standing::Paused,
            Present::Absent { .. } => Standing::Absent,
            Present::Down { opens: None, .. } => Standing::Stopped(match &self.intent {
                Intent::Stopped { by, .. } => Some(by.clone()),
                Intent::Run | Intent::Unknown => None,
            }),
        }
    }
}
