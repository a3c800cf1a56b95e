//! Notices that a service keeps dying, and that it stopped doing so.
//!
//! Deaths are counted from the event stream; a snapshot adds those that the
//! stream missed, by the engine's restart count. Docker's own backoff makes an
//! instant crasher die once a minute in the end, and one that lives for ten
//! seconds restart at once every time, so neither "restarting" nor "five in
//! five minutes" alone would do: it is a budget of deaths over a window, and
//! recovery takes a run clearly longer than those that ended in death.
//!
//! A death that somebody asked for (a signal came first) is not one.

use std::{collections::VecDeque, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{
    inventory::Watch,
    observation::{Death, Health, Observation, State},
    runtime::{ContainerEvent, EventKind},
};

/// What the watch found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It keeps dying.
    Looping(Loop),
    /// It has run long enough to be believed.
    Recovered {
        /// From the first death to now.
        lasted: SignedDuration,
        /// How long it has been running.
        steady: SignedDuration,
    },
    /// Somebody stopped or removed it: no loop any more, and no recovery.
    Stopped,
}

/// A crash loop as it is known so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loop {
    /// The first death that counted.
    pub since: Timestamp,
    /// Deaths from then on.
    pub deaths: u32,
    /// How the last one ended.
    pub last: Death,
}

/// Watches one service.
#[derive(Debug)]
pub struct CrashWatch {
    limits: Watch,
    deaths: VecDeque<Timestamp>,
    last: Death,
    asked_for: bool,
    oom: bool,
    /// The container and its restart count as last snapshotted.
    counted: Option<(Option<String>, u32)>,
    /// Deaths told by events that no snapshot has confirmed yet.
    unconfirmed: u32,
    running_since: Option<Timestamp>,
    longest_run: SignedDuration,
    open: Option<Loop>,
}

impl CrashWatch {
    /// Nothing known yet.
    pub fn new(limits: Watch) -> Self {
        Self {
            limits,
            deaths: VecDeque::new(),
            last: Death { code: 0, oom: false },
            asked_for: false,
            oom: false,
            counted: None,
            unconfirmed: 0,
            running_since: None,
            longest_run: SignedDuration::ZERO,
            open: None,
        }
    }

    /// The loop it is in.
    pub fn open(&self) -> Option<&Loop> {
        self.open.as_ref()
    }

    /// Takes an event of its container. Times are the bot's, so that a host's
    /// wrong clock moves nothing.
    pub fn event(&mut self, event: &ContainerEvent, now: Timestamp) -> Option<Finding> {
        match event.kind {
            EventKind::Started => {
                self.asked_for = false;
                self.oom = false;
                self.running_since = Some(now);
                None
            }
            EventKind::Killed => {
                self.asked_for = true;
                None
            }
            EventKind::OutOfMemory => {
                self.oom = true;
                None
            }
            EventKind::Died { code } => {
                let ran = self.running_since.take().map(|since| now.duration_since(since));
                if self.asked_for {
                    return None;
                }
                self.longest_run = self.longest_run.max(ran.unwrap_or_default());
                self.unconfirmed += 1;
                self.died(1, Death { code, oom: self.oom }, now)
            }
            EventKind::Stopped | EventKind::Removed => self.stopped(),
        }
    }

    /// Takes a snapshot of it.
    pub fn snapshot(&mut self, seen: &Observation) -> Option<Finding> {
        let now = seen.at;
        let missed = match &self.counted {
            Some((id, count)) if *id == seen.id && *count <= seen.restarts => {
                let risen = seen.restarts - count;
                let missed = risen.saturating_sub(self.unconfirmed);
                self.unconfirmed = self.unconfirmed.saturating_sub(risen);
                missed
            }
            // A new container, or one started by hand: counting begins anew.
            Some(_) => 0,
            // First sight: a loop that was there before the bot is a loop.
            None => match seen.state {
                State::Restarting { .. } => seen.restarts,
                State::Running
                | State::Exited(_)
                | State::Paused
                | State::Created
                | State::Removing
                | State::NotDeployed
                | State::Unknown(_) => 0,
            },
        };
        if matches!(seen.state, State::Unknown(_)) {
            return None;
        }
        if self.counted.as_ref().is_none_or(|(id, count)| *id != seen.id || *count > seen.restarts) {
            self.unconfirmed = 0;
        }
        self.counted = Some((seen.id.clone(), seen.restarts));
        match &seen.state {
            State::Running => {
                if missed > 0 {
                    self.running_since = None;
                }
                if seen.health != Health::Unhealthy {
                    self.running_since.get_or_insert(now);
                }
            }
            State::Restarting { last } | State::Exited(last) => {
                self.running_since = None;
                self.last = *last;
            }
            State::Paused | State::Created | State::Removing | State::NotDeployed | State::Unknown(_) => {
                self.running_since = None;
            }
        }
        if matches!(seen.state, State::NotDeployed) {
            return self.stopped();
        }
        if missed > 0 {
            let last = self.last;
            return self.died(missed, last, now);
        }
        self.tick(now)
    }

    /// Looks at the clock.
    pub fn tick(&mut self, now: Timestamp) -> Option<Finding> {
        if self.deadline()? > now {
            return None;
        }
        let lasted = now.duration_since(self.open.take()?.since);
        let steady = now.duration_since(self.running_since?);
        self.forget();
        Some(Finding::Recovered { lasted, steady })
    }

