//! When something counts as trouble, and when as well again. Opening is quick
//! and closing slow: a page too late is worth little, and one that is taken
//! back and said again is worse than none.

use std::time::Duration;

/// How one service is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// This many deaths within `window` are a crash loop.
    pub deaths: u32,
    /// The time over which deaths are counted. Docker slows a crashing
    /// container down to a start a minute, and something that dies every five
    /// minutes is a loop to whoever depends on it.
    pub window: Duration,
    /// The shortest time it must be well before it counts as recovered.
    pub quiet: Duration,
    /// How long its health check may fail. The engine has tried several times
    /// before it says so at all.
    pub unhealthy_after: Duration,
    /// How long it may be gone: a deploy removes the old container before it
    /// makes the new one.
    pub absent_after: Duration,
    /// How long it may stay between two states.
    pub stuck_after: Duration,
    /// Whether it may be absent or stopped without anybody being told.
    pub optional: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            deaths: 3,
            window: Duration::from_secs(15 * 60),
            quiet: Duration::from_secs(60),
            unhealthy_after: Duration::from_secs(10),
            absent_after: Duration::from_secs(60),
            stuck_after: Duration::from_secs(300),
            optional: false,
        }
    }
}

impl Policy {
    /// The shortest window in which a loop with Docker's longest backoff (a
    /// minute) still spends its budget; the config refuses a shorter one.
    pub fn shortest_window(deaths: u32) -> Duration {
        Duration::from_secs(61) * deaths
    }
}

/// How everything is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchSettings {
    /// How often each host's state is read whole, next to its event stream.
    pub snapshot_every: Duration,
    /// What holds for a service that says nothing else.
    pub services: Policy,
    /// How long a host may be out of reach.
    pub unreachable_after: Duration,
    /// How long its container engine may be.
    pub engine_after: Duration,
    /// How full a disk may be, in percent; 100 means that nobody is told.
    pub disk: u32,
    /// After so long, people are notified again of what nobody is on.
    pub remind_after: Duration,
}

impl Default for WatchSettings {
    fn default() -> Self {
        Self {
            snapshot_every: Duration::from_secs(30),
            services: Policy::default(),
            unreachable_after: Duration::from_secs(45),
            engine_after: Duration::from_secs(20),
            disk: 90,
            remind_after: Duration::from_secs(60 * 60),
        }
    }
}
