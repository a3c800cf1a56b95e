//! What can end the Matrix side, and what is worth another try.

use std::{io, path::PathBuf, time::Duration};

use matrix_sdk::{
    HttpError, IdParseError, RefreshTokenError,
    ruma::api::error::{ErrorKind, RetryAfter},
};

use crate::{domain::names::UserId, ports::InboxError};

/// Why the Matrix side could not start or go on. The texts name the next step
/// and hold no secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the session could not be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The session file is not one.
    #[error("{} is not a session file ({why}); move its directory away to log in anew", .path.display())]
    SessionFile {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The state directory belongs to another account.
    #[error(
        "the state directory holds the session of {found}, but the config names {wanted}; give each account its own"
    )]
    OtherAccount {
        /// Whose session it is.
        found: String,
        /// Who is configured.
        wanted: UserId,
    },
    /// The store could not be opened.
    #[error("the Matrix store {} cannot be opened ({why}); was the store passphrase changed?", .path.display())]
    Store {
        /// Where it is.
        path: PathBuf,
        /// What the SDK said.
        why: String,
    },
    /// The homeserver does not accept the credentials.
    #[error("the homeserver does not let {user} in: {why}")]
    LoginRefused {
        /// The account.
        user: UserId,
        /// What the homeserver said.
        why: String,
    },
    /// The session died and only an access token is configured.
    #[error(
        "the access token of {user} is not valid (any more) and no password is configured: \
         make a new token for a new device, or configure the password"
    )]
    TokenDead {
        /// The account.
        user: UserId,
    },
    /// The access token is of no use for an encrypted bot.
    #[error("the access token cannot be used: {0}")]
    TokenUnfit(String),
    /// The account's cross-signing keys are not to be had.
    #[error("{0}")]
    Identity(String),
    /// The homeserver was not reached, or failed on its side.
    #[error("the homeserver is not available: {0}")]
    Unavailable(String),
    /// The SDK failed in a way nobody foresaw.
    #[error("matrix: {0}")]
    Sdk(String),
    /// The ledger failed: what was read would be lost.
    #[error(transparent)]
    Inbox(#[from] InboxError),
}

impl Error {
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// Whether trying again later can help.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::File { .. }
            | Self::SessionFile { .. }
            | Self::OtherAccount { .. }
            | Self::Store { .. }
            | Self::LoginRefused { .. }
            | Self::TokenDead { .. }
            | Self::TokenUnfit(_)
            | Self::Identity(_)
            | Self::Sdk(_)
            | Self::Inbox(_) => false,
        }
    }
}

impl From<IdParseError> for Error {
    fn from(error: IdParseError) -> Self {
        Self::Sdk(error.to_string())
    }
}

/// What a failed request means for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The session is not known to the homeserver. `soft`: log in again with
    /// the same device; otherwise the device is gone.
    SessionDead { soft: bool },
    /// Wait that long.
    RateLimited(Duration),
    /// Not reached, or failed on the server's side.
    Unavailable(String),
    /// The server understood and said no.
    Refused(String),
    /// Something on our side.
    Local(String),
}

/// The pause after a rate limit that names none: Synapse's default is one
/// message in five seconds.
const UNNAMED_PAUSE: Duration = Duration::from_secs(5);

impl From<&matrix_sdk::Error> for Failure {
    fn from(error: &matrix_sdk::Error) -> Self {
        match error {
            matrix_sdk::Error::Http(http) => Self::from(&**http),
            matrix_sdk::Error::Timeout | matrix_sdk::Error::ConcurrentRequestFailed => {
                Self::Unavailable(error.to_string())
            }
            matrix_sdk::Error::WrongRoomState(_) | matrix_sdk::Error::Media(_) => Self::Refused(error.to_string()),
            // Foreign and non-exhaustive; all the others are of our side.
            _ => Self::Local(error.to_string()),
        }
    }
}

impl From<&HttpError> for Failure {
    fn from(error: &HttpError) -> Self {
        match error {
            HttpError::Reqwest(reqwest) => return Self::Unavailable(with_causes(reqwest)),
            HttpError::RefreshToken(RefreshTokenError::MatrixAuth(inner)) => {
                // The refresh token is no good either: what the access token's
                // own error said about the device is not in here.
                return match Self::from(&**inner) {
                    Self::Refused(_) => Self::SessionDead { soft: true },
                    other => other,
                };
            }
            HttpError::Cached(inner) => return Self::from(&**inner),
            // Foreign; the rest is looked at below.
            _ => {}
        }
        let Some(api) = error.as_client_api_error() else {
            // A proxy's page in place of JSON, or JSON of another shape.
            return Self::Unavailable(error.to_string());
        };
        let said = error.to_string();
        match api.error_kind() {
            Some(ErrorKind::UnknownToken(data)) => Self::SessionDead { soft: data.soft_logout },
            Some(ErrorKind::LimitExceeded(limit)) => {
                Self::RateLimited(limit.retry_after.as_ref().map_or(UNNAMED_PAUSE, |after| match after {
                    RetryAfter::Delay(delay) => *delay,
                    RetryAfter::DateTime(time) => {
                        time.duration_since(std::time::SystemTime::now()).unwrap_or(UNNAMED_PAUSE)
                    }
                }))
            }
            _ if api.status_code.as_u16() == 429 => Self::RateLimited(UNNAMED_PAUSE),
            _ if api.status_code.is_server_error() => Self::Unavailable(said),
            _ => Self::Refused(said),
        }
    }
}

impl Failure {
    /// As an error of the adapter, where a rate limit is one more reason to
    /// come back later.
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::RateLimited(pause) => Error::Unavailable(format!("it asks for a pause of {pause:?}")),
            Self::Unavailable(why) => Error::Unavailable(why),
            Self::SessionDead { .. } => Error::Unavailable("the session is not valid any more".to_owned()),
            Self::Refused(why) | Self::Local(why) => Error::Sdk(why),
        }
    }
}

/// reqwest's own text says "error sending request" and keeps the reason to
/// its sources. Its URL is dropped: it holds the sync token, and no news.
pub(super) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    if causes.is_empty() { "no answer in time".to_owned() } else { causes.join(": ") }
}
