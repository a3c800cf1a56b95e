//! Matches the status of an end, which an event tells, with the end that a look
//! counted.
//!
//! Some engines tell how a container ended and not whether somebody asked for
//! that, and start it again in the same moment: only the next look's restart
//! count shows that it fell. The event may be late, and the look be caused by
//! something else, so neither order nor age tells what belongs together. The
//! host's clock does: an end lies between the start before it and the one after.

use jiff::{SignedDuration, Timestamp};

use super::problem::Fall;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct UnseenEnd {
    /// When one ended that no look has shown yet, and how.
    told: Option<(Timestamp, Fall)>,
    counted: Option<Counted>,
}

/// An end that a look counted, and of which nothing has told how it was.
#[derive(Debug)]
struct Counted {
    between: Starts,
    /// When it was counted, by the bot's clock.
    at: Timestamp,
}

/// The start that the look before saw, if there was one, and the one that this
/// look sees, by the host's clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Starts(pub(super) Option<Timestamp>, pub(super) Timestamp);

/// What an engine does not tell by itself is told when somebody has asked it, and so late.
const TOLD_LATE: SignedDuration = SignedDuration::from_secs(6);

impl Starts {
    fn enclose(self, ended: Timestamp) -> bool {
        self.0.is_none_or(|before| before < ended) && !self.are_before(ended)
    }

    /// Whether it is the run that they show whose end this is.
    fn are_before(self, ended: Timestamp) -> bool {
        ended.duration_since(self.1) > TOLD_LATE
    }

    /// Whether both looks saw the same run.
    fn are_one(self) -> bool {
        self.0 == Some(self.1)
    }
}

impl UnseenEnd {
    /// An event tells how it ended, and when by the host's clock. Gives when a
    /// look counted that end, if one was faster.
    pub(super) fn told(&mut self, ended: Timestamp, fall: Fall) -> Option<Timestamp> {
        if let Some(counted) = self.counted.take_if(|counted| counted.between.enclose(ended)) {
            return Some(counted.at);
        }
        self.told = Some((ended, fall));
        None
    }

    /// A look shows it running, and counts no end: whatever was told of one before is over.
    pub(super) fn looked(&mut self, between: Starts) {
        if !between.are_one() {
            self.counted = None;
        }
        self.told.take_if(|(ended, _)| *ended <= between.1);
    }

    /// A look counted an end at `at`. Gives how it was, if that was told.
    pub(super) fn counted(&mut self, between: Starts, at: Timestamp) -> Option<Fall> {
        let told = self.told.take_if(|(ended, _)| !between.are_before(*ended));
        let fall = told.filter(|(ended, _)| between.enclose(*ended)).map(|(_, fall)| fall);
        self.counted = fall.is_none().then_some(Counted { between, at });
        fall
    }
}
