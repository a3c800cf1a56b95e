//! What can be found on a host.

use super::mark::Mark;
use crate::domain::runtime::RuntimeCheck;

/// What can be found on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostCheck {
    /// It is who it should be, and lets this login in.
    Reached(String),
    /// It could not be reached or not logged in to; the sentence says why.
    NotReached(String),
    /// The login ran nothing; what it printed instead.
    NoShell(String),
    /// `sudo` did not let the SSH login become this one; what it said.
    NoSudo {
        /// The SSH login.
        from: Option<String>,
        /// What sudo said.
        said: String,
    },
    /// The login's profile prints this before any command.
    Chatty(String),
    /// Jobs can be detached and have a place.
    JobsPossible,
    /// There is no `setsid`.
    NoSetsid,
    /// The directory for jobs cannot be made or written.
    NoPlaceForJobs(String),
    /// What runs the services of this login.
    Runtime(RuntimeCheck),
    /// git's version.
    Git(String),
    /// There is no git.
    NoGit,
    /// Room on a disk.
    Disk {
        /// Where it is mounted.
        mount: String,
        /// Free for this login, in KiB.
        free: u64,
        /// How full it is.
        percent: u32,
        /// What makes room there, where that is known.
        cleanup: Option<&'static str>,
    },
    /// The checks of this login did not come to their end.
    Unanswered(String),
}

/// Less than this, in KiB, is not enough to build an image.
pub const LEAST_FREE: u64 = 1024 * 1024;
/// In per cent: from here on a disk is soon full.
pub const NEARLY_FULL: u32 = 95;

impl HostCheck {
    pub(super) fn mark(&self) -> Mark {
        match self {
            Self::NotReached(_)
            | Self::NoShell(_)
            | Self::NoSudo { .. }
            | Self::Chatty(_)
            | Self::NoSetsid
            | Self::NoPlaceForJobs(_)
            | Self::NoGit
            | Self::Unanswered(_) => Mark::Wrong,
            Self::Disk { free, .. } if *free < LEAST_FREE => Mark::Wrong,
            Self::Disk { percent, .. } if *percent >= NEARLY_FULL => Mark::Doubtful,
            Self::Disk { .. } | Self::Reached(_) | Self::JobsPossible | Self::Git(_) => Mark::Fine,
            Self::Runtime(check) => check.mark,
        }
    }
}
