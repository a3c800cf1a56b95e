//! The bot's session on disk: device ID and tokens beside the store they
//! belong to.
//!
//! ```text
//! <state dir>/matrix/session.json      device ID and tokens, 0600
//! <state dir>/matrix/store/            the SDK's encrypted databases
//! <state dir>/matrix.old-<time>/       a device that the homeserver dropped
//! ```
//!
//! A store with another device's session is broken in ways nobody sees (its
//! keys are never uploaded, or peers refuse them). So the two live in one
//! directory and are retired together, by one rename. The session file is
//! replaced by rename as well and synced to the disk before its tokens are
//! used: after a token refresh the old ones are worth nothing.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use matrix_sdk::authentication::matrix::MatrixSession;
use serde::{Deserialize, Serialize};

use super::error::Error;
use crate::domain::names::UserId;

const HOME: &str = "matrix";
const FILE: &str = "session.json";
const STORE: &str = "store";

/// Where one account's session lives.
#[derive(Debug, Clone)]
pub(super) struct SessionHome {
    state_dir: PathBuf,
}

/// What the session file holds.
#[derive(Serialize, Deserialize)]
struct Saved {
    homeserver: String,
    #[serde(flatten)]
    session: MatrixSession,
}

impl SessionHome {
    pub(super) fn new(state_dir: &Path) -> Self {
        Self { state_dir: state_dir.to_owned() }
    }

    fn home(&self) -> PathBuf {
        self.state_dir.join(HOME)
    }

    /// The directory of the SDK's databases.
    pub(super) fn store(&self) -> PathBuf {
        self.home().join(STORE)
    }

    fn file(&self) -> PathBuf {
        self.home().join(FILE)
    }

    /// The saved session, if there is one. One of another account is refused.
    pub(super) fn load(&self, wanted: &UserId) -> Result<Option<MatrixSession>, Error> {
        let path = self.file();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::File { path, source }),
        };
        // The parser's message could quote a token: its place is enough.
        let saved: Saved = serde_json::from_str(&text).map_err(|error| Error::SessionFile {
            path,
            why: format!("line {}, column {}", error.line(), error.column()),
        })?;
        let found = &saved.session.meta.user_id;
        if found.as_str() != wanted.as_str() {
            return Err(Error::OtherAccount { found: found.to_string(), wanted: wanted.clone() });
        }
        Ok(Some(saved.session))
    }

    /// Writes the session; when this returns it is on the disk.
    pub(super) fn save(&self, homeserver: &str, session: &MatrixSession) -> Result<(), Error> {
        let home = self.home();
        DirBuilder::new().recursive(true).mode(0o700).create(&home).map_err(Error::file(&home))?;
        let saved = Saved { homeserver: homeserver.to_owned(), session: session.clone() };
        let text = serde_json::to_vec_pretty(&saved).map_err(|error| Error::Sdk(error.to_string()))?;
        let path = self.file();
        write_secret(&path, &text).map_err(Error::file(&path))
    }

    /// Puts the session and its store aside, together. Nothing is deleted.
    pub(super) fn retire(&self, now: Timestamp) -> Result<Option<PathBuf>, Error> {
        let home = self.home();
        let old = self.state_dir.join(format!("{HOME}.old-{}", now.strftime("%Y%m%dT%H%M%S%.3fZ")));
        match fs::rename(&home, &old) {
            Ok(()) => Ok(Some(old)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::File { path: home, source }),
        }
    }
}

/// Replaces a file that holds a secret: mode 0600 from its first byte, whole or
/// not at all, on the disk when this returns.
pub(super) fn write_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".new");
    let new = dir.join(name);
    // One left by a crash may have another mode.
    match fs::remove_file(&new) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use matrix_sdk::{
        SessionMeta, SessionTokens,
        ruma::{owned_device_id, owned_user_id},
    };

    use super::*;

    fn session(token: &str) -> MatrixSession {
        MatrixSession {
            meta: SessionMeta { user_id: owned_user_id!("@bot:example.org"), device_id: owned_device_id!("DEVICE") },
            tokens: SessionTokens { access_token: token.to_owned(), refresh_token: Some("refresh".to_owned()) },
        }
    }

    fn bot() -> UserId {
        UserId::parse("@bot:example.org").unwrap()
    }

    #[test]
    fn a_session_survives_and_is_nobody_elses_to_read() {
        let dir = tempfile::tempdir().unwrap();
        let home = SessionHome::new(dir.path());
        assert!(home.load(&bot()).unwrap().is_none());

        home.save("https://example.org", &session("first")).unwrap();
        home.save("https://example.org", &session("second")).unwrap();
        assert_eq!(home.load(&bot()).unwrap(), Some(session("second")));
        assert_eq!(fs::metadata(home.file()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(home.home()).unwrap().permissions().mode() & 0o777, 0o700);

        let other = UserId::parse("@other:example.org").unwrap();
        assert!(matches!(home.load(&other), Err(Error::OtherAccount { .. })));
    }

    #[test]
    fn a_damaged_session_file_is_an_error_that_quotes_no_token() {
        let dir = tempfile::tempdir().unwrap();
        let home = SessionHome::new(dir.path());
        home.save("https://example.org", &session("hunter2")).unwrap();
        let text = fs::read_to_string(home.file()).unwrap();
        fs::write(home.file(), text.replace("access_token\": \"hunter2\"", "access_token\": [\"hunter2\"]")).unwrap();
        let error = home.load(&bot()).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
        assert!(error.contains("move its directory away"), "{error}");
    }

    #[test]
    fn session_and_store_are_put_aside_together() {
        let dir = tempfile::tempdir().unwrap();
        let home = SessionHome::new(dir.path());
        home.save("https://example.org", &session("token")).unwrap();
        fs::create_dir(home.store()).unwrap();
        let old = home.retire(Timestamp::UNIX_EPOCH).unwrap().unwrap();
        assert!(old.join(STORE).is_dir() && old.join(FILE).is_file());
        assert!(home.load(&bot()).unwrap().is_none());
        assert_eq!(home.retire(Timestamp::UNIX_EPOCH).unwrap(), None);
    }
}
