//! The directory with everything that must survive a restart: the ledger, the
//! Matrix session and its keys. One process at a time may use it.
//!
//! Two processes on one crypto store run without an error and then nobody can
//! read the bot any more; two on one ledger run commands twice. So the
//! directory is claimed once, by `app`, before anything in it is opened, and
//! the claim is held for the life of the process. The kernel lets go of the
//! lock when the process ends, however it ends: no stale lock is left behind.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// The name of the lock file in the directory.
const LOCK: &str = "lock";

/// A claimed state directory. Dropping it gives the claim up.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    _lock: File,
}

/// Why a state directory could not be claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another process holds it.
    #[error(
        "the state directory {} is in use by {}: stop that process first, or give this one a directory of its own",
        .path.display(),
        .owner.map_or("another process".to_owned(), |pid| format!("process {pid}"))
    )]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The process that holds it, as far as it said so.
        owner: Option<u32>,
    },
    /// It could not be made, opened or locked.
    #[error("the state directory {} cannot be used: {source}", .path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl StateDir {
    /// Creates the directory where it is missing (mode 0700) and takes its lock.
    pub fn claim(path: impl Into<PathBuf>) -> Result<Self, ClaimError> {
        let path = path.into();
        match lock(&path) {
            Ok(lock) => Ok(Self { path, _lock: lock }),
            Err(Held::By(owner)) => Err(ClaimError::InUse { path, owner }),
            Err(Held::Failed(source)) => Err(ClaimError::Io { path, source }),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

enum Held {
    By(Option<u32>),
    Failed(io::Error),
}

impl From<io::Error> for Held {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

fn lock(path: &Path) -> Result<File, Held> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            // The owner's number only makes the message kinder.
            let _ = file.read_to_string(&mut owner);
            return Err(Held::By(owner.trim().parse().ok()));
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_directory_has_one_owner_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("state");
        let first = StateDir::claim(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);

        let refused = StateDir::claim(&path).unwrap_err().to_string();
        assert!(refused.contains(&path.display().to_string()), "{refused}");
        assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
        assert!(refused.contains("stop that process first"), "{refused}");

        drop(first);
        StateDir::claim(&path).unwrap();
    }
}
