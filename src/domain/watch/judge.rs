//! Whether something is wrong with a service, by what is known of it.

use jiff::{SignedDuration, Timestamp};

use super::{
    answer::Answer,
    problem::{Closed, Finding, Intent, Kind, Level, Problem, Who},
    service::{Present, ServiceWatch},
};
use crate::domain::observation::Health;

/// A single death is told when it is clear that it was one.
const ONE_DEATH: SignedDuration = SignedDuration::from_secs(10);
/// What somebody stopped may be on its way to being started again.
const STOPPED_FOR_GOOD: SignedDuration = SignedDuration::from_secs(20);
/// So many turns within the window are flapping.
const TURNS: usize = 5;
/// How far back openings make the next recovery slower.
const DAMPED: SignedDuration = SignedDuration::from_hours(1);

impl ServiceWatch {
    /// Decides anew whether something is wrong.
    pub(super) fn settle(&mut self, now: Timestamp) -> Option<Finding> {
        self.settled = Some(now);
        if self.held || self.blind.is_some() {
            return None;
        }
        let wrong = self.wrong(now);
        match (self.open.clone(), wrong) {
            (None, None) => None,
            (None, Some(kind)) => Some(self.opens(kind, now)),
            (Some(open), Some(kind)) => self.goes_on(open, kind, now),
            (Some(open), None) => match self.ends(&open, now) {
                Some(closed) => {
                    self.open = None;
                    self.closed = Some(now);
                    self.turns.clear();
                    Some(Finding::Closed(closed))
                }
                None => {
                    self.note_well();
                    None
                }
            },
        }
    }

    fn opens(&mut self, kind: Kind, now: Timestamp) -> Finding {
        let deaths = self.deaths.within(self.policy.window, now);
        let since = match kind {
            Kind::Crashed | Kind::CrashLoop | Kind::OutOfMemory => self.deaths.first().unwrap_or(now),
            Kind::Failed | Kind::Exited => self.last.as_ref().map_or(now, |last| last.at),
            Kind::Flapping => self.turns.front().copied().unwrap_or(now),
            Kind::Unhealthy => self.health.1.unwrap_or(now),
            Kind::NotDeployed | Kind::Stuck => match self.present {
                Present::Absent { since } | Present::Between { since, .. } => since,
                Present::Unseen | Present::Running { .. } | Present::Down { .. } | Present::Paused => now,
            },
        };
        let last = self.last.clone().filter(|last| last.at >= since);
        let after = self.last_change.clone().filter(|change| change.at <= since);
        let (relapses, flapping) = (Vec::new(), false);
        let (member, alone, also, notices) = (None, false, Vec::new(), None);
        let problem = Problem { kind, since, deaths, last, after, relapses, flapping, member, alone, also, notices };
        self.answer = Answer::None;
        self.counted_from = i128::from(self.deaths.total()) - i128::from(deaths);
        self.record_page(kind, now);
        self.open = Some(problem.clone());
        Finding::Opened(problem)
    }

    fn record_page(&mut self, kind: Kind, now: Timestamp) {
        if kind.level() == Level::Page {
            self.opened.push_back(now);
            if self.opened.len() > 10 {
                self.opened.pop_front();
            }
        }
    }

    fn goes_on(&mut self, open: Problem, kind: Kind, now: Timestamp) -> Option<Finding> {
        // What it is now counts; of what it does, the worst.
        let kind = match kind {
            Kind::NotDeployed | Kind::Failed | Kind::Exited | Kind::Stuck => kind,
            Kind::Crashed | Kind::Flapping | Kind::Unhealthy | Kind::OutOfMemory | Kind::CrashLoop => {
                kind.max(open.kind)
            }
        };
        if kind.level() > open.kind.level() {
            self.record_page(kind, now);
        }
        let deaths = u32::try_from(i128::from(self.deaths.total()) - self.counted_from).unwrap_or(u32::MAX);
        let last = self.last.clone().or_else(|| open.last.clone());
        let problem = self.with_relapse(Problem { kind, deaths, last, ..open.clone() }, now);
        let changed = problem != open;
        self.open = Some(problem.clone());
        changed.then_some(Finding::Changed(problem))
    }

