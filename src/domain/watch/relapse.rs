//! Relapses: a problem that somebody answered, and that comes back while it is
//! still open. Each is worth another page; when they become a habit, the habit
//! is the problem, and it is told once.

use jiff::{SignedDuration, Timestamp};

use super::{
    answer::Answer,
    problem::{Kind, Level, Problem},
    service::{Present, ServiceWatch},
};

/// So many within the window are flapping.
const FLAPPING: usize = 3;

impl ServiceWatch {
    /// It runs again. Whether somebody started it shows how it was down: what
    /// its engine starts again by itself was never seen to stay down.
    pub(super) fn note_start(&mut self, now: Timestamp) {
        // Each run of a task is a start.
        if self.open.is_some() && !self.task && self.stays_down(now) {
            self.answer = Answer::Started;
        }
    }

    /// A change through the bot has succeeded.
    pub(super) fn note_change(&mut self) {
        if self.open.is_some() && !self.task {
            self.answer = Answer::Changed;
        }
    }

    /// Nothing is wrong at the moment, but the problem is not over yet.
    pub(super) fn note_well(&mut self) {
        if self.answer == Answer::Changed {
            self.answer = Answer::Mended;
        }
    }

    /// Whether what is wrong now is the open problem come back.
    fn is_relapse(&self, kind: Kind, now: Timestamp) -> bool {
        match self.answer {
            Answer::None | Answer::Changed => false,
            Answer::Started => self.stays_down(now),
            Answer::Mended => kind.level() == Level::Page,
        }
    }

    fn stays_down(&self, now: Timestamp) -> bool {
        matches!(self.present, Present::Down { opens: Some(opens), .. } if opens <= now)
    }

    /// The open problem, with the relapse that it may just have had. What keeps
    /// coming back is flapping until it is over.
    pub(super) fn with_relapse(&mut self, mut problem: Problem, now: Timestamp) -> Problem {
        if self.is_relapse(problem.kind, now) {
            self.answer = Answer::None;
            if !problem.flapping {
                problem.relapses.push(now);
            }
        }
        let window = SignedDuration::try_from(self.policy.window).unwrap_or(SignedDuration::MAX);
        let lately = problem.relapses.iter().filter(|at| now.duration_since(**at) <= window).count();
        problem.flapping |= lately >= FLAPPING;
        if problem.flapping {
            problem.kind = Kind::Flapping;
        }
        problem
    }
}
