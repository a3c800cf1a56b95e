//! The health file: how a running bot tells another process that it hears its
//! homeserver.
//!
//! "Alive but deaf" is the most reported fault of chat bots: the process runs,
//! the sync does not. So what counts is the time of the last good sync. The
//! bot writes it into a small file in its state directory; `opsroom
//! healthcheck`, which a container engine or a monitor runs, reads it. Nothing
//! listens on a port for this.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::config::duration::short;

/// Older than this, the last good sync means trouble. Three long-polls of 30 s:
/// one may be slow, and one may be cut off.
pub const FRESH: Duration = Duration::from_secs(90);

/// The file `health` in a state directory: the time of the last good sync, as
/// seconds since 1970, and nothing else.
#[derive(Debug, Clone)]
pub struct HealthFile(PathBuf);

/// Why the bot does not count as healthy. The texts are whole sentences.
#[derive(Debug, thiserror::Error)]
pub enum Unhealthy {
    /// Nothing was written yet, or it is written elsewhere.
    #[error("{} is not there: the bot has not reached its homeserver yet, or keeps its state elsewhere", .0.display())]
    Missing(PathBuf),
    /// The file cannot be read.
    #[error("{} cannot be read: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not one of ours.
    #[error("{} does not hold a time: it was not written by opsroom", .0.display())]
    Broken(PathBuf),
    /// The bot is deaf, or gone.
    #[error("the last good sync was {} ago, and {} is the limit: look at the bot's log", short(*age), short(*limit))]
    Stale {
        /// Since the last good sync.
        age: Duration,
        /// What was allowed.
        limit: Duration,
    },
    /// The clock was set back: how old the sync is cannot be told.
    #[error("the last good sync lies {} in the future: the clock was set back", short(*.0))]
    Ahead(Duration),
}

impl HealthFile {
    /// The health file of a state directory.
    pub fn in_dir(state_dir: &Path) -> Self {
        Self(state_dir.join("health"))
    }

    /// Notes when the last good sync was. A reader sees the old time or the
    /// new one, never half of one. There may be one writer at a time.
    pub fn write(&self, last_sync: SystemTime) -> io::Result<()> {
        let seconds = last_sync.duration_since(UNIX_EPOCH).map_err(io::Error::other)?.as_secs();
        let fresh = self.0.with_extension("tmp");
        fs::write(&fresh, format!("{seconds}\n"))?;
        fs::rename(&fresh, &self.0)
    }

    /// Forgets it: a process that begins or ends does not vouch for another. Whoever
    /// replaces a version looks at health within seconds, when the last sync of the
    /// version before is still fresh.
    pub fn forget(&self) -> io::Result<()> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// How long ago the last good sync was, if that is within the limit.
    pub fn check(&self, now: SystemTime, limit: Duration) -> Result<Duration, Unhealthy> {
        let text = fs::read_to_string(&self.0).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Unhealthy::Missing(self.0.clone()),
            _ => Unhealthy::Unreadable { file: self.0.clone(), source },
        })?;
        let seconds: u64 = text.trim_end().parse().map_err(|_| Unhealthy::Broken(self.0.clone()))?;
        let last_sync = UNIX_EPOCH + Duration::from_secs(seconds.min(u64::from(u32::MAX)));
        match now.duration_since(last_sync) {
            Ok(age) if age <= limit => Ok(age),
            Ok(age) => Err(Unhealthy::Stale { age, limit }),
            // Clocks are nudged by a moment now and then.
            Err(ahead) if ahead.duration() <= limit => Ok(Duration::ZERO),
            Err(ahead) => Err(Unhealthy::Ahead(ahead.duration())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Duration = Duration::from_secs(1_800_000_000);

    #[test]
    fn a_sync_is_fresh_until_its_limit() {
        let dir = tempfile::tempdir().unwrap();
        let file = HealthFile::in_dir(dir.path());
        let (noon, seconds) = (UNIX_EPOCH + NOON, Duration::from_secs);
        assert_eq!(
            file.check(noon, FRESH).unwrap_err().to_string(),
            format!(
                "{}/health is not there: the bot has not reached its homeserver yet, or keeps its state elsewhere",
                dir.path().display()
            )
        );
        file.write(noon - seconds(500)).unwrap();
        file.write(noon).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("health")).unwrap(), "1800000000\n");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        assert_eq!(file.check(noon + seconds(90), FRESH).unwrap(), seconds(90));
        assert_eq!(file.check(noon - seconds(2), FRESH).unwrap(), Duration::ZERO);
        assert_eq!(
            file.check(noon + seconds(91), FRESH).unwrap_err().to_string(),
            "the last good sync was 1m31s ago, and 1m30s is the limit: look at the bot's log"
        );
        file.forget().unwrap();
        file.forget().unwrap();
        assert!(matches!(file.check(noon, FRESH), Err(Unhealthy::Missing(_))));
        file.write(noon).unwrap();
        assert_eq!(
            file.check(noon - seconds(3600), FRESH).unwrap_err().to_string(),
            "the last good sync lies 1h in the future: the clock was set back"
        );
    }

    #[test]
    fn what_is_not_a_time_is_not_health() {
        let dir = tempfile::tempdir().unwrap();
        let file = HealthFile::in_dir(dir.path());
        for text in ["", "ok", "-5", "12 34"] {
            fs::write(dir.path().join("health"), text).unwrap();
            assert!(matches!(file.check(UNIX_EPOCH + NOON, FRESH), Err(Unhealthy::Broken(_))), "{text:?}");
        }
        fs::write(dir.path().join("health"), u64::MAX.to_string()).unwrap();
        assert!(matches!(file.check(UNIX_EPOCH + NOON, FRESH), Err(Unhealthy::Ahead(_))));
        assert!(HealthFile::in_dir(&dir.path().join("absent")).write(UNIX_EPOCH + NOON).is_err());
    }
}
