//! What a watch keeps over a restart of the bot.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    answer::Answer,
    problem::{Intent, LastChange, Problem},
    service::{Present, ServiceWatch},
};

/// What is kept of a watch over a restart of the bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    container: Option<String>,
    base: Option<(String, u32)>,
    started: Option<Timestamp>,
    present: Present,
    intent: Intent,
    pub(super) open: Option<Problem>,
    #[serde(default)]
    answer: Answer,
    closed: Option<Timestamp>,
    last_change: Option<LastChange>,
}

impl ServiceWatch {
    /// What has to be kept over a restart of the bot.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            container: self.container.clone(),
            base: self.deaths.base(),
            // An event has told of a start since: the time is another one by now.
            started: self.started.filter(|_| !self.start_told),
            present: self.present,
            intent: self.intent.clone(),
            open: self.open.clone(),
            answer: self.answer,
            closed: self.closed,
            last_change: self.last_change.clone(),
        }
    }

    /// What was wrong with something else of that name is to be told as over.
    pub fn adopt(&mut self, open: Option<Problem>) {
        self.open = open;
    }

    /// Goes on from what an earlier process knew at a time.
    pub fn restore(&mut self, memory: Checkpoint, known_at: Timestamp) {
        self.deaths.restore(memory.base, known_at);
        self.container = memory.container;
        self.started = memory.started;
        self.present = match memory.present {
            // Whether that is still so, the first look tells.
            Present::Down { since, told, .. } if memory.open.is_none() => Present::Down { since, opens: None, told },
            other => other,
        };
        self.intent = memory.intent;
        self.last = memory.open.as_ref().and_then(|problem| problem.last.clone());
        self.counted_from = memory.open.as_ref().map_or(0, |problem| -i128::from(problem.deaths));
        self.open = memory.open;
        self.answer = memory.answer;
        self.closed = memory.closed;
        self.last_change = memory.last_change;
        self.blind = Some(known_at);
    }
}
