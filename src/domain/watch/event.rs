//! What an event means for what is known of a service. An event tells how
//! something came about, and is believed where a look would have to guess.

use jiff::{SignedDuration, Timestamp};

use super::{
    problem::{Fall, Finding, Intent, Who},
    service::{Present, ServiceWatch},
};
use crate::domain::{
    observation::{Death, Health, Reason},
    runtime::{EventKind, RuntimeEvent},
};

/// How long a death waits for a look to show what came of it, before it counts
/// as the end: longer than a look may take.
const UNCONFIRMED: SignedDuration = SignedDuration::from_secs(20);
/// In a loop, the engine is given this long before somebody looks whether it
/// starts the container again: a quick loop then costs no looks.
const LOOP_SNAPSHOT: SignedDuration = SignedDuration::from_secs(2);
/// The kernel's kill and the end of the process belong together.
const OOM_ENDS: SignedDuration = SignedDuration::from_secs(10);
/// The end of a process and why it failed are told one after the other.
const REASON_FOLLOWS: SignedDuration = SignedDuration::from_secs(2);
/// What the engine gives as the exit of a process that the kernel killed: 128 and the signal's number.
const SIGKILLED: i64 = 137;
/// A process that ends by itself in the moment it is asked to may be told
/// before the signal is.
const SIGNAL_MAY_LAG: SignedDuration = SignedDuration::from_secs(2);

impl ServiceWatch {
    /// Takes an event of its container.
    pub fn event(&mut self, event: &RuntimeEvent, now: Timestamp) -> Option<Finding> {
        if let EventKind::Changed { code } = event.kind {
            self.told_status(code, event.at, now);
            self.look_soon(now);
            return None;
        }
        let other = self.container.as_ref().is_some_and(|known| *known != event.id);
        if other && event.kind != EventKind::Started {
            // The container that another one has replaced.
            return None;
        }
        self.known_at = Some(now);
        match event.kind {
            EventKind::Changed { .. } => {}
            EventKind::Started => self.started(&event.id, now),
            EventKind::Killed { signal } => self.expected_stop.signalled(signal, self.stop_timeout, now),
            EventKind::OutOfMemory => self.ran_out_of_memory(now),
            EventKind::Failed { reason } => self.failed(reason, now),
            EventKind::Died { code } => self.died(code, now),
            EventKind::Stopped => self.was_stopped(now),
            EventKind::Removed => self.is_gone(now),
            EventKind::Paused => self.present = Present::Paused,
            EventKind::Resumed => self.present = Present::Running { since: now },
            EventKind::Healthy => self.health_is(Health::Healthy, now),
            EventKind::Unhealthy => self.health_is(Health::Unhealthy, now),
        }
        self.settle(now)
    }

    /// What runs again when it is looked at tells no more how it ended.
    fn told_status(&mut self, code: Option<i64>, ended: Timestamp, now: Timestamp) {
        let Some(code) = code else { return };
        let death = Death::exit(code);
        let ran = self.run_began.map(|since| now.duration_since(since));
        if let Some(at) = self.unseen_end.told(ended, Fall { death, ran, at: now }) {
            self.last = Some(Fall { death, ran: self.deaths.run_before(at), at });
        }
    }

    /// Not so often that a loop is all that is looked at.
    fn look_soon(&mut self, now: Timestamp) {
        let at = if self.open.is_some() { now.checked_add(LOOP_SNAPSHOT).ok() } else { Some(now) };
        if !self.held {
            self.told_to_look = true;
            self.snapshot_at = self.snapshot_at.or(at);
        }
    }

