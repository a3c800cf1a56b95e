//! Counts the deaths of one service that nobody asked for.
//!
//! Two sources tell of them: events, one each, and the engine's restart count,
//! which a look reads. Either may be late, and events may be lost, so within
//! one container the number of deaths is the larger of the two. The restart
//! count falls back to nought when somebody starts the container by hand, when
//! the engine itself starts, and with a new container.

use std::{collections::VecDeque, time::Duration};

use jiff::{SignedDuration, Timestamp};

/// An event this young may still be told by a look, and a look this young by
/// events.
const RACING: SignedDuration = SignedDuration::from_secs(3);
/// Deaths remembered at most.
const KEPT: usize = 1_000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Deaths {
    at: VecDeque<Timestamp>,
    /// Runs that ended in death, and when: what recovery has to be longer than.
    runs: VecDeque<(Timestamp, SignedDuration)>,
    /// The container's ID and restart count from which is counted.
    base: Option<(String, u32)>,
    /// Deaths since then by events, and by restart counts.
    told: u32,
    counted: u32,
    last_event: Option<Timestamp>,
    last_snapshot: Option<Timestamp>,
    /// When a look last told of deaths before events did.
    last_rise: Option<Timestamp>,
    /// All of them, however long ago.
    total: u64,
}

impl Deaths {
    /// An event tells of a death. Says whether it is news.
    pub(super) fn told(&mut self, ran: Option<SignedDuration>, now: Timestamp) -> bool {
        let before = self.told.max(self.counted);
        self.told += 1;
        self.last_event = Some(now);
        if let Some(ran) = ran {
            self.runs.push_back((now, ran));
        }
        let news = self.told.max(self.counted) > before;
        if news {
            self.add(1, now, now);
        }
        news
    }

    /// The last death that was told turns out to have been asked for.
    pub(super) fn untell(&mut self) {
        self.told = self.told.saturating_sub(1);
        if self.at.pop_back().is_some() {
            self.total = self.total.saturating_sub(1);
        }
        self.runs.pop_back();
    }

    /// Whatever died since then did not do so by itself, as it turns out.
    pub(super) fn excuse(&mut self, since: Timestamp) {
        while self.at.pop_back_if(|at| *at >= since).is_some() {
            self.total = self.total.saturating_sub(1);
        }
        self.runs.retain(|(at, _)| *at < since);
    }

    /// A look shows a container and its restart count. Says how many deaths
    /// nobody told of; they are spread over the time since the last look.
    /// `moved` is the time between the starts that the two looks saw.
    pub(super) fn looked(&mut self, id: &str, restarts: u32, moved: Option<SignedDuration>, now: Timestamp) -> u32 {
        let since = self.last_snapshot.replace(now).unwrap_or(now);
        let missed = match &self.base {
            Some((base, from)) if base == id && *from + self.counted <= restarts => {
                let before = self.told.max(self.counted);
                self.counted = restarts - from;
                self.told.max(self.counted) - before
            }
            // Another container, or one that was started by hand: anew.
            Some(_) | None => {
                self.rebase(id, restarts);
                0
            }
        };
        if missed > 0 {
            self.last_rise = Some(now);
            self.add(missed, since, now);
            if let Some(moved) = moved.filter(|moved| moved.is_positive()) {
                self.runs.push_back((now, moved / i32::try_from(missed).unwrap_or(i32::MAX)));
            }
        }
        let past = |at: Option<Timestamp>| at.is_none_or(|at| now.duration_since(at) > RACING);
        if past(self.last_event) && past(self.last_rise) {
            self.rebase(id, restarts);
        }
        missed
    }

    /// Deaths of a loop that was there before the watch was.
    pub(super) fn found(&mut self, deaths: u32, now: Timestamp) {
        self.add(deaths, now, now);
    }

    /// It was started by hand, or is another container: the count begins anew.
    pub(super) fn started_anew(&mut self, id: &str) {
        self.rebase(id, 0);
    }

    /// It was started, and how it ended before nobody told: the next look says
    /// from what is counted.
    pub(super) fn unsure(&mut self) {
        self.base = None;
        (self.told, self.counted) = (0, 0);
    }

    /// All deaths there have been.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Forgets what it counted: somebody changed it, and what comes is new.
    pub(super) fn forget(&mut self) {
        self.at.clear();
        self.runs.clear();
        self.unsure();
    }

    /// What is counted from, to be kept over a restart of the bot.
    pub(super) fn base(&self) -> Option<(String, u32)> {
        self.base.as_ref().map(|(id, from)| (id.clone(), from + self.counted.max(self.told)))
    }

    /// Goes on from what an earlier process counted from.
    pub(super) fn restore(&mut self, base: Option<(String, u32)>, last_snapshot: Timestamp) {
        self.base = base;
        self.last_snapshot = Some(last_snapshot);
    }

    /// Deaths within the window.
    pub(super) fn within(&mut self, window: Duration, now: Timestamp) -> u32 {
        let window = SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX);
        while self.at.front().is_some_and(|first| now.duration_since(*first) > window) {
            self.at.pop_front();
        }
        while self.runs.front().is_some_and(|(at, _)| now.duration_since(*at) > window) {
            self.runs.pop_front();
        }
        u32::try_from(self.at.len()).unwrap_or(u32::MAX)
    }

    /// The first death in memory.
    pub(super) fn first(&self) -> Option<Timestamp> {
        self.at.front().copied()
    }

    /// The last one.
    pub(super) fn last(&self) -> Option<Timestamp> {
        self.at.back().copied()
    }

    /// How long it had run, where a look told of the death.
    pub(super) fn run_before(&self, death: Timestamp) -> Option<SignedDuration> {
        self.runs.back().filter(|(at, _)| *at == death).map(|(_, ran)| *ran)
    }

    /// The longest run that ended in death, of those that are short enough to
    /// be rounds of a loop: what ran for three days before it fell does not
    /// have to run for six to be well.
    pub(super) fn longest_run(&self, window: Duration) -> SignedDuration {
        let window = SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX);
        self.runs.iter().map(|(_, ran)| *ran).filter(|ran| *ran <= window).max().unwrap_or_default()
    }

    fn rebase(&mut self, id: &str, restarts: u32) {
        self.base = Some((id.to_owned(), restarts));
        (self.told, self.counted) = (0, 0);
    }

    fn add(&mut self, deaths: u32, from: Timestamp, to: Timestamp) {
        let span = to.duration_since(from);
        self.total += u64::from(deaths);
        let deaths = deaths.min(100);
        for nth in 1..=deaths {
            let back = span.checked_mul(i32::try_from(deaths - nth).unwrap_or(0)).map(|all| all / deaths.cast_signed());
            self.at.push_back(back.and_then(|back| to.checked_sub(back).ok()).unwrap_or(to));
        }
        while self.at.len() > KEPT {
            self.at.pop_front();
        }
        while self.runs.len() > KEPT {
            self.runs.pop_front();
        }
    }
}