    /// When the clock should be looked at next.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.open.as_ref()?;
        self.running_since?.checked_add(self.quiet()).ok()
    }

    /// A run this long is not one more round of the loop.
    fn quiet(&self) -> SignedDuration {
        let least = SignedDuration::try_from(self.limits.quiet).unwrap_or(SignedDuration::from_mins(1));
        least.max(self.longest_run * 2)
    }

    fn died(&mut self, times: u32, how: Death, now: Timestamp) -> Option<Finding> {
        self.last = how;
        let window = SignedDuration::try_from(self.limits.window).unwrap_or(SignedDuration::from_mins(10));
        self.deaths.extend(std::iter::repeat_n(now, times.min(100) as usize));
        while self.deaths.front().is_some_and(|first| now.duration_since(*first) > window) || self.deaths.len() > 100 {
            self.deaths.pop_front();
        }
        if let Some(open) = &mut self.open {
            open.deaths += times;
            open.last = how;
            return None;
        }
        if self.deaths.len() < self.limits.deaths as usize {
            return None;
        }
        let since = self.deaths.front().copied().unwrap_or(now);
        let found = Loop { since, deaths: u32::try_from(self.deaths.len()).unwrap_or(u32::MAX), last: how };
        self.open = Some(found.clone());
        Some(Finding::Looping(found))
    }

    fn stopped(&mut self) -> Option<Finding> {
        let was_open = self.open.take().is_some();
        self.forget();
        self.running_since = None;
        was_open.then_some(Finding::Stopped)
    }

    fn forget(&mut self) {
        self.deaths.clear();
        self.longest_run = SignedDuration::ZERO;
    }
}

/// The shortest window in which a loop with Docker's longest backoff (a minute)
/// still spends its budget; the config refuses a shorter one.
pub fn shortest_window(deaths: u32) -> Duration {
    Duration::from_secs(61) * deaths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::names::{ContainerName, ServiceName};
    use proptest::prelude::*;

    struct Story {
        watch: CrashWatch,
        now: Timestamp,
        found: Vec<Finding>,
    }

    impl Story {
        fn new() -> Self {
            Self {
                watch: CrashWatch::new(Watch::default()),
                now: Timestamp::from_second(1_800_000_000).unwrap(),
                found: vec![],
            }
        }

        /// Lets time pass, waking the watch as the engine would.
        fn after(&mut self, ms: i64) -> &mut Self {
            let until = self.now + SignedDuration::from_millis(ms);
            if let Some(deadline) = self.watch.deadline().filter(|d| *d <= until) {
                self.found.extend(self.watch.tick(deadline));
            }
            self.now = until;
            self
        }

        fn is(&mut self, kind: EventKind) -> &mut Self {
            let event =
                ContainerEvent { id: "c1".into(), name: ContainerName::parse("web").unwrap(), at: self.now, kind };
            self.found.extend(self.watch.event(&event, self.now));
            self
        }

        fn seen(&mut self, state: State, restarts: u32) -> &mut Self {
            let seen = Observation {
                service: ServiceName::parse("web").unwrap(),
                at: self.now,
                state,
                health: Health::None,
                restarts,
                since: None,
                id: Some("c1".into()),
            };
            self.found.extend(self.watch.snapshot(&seen));
            self
        }

        fn loops(&self) -> usize {
            self.found.iter().filter(|f| matches!(f, Finding::Looping(_))).count()
        }
    }

    const DIED: EventKind = EventKind::Died { code: 1 };

    #[test]
    fn three_deaths_are_one_alert_and_a_steady_run_one_recovery() {
        let mut story = Story::new();
        for _ in 0..5 {
            story.is(EventKind::Started).after(12_000).is(DIED).after(100);
        }
        assert_eq!(story.loops(), 1);
        story.is(EventKind::Started).after(59_000);
        assert_eq!(story.found.len(), 1, "not believed yet");
        story.after(600_000).after(600_000);
        assert!(matches!(story.found[1], Finding::Recovered { .. }));
        assert_eq!(story.found.len(), 2);
    }

    #[test]
    fn a_restart_by_hand_is_no_death() {
        let mut story = Story::new();
        for _ in 0..20 {
            story.is(EventKind::Started).after(1_000).is(EventKind::Killed).is(DIED).is(EventKind::Stopped);
        }
        assert_eq!(story.found, []);
    }

    #[test]
    fn deaths_that_the_stream_missed_are_counted_from_snapshots() {
        let mut story = Story::new();
        story.seen(State::Running, 0).after(30_000).seen(State::Running, 4);
        assert_eq!(story.loops(), 1);
    }

    #[test]
    fn deaths_that_both_tell_are_counted_once() {
        let mut story = Story::new();
        story.seen(State::Running, 0).is(DIED).is(EventKind::Started).is(DIED).is(EventKind::Started);
        story.after(1_000).seen(State::Running, 2);
        assert_eq!(story.found, []);
    }

    #[test]
    fn a_loop_older_than_the_bot_is_found_at_first_sight() {
        let mut story = Story::new();
        story.seen(State::Restarting { last: Death { code: 137, oom: true } }, 40);
        assert_eq!(story.loops(), 1);
        assert!(story.watch.open().unwrap().last.oom);
    }

    #[test]
    fn a_stop_ends_a_loop_without_calling_it_recovered() {
        let mut story = Story::new();
        for _ in 0..3 {
            story.is(EventKind::Started).after(1_000).is(DIED);
        }
        story.is(EventKind::Killed).is(EventKind::Stopped).after(10_000_000);
        assert_eq!(story.found[1..], [Finding::Stopped]);
    }

    proptest! {
        #[test]
        fn any_steady_loop_is_found_once_and_never_called_recovered(run_ms in 1i64..120_000, pause_ms in 100i64..60_000) {
            let mut story = Story::new();
            for _ in 0..30 {
                story.is(EventKind::Started).after(run_ms).is(DIED).after(pause_ms);
            }
            prop_assert_eq!(story.found.len(), 1, "{:?}", story.found);
            prop_assert_eq!(story.loops(), 1);
        }
    }
}