    fn started(&mut self, id: &str, now: Timestamp) {
        let replaced = self.container.as_deref() != Some(id);
        match self.present {
            _ if replaced => self.deaths.started_anew(id),
            // By its restart policy.
            Present::Down { opens: Some(_), .. } | Present::Between { restarting: true, .. } => {}
            Present::Down { opens: None, told: true, .. } => self.deaths.started_anew(id),
            Present::Down { .. }
            | Present::Unseen
            | Present::Running { .. }
            | Present::Between { .. }
            | Present::Paused
            | Present::Absent { .. } => self.deaths.unsure(),
        }
        if replaced && !self.held && !matches!(self.present, Present::Unseen) {
            self.came_from_elsewhere(now);
        }
        self.container = Some(id.to_owned());
        self.start_told = true;
        self.runs_again(now);
        if self.health.0 != Health::None {
            self.health = (Health::Starting, None);
        }
    }

    /// The engine hears of this and of the death from two sides, and on a busy host of the death first.
    fn ran_out_of_memory(&mut self, now: Timestamp) {
        let last = self.last.as_mut().filter(|last| now.duration_since(last.at) <= OOM_ENDS);
        match last.filter(|last| last.death.code == SIGKILLED && !last.death.oom) {
            Some(last) => last.death.oom = true,
            None => self.oom = Some(now),
        }
    }

    /// Told right after its end. Where no process ended, a look shows how it is.
    fn failed(&mut self, reason: Reason, now: Timestamp) {
        match self.last.as_mut().filter(|last| now.duration_since(last.at) <= REASON_FOLLOWS) {
            Some(last) => last.death.reason = Some(reason),
            None => self.snapshot_at = Some(now),
        }
    }

    fn died(&mut self, code: i64, now: Timestamp) {
        let guessed = match self.present {
            // What does one thing is started anew without a word.
            Present::Down { told: true, .. } if self.task => false,
            Present::Down { told: true, .. } => return,
            // A look was faster than the event that knows more; or that is of a later run.
            Present::Down { told: false, since, .. } => !self.task || now.duration_since(since) <= SIGNAL_MAY_LAG,
            Present::Unseen
            | Present::Running { .. }
            | Present::Between { .. }
            | Present::Paused
            | Present::Absent { .. } => false,
        };
        let ran = self.run_began.take().map(|since| now.duration_since(since));
        let counted = guessed && matches!(self.present, Present::Down { opens: Some(_), .. });
        if self.held {
            self.present = Present::Down { since: now, opens: None, told: true };
            return;
        }
        if self.expected_stop.covers(now) {
            if counted {
                self.deaths.untell();
            }
            self.present = Present::Down { since: now, opens: None, told: true };
            self.stopped_by(Who::Outside, now);
            return;
        }
        let oom = self.oom.take().is_some_and(|at| now.duration_since(at) <= OOM_ENDS);
        let death = Death { oom, ..Death::exit(code) };
        if self.has_finished(death) {
            return self.finishes(now);
        }
        // A guess was a look's: that it stays down is seen already.
        let opens = if guessed { Some(now) } else { now.checked_add(UNCONFIRMED).ok() };
        self.present = Present::Down { since: now, opens, told: true };
        self.intent = Intent::Run;
        if !counted {
            self.deaths.told(ran, now);
        }
        self.last = Some(Fall { death, ran, at: now });
        self.snapshot_at = match &self.open {
            _ if guessed => None,
            Some(_) => now.checked_add(LOOP_SNAPSHOT).ok(),
            None => Some(now),
        };
    }

    fn was_stopped(&mut self, now: Timestamp) {
        let Present::Down { since, opens, .. } = self.present else { return };
        if opens.is_some() && now.duration_since(since) <= SIGNAL_MAY_LAG {
            self.deaths.untell();
        }
        self.present = Present::Down { since, opens: None, told: true };
        self.snapshot_at = None;
        self.stopped_by(Who::Outside, now);
    }

    fn is_gone(&mut self, now: Timestamp) {
        self.container = None;
        self.snapshot_at = None;
        if !matches!(self.present, Present::Absent { .. }) {
            self.present = Present::Absent { since: now };
        }
    }
}