    /// What is wrong now.
    fn wrong(&mut self, now: Timestamp) -> Option<Kind> {
        let passed = |since: Timestamp, limit: std::time::Duration| {
            now.duration_since(since) >= SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX)
        };
        if let Present::Absent { since } = self.present {
            let wanted = match &self.intent {
                Intent::Run | Intent::Stopped { by: Who::Outside, .. } => !self.policy.optional,
                Intent::Stopped { by: Who::Operator(_), .. } | Intent::Unknown => false,
            };
            return (wanted && passed(since, self.policy.absent_after)).then_some(Kind::NotDeployed);
        }
        match self.intent {
            Intent::Run => {}
            Intent::Stopped { .. } | Intent::Unknown => return None,
        }
        let deaths = self.deaths.within(self.policy.window, now);
        let fresh = self.deaths.last().is_some_and(|last| self.closed.is_none_or(|closed| last > closed));
        let restless = fresh && !self.steady(now);
        let oom = self.last.as_ref().is_some_and(|last| last.death.oom);
        match self.present {
            Present::Down { opens: Some(opens), .. } if opens <= now => {
                let fine = self.policy.optional && self.last.as_ref().is_some_and(|last| last.death.code == 0);
                if !fine {
                    return Some(match oom {
                        true => Kind::OutOfMemory,
                        false if self.task => Kind::Failed,
                        false => Kind::Exited,
                    });
                }
            }
            Present::Between { since, .. } if passed(since, self.policy.stuck_after) => return Some(Kind::Stuck),
            Present::Unseen
            | Present::Running { .. }
            | Present::Down { .. }
            | Present::Between { .. }
            | Present::Paused
            | Present::Absent { .. } => {}
        }
        // Of what does one thing, each run that fails is a failure; a loop it is when it is started again for that.
        let loops = !self.task || matches!(self.present, Present::Between { restarting: true, .. });
        if restless && loops && deaths >= self.policy.deaths {
            return Some(Kind::CrashLoop);
        }
        if restless && oom {
            return Some(Kind::OutOfMemory);
        }
        let runs = matches!(self.present, Present::Running { .. });
        let turns = self.turns.iter().filter(|turn| !passed(**turn, self.policy.window)).count();
        if turns >= TURNS && !self.steady(now) {
            return Some(Kind::Flapping);
        }
        if let (Health::Unhealthy, Some(since)) = self.health
            && runs
            && passed(since, self.policy.unhealthy_after)
        {
            return Some(Kind::Unhealthy);
        }
        let one_death = self.deaths.last().is_some_and(|last| now.duration_since(last) >= ONE_DEATH);
        // Even one that is well again sooner than that is told once.
        (fresh && one_death && runs && (restless || self.open.is_none())).then_some(Kind::Crashed)
    }

    /// How a problem ended, if it did.
    fn ends(&self, open: &Problem, now: Timestamp) -> Option<Closed> {
        match &self.intent {
            Intent::Stopped { by: by @ Who::Operator(_), .. } => return Some(Closed::Stopped(by.clone())),
            Intent::Stopped { by: Who::Outside, at } => {
                return (now.duration_since(*at) >= STOPPED_FOR_GOOD).then_some(Closed::Stopped(Who::Outside));
            }
            Intent::Run | Intent::Unknown => {}
        }
        if self.policy.optional && matches!(self.present, Present::Absent { .. }) {
            return Some(Closed::Stopped(Who::Outside));
        }
        if self.is_done() {
            return Some(Closed::Recovered { lasted: now.duration_since(open.since), steady: SignedDuration::ZERO });
        }
        let well = self.well_since()?;
        self.steady(now)
            .then(|| Closed::Recovered { lasted: now.duration_since(open.since), steady: now.duration_since(well) })
    }

    /// Since when it runs, is healthy, and has not turned.
    fn well_since(&self) -> Option<Timestamp> {
        let Present::Running { since } = self.present else { return None };
        let healthy = match self.health {
            (Health::None, _) => since,
            (Health::Healthy, at) => at.unwrap_or(since),
            (Health::Starting | Health::Unhealthy, _) => return None,
        };
        Some(since.max(healthy).max(self.turns.back().copied().unwrap_or(since)))
    }

    /// Whether it has been well long enough to be believed.
    fn steady(&self, now: Timestamp) -> bool {
        self.well_since().is_some_and(|since| now.duration_since(since) >= self.quiet(now))
    }

    /// A time this long is not one more round: clearly longer than any that
    /// ended in death, and doubled each time it was taken back lately.
    fn quiet(&self, now: Timestamp) -> SignedDuration {
        let lately = self.opened.iter().filter(|at| now.duration_since(**at) < DAMPED).count();
        let times = 1_i32 << lately.saturating_sub(1).min(4);
        let least = SignedDuration::try_from(self.policy.quiet).unwrap_or(SignedDuration::from_mins(1));
        // A single death that stayed one until somebody started it is no round of anything.
        let down = |open: &Problem| matches!(open.kind, Kind::Exited | Kind::OutOfMemory) && open.deaths <= 1;
        let mended = self.answer != Answer::None && self.open.as_ref().is_some_and(down);
        let longest = if mended { SignedDuration::ZERO } else { self.deaths.longest_run(self.policy.window) };
        (least * times).max(longest * 2)
    }

    /// When the clock should be looked at next.
    pub fn deadline(&self) -> Option<Timestamp> {
        let settled = self.settled?;
        let snapshot = self.snapshot_at().filter(|at| *at > settled);
        if self.held || self.blind.is_some() {
            return snapshot;
        }
        let after = |since: Timestamp, limit: std::time::Duration| {
            SignedDuration::try_from(limit).ok().and_then(|limit| since.checked_add(limit).ok())
        };
        let present = match self.present {
            Present::Down { opens, .. } => opens,
            Present::Absent { since } => after(since, self.policy.absent_after),
            Present::Between { since, .. } => after(since, self.policy.stuck_after),
            Present::Unseen | Present::Running { .. } | Present::Paused => None,
        };
        let unhealthy = match self.health {
            (Health::Unhealthy, Some(since)) => after(since, self.policy.unhealthy_after),
            (Health::None | Health::Starting | Health::Healthy | Health::Unhealthy, _) => None,
        };
        let one_death = self.deaths.last().and_then(|last| last.checked_add(ONE_DEATH).ok());
        let (steady, stopped) = match (&self.open, &self.intent) {
            (None, _) => (None, None),
            (Some(_), Intent::Stopped { at, .. }) => (None, at.checked_add(STOPPED_FOR_GOOD).ok()),
            (Some(_), Intent::Run | Intent::Unknown) => {
                (self.well_since().and_then(|since| since.checked_add(self.quiet(settled)).ok()), None)
            }
        };
        [snapshot, present, unhealthy, one_death, steady, stopped]
            .into_iter()
            .flatten()
            .filter(|at| *at > settled)
            .min()
    }
}
