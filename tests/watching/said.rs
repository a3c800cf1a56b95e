//! A message as the table shows it.

use opsroom_lab::{Message, Speaker as _, page};

use crate::stage::Stage;

/// See the module.
pub(crate) struct Said {
    /// The first line of each of its versions.
    pub(crate) heads: Vec<String>,
    /// Whether somebody asked for it.
    pub(super) answer: bool,
    /// How often it made a phone ring: as it came, and by its edits.
    pub(super) pushes: usize,
}

impl Said {
    pub(super) fn of(message: &Message, stage: &Stage) -> Self {
        let me = stage.alice.user();
        let localpart = me.trim_start_matches('@').split(':').next().unwrap_or(me);
        let head = |text: &str| {
            let line = text.lines().next().unwrap_or_default();
            line.replace(stage.host.name(), "spark-1").replace(localpart, "alice")
        };
        let rang = message.edits.iter().filter(|edit| edit.mentions.iter().any(|user| user == me)).count();
        Self {
            heads: message.history().into_iter().map(head).collect(),
            answer: message.reply_to.is_some(),
            pushes: usize::from(page(&stage.alice).holds(message)) + rang,
        }
    }

    /// It, if it is about this service, which the table calls `bridge`.
    pub(super) fn only_of(&self, service: &str) -> Option<Self> {
        let heads: Vec<String> = self.heads.iter().map(|head| head.replace(service, "bridge")).collect();
        (heads != self.heads).then_some(Self { heads, ..*self })
    }

    pub(super) fn bell(&self) -> &'static str {
        if self.pushes > 0 { "🔔 " } else { "" }
    }

    pub(super) fn arrow(&self) -> &'static str {
        if self.answer { "↩ " } else { "" }
    }

    /// Whether it made a phone ring for something that is wrong.
    pub(crate) fn alarms(&self) -> bool {
        self.pushes > 0 && self.heads.iter().any(|head| head.starts_with('🔴'))
    }
}
