//! Whose turn it is to be answered.
//!
//! The homeserver lets the bot say one thing in some seconds. When somebody has
//! asked for sixty, another's one answer does not wait for all of them: of what
//! ranks alike, that comes first whose asker was answered longest ago.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    names::{EventId, UserId},
    outgoing::Outgoing,
};

/// See the module. What nobody asked for has a turn of its own.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Who asked, by the event that they asked with; none where nobody knows.
    askers: BTreeMap<EventId, Option<UserId>>,
    /// The number of the turn that each had last. Only operators are answered,
    /// so it is as short as their list.
    last: BTreeMap<Option<UserId>, u64>,
    turns: u64,
}

impl Turns {
    /// Events whose senders must be known to tell whose turn it is: none while
    /// only one thing waits.
    pub(super) fn unknown<'a>(&self, waiting: impl Iterator<Item = &'a Outgoing>) -> Vec<EventId> {
        let causes: Vec<EventId> = waiting.filter_map(|outgoing| outgoing.key.cause()).collect();
        if causes.len() < 2 {
            return Vec::new();
        }
        let new: BTreeSet<EventId> = causes.into_iter().filter(|event| !self.askers.contains_key(event)).collect();
        new.into_iter().collect()
    }

    /// Learns who sent an event.
    pub(super) fn learn(&mut self, event: EventId, sender: Option<UserId>) {
        self.askers.insert(event, sender);
    }

    /// The last turn of whoever this is for: who had none, comes first.
    pub(super) fn last(&self, outgoing: &Outgoing) -> u64 {
        self.last.get(&self.asker(outgoing)).copied().unwrap_or(0)
    }

    /// They had their turn.
    pub(super) fn had(&mut self, outgoing: &Outgoing) {
        self.turns += 1;
        self.last.insert(self.asker(outgoing), self.turns);
    }

    /// Forgets the events that nothing waits for any more.
    pub(super) fn forget_others<'a>(&mut self, waiting: impl Iterator<Item = &'a Outgoing>) {
        if !self.askers.is_empty() {
            let causes: BTreeSet<EventId> = waiting.filter_map(|outgoing| outgoing.key.cause()).collect();
            self.askers.retain(|event, _| causes.contains(event));
        }
    }

    fn asker(&self, outgoing: &Outgoing) -> Option<UserId> {
        self.askers.get(&outgoing.key.cause()?)?.clone()
    }
}
