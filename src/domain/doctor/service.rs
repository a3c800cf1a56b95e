//! What can be found of a service.

use super::mark::Mark;
use crate::domain::runtime::RuntimeCheck;

/// What can be found of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceCheck {
    /// Its directory cannot be entered; what the shell said.
    NoDirectory {
        /// The directory.
        dir: String,
        /// What the shell said.
        said: String,
    },
    /// Its directory is no clone.
    NoClone(String),
    /// git does not touch a clone of somebody else.
    Dubious(String),
    /// git fails in it; what it said.
    GitFails(String),
    /// The login may not write into the clone.
    CloneReadOnly(String),
    /// It is a clone, on this branch, with nothing in an update's way.
    Clone(String),
    /// The clone has no remote `origin`.
    NoOrigin(String),
    /// The remote answers and has the branch.
    Remote(String),
    /// The remote cannot be asked.
    RemoteFails {
        /// Why.
        why: RemoteTrouble,
        /// What git said.
        said: String,
    },
    /// The remote has no such branch.
    NoBranch {
        /// The branch.
        branch: String,
        /// What the remote calls its main one.
        default: Option<String>,
    },
    /// `git fetch` does not bring the branch: the clone is of another one alone.
    BranchNotFetched {
        /// The branch.
        branch: String,
        /// The clone.
        dir: String,
    },
    /// Another branch is checked out: an update refuses to move that one.
    OtherBranch {
        /// The one that is.
        on: String,
        /// The one that is configured.
        branch: String,
        /// The clone.
        dir: String,
    },
    /// Commits that only this clone has: an update leaves them behind, reachable.
    LocalCommits {
        /// How many.
        count: u32,
        /// Against which branch.
        branch: String,
    },
    /// Tracked files that were changed: an update refuses to undo that.
    Changed {
        /// How many.
        count: u32,
        /// The first of them.
        files: String,
        /// The clone.
        dir: String,
    },
    /// These files with secrets are ignored by git, as they should be.
    SecretsIgnored(Vec<String>),
    /// git tracks a file that secrets are taken from.
    SecretTracked {
        /// The file.
        file: String,
        /// Whether names in it are those that secrets have.
        telling: bool,
    },
    /// git neither tracks nor ignores a file that secrets are taken from.
    SecretNotIgnored {
        /// The file.
        file: String,
        /// The clone.
        dir: String,
    },
    /// git tracks a private key.
    KeyTracked(String),
    /// What runs it.
    Runtime(RuntimeCheck),
    /// Its checks did not come to their end.
    Unanswered(String),
}

/// Why a git remote cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteTrouble {
    /// Its host key is not known to the login.
    HostKey,
    /// It does not take the login's key.
    Key,
    /// It wants a name or a password.
    Password,
    /// It is not at that place.
    NotThere,
    /// It cannot be reached.
    Unreachable,
    /// It took too long.
    Slow,
    /// Anything else.
    Other,
}

impl ServiceCheck {
    pub(super) fn mark(&self) -> Mark {
        match self {
            Self::NoDirectory { .. }
            | Self::NoClone(_)
            | Self::Dubious(_)
            | Self::GitFails(_)
            | Self::CloneReadOnly(_)
            | Self::NoOrigin(_)
            | Self::RemoteFails { .. }
            | Self::NoBranch { .. }
            | Self::BranchNotFetched { .. }
            | Self::OtherBranch { .. }
            | Self::Changed { .. }
            | Self::SecretTracked { telling: true, .. }
            | Self::SecretNotIgnored { .. }
            | Self::Unanswered(_) => Mark::Wrong,
            Self::SecretTracked { telling: false, .. } | Self::KeyTracked(_) | Self::LocalCommits { .. } => {
                Mark::Doubtful
            }
            Self::Clone(_) | Self::Remote(_) | Self::SecretsIgnored(_) => Mark::Fine,
            Self::Runtime(check) => check.mark,
        }
    }
}
