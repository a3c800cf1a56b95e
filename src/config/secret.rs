//! Secrets: where they are, and reading them.
//!
//! Settings hold only the place. The secret is read when it is needed, so it
//! is in memory for a moment, a changed one is picked up, and nothing that
//! prints settings can print it.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use secrecy::SecretString;

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// In a file that only the bot can read.
    File(PathBuf),
    /// In this environment variable.
    Variable(String),
}

/// Why a secret could not be had. The texts say what to do.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be opened or read.
    #[error("{}: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A directory, a device, a socket.
    #[error("{} is not a regular file: name a file that holds the secret and nothing else", file.display())]
    NotAFile {
        /// What was named.
        file: PathBuf,
    },
    /// Somebody else on this machine can read or change it.
    #[error("{} can be read or changed by others (mode {mode:04o}): run `chmod 600 {}`", file.display(), file.display())]
    TooOpen {
        /// The file.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Nothing in it.
    #[error("{} is empty", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// Not text.
    #[error("{} is not UTF-8 text", file.display())]
    NotText {
        /// The file.
        file: PathBuf,
    },
    /// The variable is not there, is empty, or is not text.
    #[error("the environment variable {0} is not set: set it, or use the key's `_file` form")]
    NoVariable(String),
}

impl Secret {
    /// Reads the secret. The end of the last line is not part of it.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        match self {
            Self::File(file) => read_file(file),
            Self::Variable(name) => from_variable(name, std::env::var(name).ok()),
        }
    }

    /// Checks that [`read`](Self::read) would work, with the variables given.
    pub(super) fn check(&self, variables: &dyn Fn(&str) -> Option<String>) -> Result<(), SecretError> {
        match self {
            Self::File(file) => read_file(file).map(drop),
            Self::Variable(name) => from_variable(name, variables(name)).map(drop),
        }
    }
}

fn from_variable(name: &str, value: Option<String>) -> Result<SecretString, SecretError> {
    match value {
        Some(value) if !value.is_empty() => Ok(SecretString::from(value)),
        Some(_) | None => Err(SecretError::NoVariable(name.to_owned())),
    }
}

/// Reads a file that holds one secret, without the end of its last line.
/// Refuses it when others can read it.
pub fn read_file(file: &Path) -> Result<SecretString, SecretError> {
    check_private(file)?;
    let bytes = fs::read(file).map_err(|source| SecretError::Unreadable { file: file.to_owned(), source })?;
    let mut text = String::from_utf8(bytes).map_err(|_| SecretError::NotText { file: file.to_owned() })?;
    text.truncate(text.strip_suffix('\n').map_or(text.len(), |line| line.strip_suffix('\r').unwrap_or(line).len()));
    if text.is_empty() {
        return Err(SecretError::Empty { file: file.to_owned() });
    }
    Ok(SecretString::from(text))
}

/// Checks that a file is there, is the bot's to read and nobody else's.
pub fn check_private(file: &Path) -> Result<(), SecretError> {
    let about = fs::metadata(file).map_err(|source| SecretError::Unreadable { file: file.to_owned(), source })?;
    if !about.is_file() {
        return Err(SecretError::NotAFile { file: file.to_owned() });
    }
    let mode = about.mode() & 0o777;
    if is_too_open(mode, about.uid() == rustix::process::geteuid().as_raw()) {
        return Err(SecretError::TooOpen { file: file.to_owned(), mode });
    }
    Ok(())
}

/// OpenSSH's rule for private keys, a little stricter: what is ours is ours
/// alone. What somebody else's hand put there for us (`root:opsroom 0640`, a
/// mounted secret) may be read by a group, but not by everybody.
fn is_too_open(mode: u32, ours: bool) -> bool {
    let forbidden = if ours { 0o077 } else { 0o027 };
    mode & forbidden != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;
    use std::os::unix::fs::PermissionsExt as _;

    fn file_with(text: &[u8], mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
        file
    }

    #[test]
    fn only_the_end_of_the_last_line_is_dropped() {
        for (text, secret) in
            [("pw", "pw"), ("pw\n", "pw"), ("pw\r\n", "pw"), ("pw\n\n", "pw\n"), (" pw ", " pw "), ("a\nb\n", "a\nb")]
        {
            let file = file_with(text.as_bytes(), 0o600);
            assert_eq!(read_file(file.path()).unwrap().expose_secret(), secret, "{text:?}");
        }
    }

    #[test]
    fn files_that_others_can_read_are_refused_with_the_command_to_run() {
        for mode in [0o604, 0o640, 0o620, 0o666, 0o601] {
            let file = file_with(b"hunter2\n", mode);
            let error = read_file(file.path()).unwrap_err().to_string();
            assert!(error.contains(&format!("(mode {mode:04o})")), "{error}");
            assert!(error.ends_with(&format!("run `chmod 600 {}`", file.path().display())), "{error}");
        }
        for mode in [0o600, 0o400] {
            read_file(file_with(b"hunter2\n", mode).path()).unwrap();
        }
        for (mode, refused) in [(0o640, false), (0o440, false), (0o644, true), (0o660, true), (0o444, true)] {
            assert_eq!(is_too_open(mode, false), refused, "{mode:o} of somebody else's");
        }
    }

    #[test]
    fn what_holds_no_secret_says_so() {
        for (text, why) in [(&b""[..], "is empty"), (b"\n", "is empty"), (b"\xff\xfe", "is not UTF-8 text")] {
            assert!(read_file(file_with(text, 0o600).path()).unwrap_err().to_string().ends_with(why));
        }
        let directory = tempfile::tempdir().unwrap();
        assert!(matches!(read_file(directory.path()), Err(SecretError::NotAFile { .. })));
        assert!(matches!(read_file(&directory.path().join("absent")), Err(SecretError::Unreadable { .. })));
        for value in [None, Some(String::new())] {
            let error = from_variable("BOT_PASSWORD", value).unwrap_err();
            assert!(error.to_string().contains("BOT_PASSWORD is not set"), "{error}");
        }
    }
}
