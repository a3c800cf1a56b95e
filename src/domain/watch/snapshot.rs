//! What a look at a service means for what is known of it.
//!
//! A look shows a state and not how it came about: whether somebody asked for
//! an end can only be guessed, and an event that tells is believed instead.

use jiff::{SignedDuration, Timestamp};

use super::{
    problem::{Fall, Finding, Intent, Missed, Who},
    service::{Present, ServiceWatch, TAKEN_ALONG},
    unseen_end::Starts,
};
use crate::domain::observation::{Death, Health, Observation, State};

/// A look may be faster than the events that explain what it shows.
const EVENTS_MAY_LAG: SignedDuration = SignedDuration::from_secs(3);
/// Where none will: in this time an engine starts again what it keeps up.
const STARTS_AGAIN: SignedDuration = SignedDuration::from_secs(2);
/// The time an engine takes to start its containers after it started itself.
const COMING_BACK: SignedDuration = SignedDuration::from_secs(30);

/// How a look was made.
#[derive(Debug, Clone, Copy)]
pub struct Snapshot {
    /// When it began: events since then know more than it does.
    pub began: Timestamp,
    /// Whether the host, or its engine, started anew since the last one.
    pub rebooted: bool,
}

impl ServiceWatch {
    /// Takes a look at it. Says what had happened unseen.
    pub fn snapshot(&mut self, seen: &Observation, snapshot: Snapshot) -> (Option<Finding>, Option<Missed>) {
        if matches!(seen.state, State::Unknown(_)) {
            return (None, None);
        }
        if seen.id.is_some() {
            self.kept_up = seen.kept_up;
            self.task = seen.task.is_some();
        }
        if snapshot.rebooted {
            self.cut_short |= matches!(self.present, Present::Running { .. });
            self.grace = seen.at.checked_add(COMING_BACK).ok();
            if let Some(went) = self.blind {
                self.take_along(went);
                self.excuse_ends_with_the_host(went);
            }
        }
        if self.known_at.is_some_and(|at| at >= snapshot.began) {
            if self.blind.is_some() {
                self.snapshot_again(seen.at);
            }
            return (self.settle(seen.at), None);
        }
        let first = matches!(self.present, Present::Unseen);
        // What an event asked to be looked at was not missed.
        let asked = self.told_to_look && self.before.is_none();
        let (mut missed, mut died) = (None, 0);
        if let Some(id) = &seen.id {
            let moved = self.started.zip(seen.since).filter(|_| seen.state == State::Running);
            let moved = moved.map(|(before, now)| now.duration_since(before));
            died = self.deaths.looked(id, seen.restarts, moved, seen.at);
            let runs = seen.state == State::Running;
            let between = seen.since.filter(|_| runs).map(|started| Starts(self.started, started));
            if died > 0 && !self.held {
                missed = Some(Missed::Died(died));
                // An earlier look saw it between its end and its start, and that this was counted shows only now.
                let seen_between = matches!(self.present, Present::Between { restarting: true, .. });
                let told = between.and_then(|between| self.unseen_end.counted(between, seen.at));
                let fall = told.or_else(|| self.last.clone().filter(|_| seen_between && runs));
                if let Some(fall) = fall {
                    self.last = Some(Fall { at: seen.at, ..fall });
                }
            } else if let Some(between) = between {
                self.unseen_end.looked(between);
            }
        }
        missed = missed.or_else(|| self.newly(seen));
        self.blind = None;
        let ended = self.takes_state(seen, first, died > 0);
        (self.owed, self.told_to_look) = (false, false);
        if seen.id.is_some() {
            self.container.clone_from(&seen.id);
        }
        if seen.state == State::Running {
            self.started = seen.since;
            self.start_told = false;
            self.health_is(seen.health, seen.at);
        }
        // Events that were told again may have explained what a look alone
        // would have; it was missed all the same.
        let missed = match self.before.take().filter(|_| !self.held) {
            Some(before) => before.missed(seen),
            None => missed.or(ended).filter(|_| !asked),
        };
        (self.settle(seen.at), missed)
    }

    /// Whether it is another container, or was started, without an event.
    fn newly(&mut self, seen: &Observation) -> Option<Missed> {
        if self.held {
            return None;
        }
        let (Some(known), Some(id)) = (&self.container, &seen.id) else { return None };
        if known != id {
            self.came_from_elsewhere(seen.at);
            return Some(Missed::Replaced);
        }
        // An event told of a start of this one, not of the one that took its place.
        if self.start_told {
            return None;
        }
        let moved = seen.state == State::Running && self.started.is_some() && self.started != seen.since;
        moved.then_some(Missed::Restarted)
    }

    /// A host that shuts down ends processes past their engine, which tells of it as of any death.
    fn excuse_ends_with_the_host(&mut self, went: Timestamp) {
        let since = went.checked_sub(TAKEN_ALONG).ok().filter(|_| self.open.is_none());
        if let Some(since) = since {
            self.deaths.excuse(since);
        }
    }

