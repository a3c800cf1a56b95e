//! Watches one host: whether it and its container engine answer, and how full
//! its disks are.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::policy::WatchSettings;
use crate::domain::observation::{Disk, HostReport, SnapshotError};

/// It answers again when it has done so for this long.
const STEADY: SignedDuration = SignedDuration::from_secs(10);
/// A disk counts as emptied when it is so much below its limit, in percent.
const DISK_BELOW: u32 = 3;

/// What is wrong with a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostProblem {
    /// It cannot be reached.
    Unreachable {
        /// Why, as it was told.
        cause: String,
        /// When it was seen last.
        since: Timestamp,
    },
    /// It answers, its container engine does not.
    EngineDown {
        /// Why, as it was told.
        cause: String,
        /// When it was seen last.
        since: Timestamp,
    },
    /// One of its disks is nearly full.
    DiskFull(Disk),
}

impl HostProblem {
    /// Whether nothing can be seen there while it lasts.
    pub fn blinds(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::EngineDown { .. } => true,
            Self::DiskFull(_) => false,
        }
    }
}

/// What a detector of a host says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostFinding {
    /// Something is wrong.
    Opened(HostProblem),
    /// More is known of what is wrong.
    Changed(HostProblem),
    /// It answers again; nothing was seen between the two times.
    Seen {
        /// When it was seen last.
        from: Timestamp,
        /// When it was seen again.
        to: Timestamp,
    },
    /// The disk has room again.
    DiskFree(Disk),
}

/// Watches one host.
#[derive(Debug)]
pub struct HostWatch {
    limits: WatchSettings,
    seen: Option<Timestamp>,
    /// Since when it gives no answer, which, and how it began.
    trouble: Option<(Timestamp, SnapshotError)>,
    /// Since when it has answered again.
    back: Option<Timestamp>,
    open: Option<HostProblem>,
    disk: Option<Disk>,
    /// The boot it is in, as the kernel names it.
    boot: Option<String>,
}

impl HostWatch {
    /// Nothing known yet.
    pub fn new(limits: WatchSettings) -> Self {
        Self { limits, seen: None, trouble: None, back: None, open: None, disk: None, boot: None }
    }

    /// Goes on from what an earlier process knew.
    pub fn restore(&mut self, seen: Option<Timestamp>, boot: Option<String>, open: Vec<HostProblem>) {
        (self.seen, self.boot) = (seen, boot);
        for problem in open {
            match problem {
                HostProblem::DiskFull(disk) => self.disk = Some(disk),
                HostProblem::Unreachable { .. } | HostProblem::EngineDown { .. } => self.open = Some(problem),
            }
        }
    }

    /// What keeps it from being seen, once that is told.
    pub fn open(&self) -> Option<&HostProblem> {
        self.open.as_ref()
    }

    /// Takes a look at it. Says first whether it is in another boot than before.
    pub fn report(&mut self, report: &HostReport) -> (bool, Vec<HostFinding>) {
        match &report.seen {
            Ok(_) => {
                let before = self.boot.clone();
                if report.facts.boot.is_some() {
                    self.boot.clone_from(&report.facts.boot);
                }
                let rebooted = before.is_some() && before != self.boot;
                let mut found = self.disks(&report.facts.disks);
                if let Some(why) = &report.facts.down {
                    found.extend(self.troubled(&SnapshotError::Engine(why.clone()), report.at));
                    return (rebooted, found);
                }
                self.trouble = None;
                if self.open.is_some() {
                    self.back.get_or_insert(report.at);
                    found.extend(self.tick(report.at));
                } else {
                    self.seen = Some(report.at);
                }
                (rebooted, found)
            }
            // Nobody went there.
            Err(SnapshotError::Busy(_)) => (false, Vec::new()),
            Err(trouble) => (false, self.troubled(trouble, report.at).into_iter().collect()),
        }
    }

    /// It gives no answer, or one of several runtimes on it does not.
    fn troubled(&mut self, trouble: &SnapshotError, now: Timestamp) -> Option<HostFinding> {
        self.back = None;
        let since = self.trouble.as_ref().map_or(now, |(since, _)| *since);
        self.trouble = Some((since, trouble.clone()));
        self.tick(now)
    }

    fn disks(&mut self, disks: &[Disk]) -> Vec<HostFinding> {
        let Some(fullest) = disks.iter().max_by_key(|disk| disk.percent) else { return Vec::new() };
        match &self.disk {
            None if fullest.percent >= self.limits.disk && self.limits.disk < 100 => {
                self.disk = Some(fullest.clone());
                vec![HostFinding::Opened(HostProblem::DiskFull(fullest.clone()))]
            }
            Some(full) if fullest.percent + DISK_BELOW <= self.limits.disk => {
                let now = disks.iter().find(|disk| disk.mount == full.mount).unwrap_or(fullest).clone();
                self.disk = None;
                vec![HostFinding::DiskFree(now)]
            }
            Some(full) if full != fullest => {
                self.disk = Some(fullest.clone());
                vec![HostFinding::Changed(HostProblem::DiskFull(fullest.clone()))]
            }
            Some(_) | None => Vec::new(),
        }
    }

    fn limit(&self, trouble: &SnapshotError) -> SignedDuration {
        let limit = match trouble {
            SnapshotError::Unreachable(_) | SnapshotError::Unclear(_) | SnapshotError::Busy(_) => {
                self.limits.unreachable_after
            }
            SnapshotError::Engine(_) => self.limits.engine_after,
        };
        SignedDuration::try_from(limit).unwrap_or(SignedDuration::from_mins(1))
    }

    /// Looks at the clock.
    pub fn tick(&mut self, now: Timestamp) -> Option<HostFinding> {
        if let (Some(_), Some(back)) = (&self.open, self.back) {
            if now.duration_since(back) < STEADY {
                return None;
            }
            self.open = None;
            self.back = None;
            let from = self.seen.replace(now).unwrap_or(back);
            return Some(HostFinding::Seen { from, to: back });
        }
        let (since, trouble) = self.trouble.as_ref()?;
        if now.duration_since(*since) < self.limit(trouble) {
            return None;
        }
        let since = self.seen.unwrap_or(*since);
        let cause = trouble.cause().to_owned();
        let problem = match trouble {
            SnapshotError::Unreachable(_) | SnapshotError::Unclear(_) | SnapshotError::Busy(_) => {
                HostProblem::Unreachable { cause, since }
            }
            SnapshotError::Engine(_) => HostProblem::EngineDown { cause, since },
        };
        match &self.open {
            None => {
                self.open = Some(problem.clone());
                Some(HostFinding::Opened(problem))
            }
            Some(open) if *open != problem => {
                self.open = Some(problem.clone());
                Some(HostFinding::Changed(problem))
            }
            Some(_) => None,
        }
    }

    /// When the clock should be looked at next.
    pub fn deadline(&self) -> Option<Timestamp> {
        match (&self.open, self.back, &self.trouble) {
            (Some(_), Some(back), _) => back.checked_add(STEADY).ok(),
            (None, _, Some((since, trouble))) => since.checked_add(self.limit(trouble)).ok(),
            (Some(_) | None, _, _) => None,
        }
    }
}