    fn takes_state(&mut self, seen: &Observation, first: bool, died: bool) -> Option<Missed> {
        let now = seen.at;
        match &seen.state {
            State::Running => {
                let goes_on = matches!(self.present, Present::Running { .. })
                    && (self.start_told || self.started.is_none() || self.started == seen.since);
                if !goes_on {
                    // What it did before the watch came, the host's clock knows.
                    let since = seen.since.filter(|since| first && *since < now);
                    self.runs_again(since.unwrap_or(now));
                    self.health = (Health::None, None);
                }
            }
            State::Restarting { last } => {
                if self.was_to_rest() && !self.held {
                    self.intent = Intent::Run;
                }
                if first || self.owed {
                    // A loop that was there before the watch was.
                    self.deaths.found(seen.restarts, now);
                    self.intent = Intent::Run;
                }
                if died {
                    self.last = Some(Fall { death: *last, ran: None, at: now });
                }
                self.note_death(*last, now);
                if died || !matches!(self.present, Present::Between { restarting: true, .. }) {
                    self.present = Present::Between { since: now, restarting: true };
                }
            }
            State::Exited(death) if self.has_finished(*death) && !self.held => match &self.open {
                // It has not run since: somebody has reset it, or the machine has started anew.
                Some(_) if self.task && seen.since.is_none() => {}
                Some(_) if self.task && seen.since == self.failed => self.stopped_by(Who::Outside, now),
                Some(_) | None => self.finishes(now),
            },
            State::Exited(death) => return self.looks_dead(seen, *death),
            State::Created | State::Removing => {
                if !matches!(self.present, Present::Between { restarting: false, .. }) {
                    self.present = Present::Between { since: now, restarting: false };
                }
            }
            State::Paused => self.present = Present::Paused,
            State::NotDeployed => {
                self.container = None;
                if !matches!(self.present, Present::Absent { .. }) {
                    let was_there = !first && !self.held;
                    self.present = Present::Absent { since: now };
                    return was_there.then_some(Missed::Gone);
                }
            }
            State::Unknown(_) => {}
        }
        None
    }

    fn looks_dead(&mut self, seen: &Observation, death: Death) -> Option<Missed> {
        let now = seen.at;
        self.failed = seen.since;
        if self.task && self.is_done() && !self.held {
            // It ran once more.
            self.intent = Intent::Run;
            return self.ended_unseen(seen, death);
        }
        if seen.asked == Some(false) && !self.held && self.was_to_rest() {
            // It was stopped, and was to run again: a start that failed tells no more.
            self.intent = Intent::Run;
            return self.ended_unseen(seen, death);
        }
        let (since, opens, told) = match self.present {
            // It had died, and is not to be started again: the runtime knows who wants that.
            Present::Down { since, opens: Some(_), told } if seen.asked == Some(true) && !self.held => {
                self.present = Present::Down { since, opens: None, told };
                self.stopped_by(Who::Outside, now);
                return None;
            }
            Present::Unseen => (now, None, false),
            Present::Down { since, opens, told } => (since, opens, told),
            Present::Running { .. } | Present::Between { .. } | Present::Paused | Present::Absent { .. } => {
                return self.ended_unseen(seen, death);
            }
        };
        let opens = if self.held {
            opens
        } else if self.owed {
            now.checked_add(EVENTS_MAY_LAG).ok()
        } else if told && opens.is_some() {
            Some(now)
        } else if self.intent == Intent::Run {
            // It should run and does not: waits only for what may explain it.
            opens.or_else(|| now.checked_add(EVENTS_MAY_LAG).ok())
        } else {
            None
        };
        if opens.is_some() {
            self.note_death(death, now);
        }
        self.present = Present::Down { since, opens: opens.max(self.grace.filter(|_| opens.is_some())), told };
        None
    }

    /// Whether somebody has stopped it, as far as is known, and not through the bot.
    fn was_to_rest(&self) -> bool {
        matches!(self.intent, Intent::Stopped { by: Who::Outside, .. })
    }

    /// It ended, and no event told how.
    fn ended_unseen(&mut self, seen: &Observation, death: Death) -> Option<Missed> {
        let now = seen.at;
        if self.held {
            self.present = Present::Down { since: now, opens: None, told: false };
            return None;
        }
        // Unless the runtime tells: what a stop leaves behind, and what nobody can
        // tell from it. What the engine would start again after any end of its own
        // was stopped.
        let looks_like_a_stop = seen.kept_up || (!death.oom && matches!(death.code, 0 | 130 | 137 | 143));
        let may_be_a_stop = seen.asked.unwrap_or(looks_like_a_stop);
        let grace = self.grace.filter(|until| *until > now);
        let opens = match (self.owed, grace, may_be_a_stop) {
            (true, ..) => now.checked_add(EVENTS_MAY_LAG).ok(),
            (false, Some(until), _) => Some(until),
            (false, None, true) => None,
            (false, None, false) => now.checked_add(if self.told_to_look { STARTS_AGAIN } else { EVENTS_MAY_LAG }).ok(),
        };
        self.present = Present::Down { since: now, opens, told: false };
        match opens {
            Some(_) => {
                self.deaths.told(None, now);
                self.note_death(death, now);
            }
            None => self.stopped_by(Who::Outside, now),
        }
        Some(Missed::Ended(death))
    }

    /// A look knows how the last run ended; an event may have known for how
    /// long it ran.
    fn note_death(&mut self, death: Death, now: Timestamp) {
        match &mut self.last {
            Some(last) if last.death.code == death.code => {
                last.death.oom |= death.oom;
                last.death.reason = death.reason.or(last.death.reason);
            }
            Some(_) | None => self.last = Some(Fall { death, ran: None, at: now }),
        }
    }
}
