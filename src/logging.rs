//! What is logged to standard error, where a filter's text cannot say it.
//!
//! On an account's first start the SDK asks for account data and for a key
//! backup that nobody has made yet, takes the 404 for the answer that it is,
//! and logs it as an error all the same. So it does whenever a message cannot be
//! decrypted yet, a first start's old ones among them, and the backup has no
//! key for it either: to ask is right, because keys of a device that was lost
//! come back that way, and that the message cannot be read is told by itself.
//! Whoever reads the log of a first start is not to look for a fault there.

use std::{
    fmt::{Debug, Write as _},
    io::{self, IsTerminal as _},
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{FilterExt as _, ParseError},
    layer::{Context, Filter, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

use crate::cli::DEFAULT_LOG;

/// Where the SDK logs each request that fails.
const REQUESTS: &str = "matrix_sdk::http_client";

/// What Synapse says of what nobody has made yet: account data, a backup, and
/// a session's key in it. Another homeserver's words are logged, which does no
/// harm.
const ABSENT: [&str; 3] = ["\"Account data not found\"", "\"No backup found\"", "\"No room_keys found\""];

/// Logs to standard error. Whoever chose the filter gets all that it lets
/// through; with the default one, what is only absent is left out.
pub fn start(filter: &str) -> Result<(), ParseError> {
    let chosen = EnvFilter::try_new(filter)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    let lines = if filter == DEFAULT_LOG {
        lines.with_filter(chosen.and(NotAbsent)).boxed()
    } else {
        lines.with_filter(chosen).boxed()
    };
    tracing_subscriber::registry().with(lines).init();
    Ok(())
}

/// Lets everything through but the SDK's word that something is not there yet.
struct NotAbsent;

impl<S: Subscriber> Filter<S> for NotAbsent {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        if event.metadata().target() != REQUESTS || *event.metadata().level() != Level::ERROR {
            return true;
        }
        let mut message = Message::default();
        event.record(&mut message);
        !message.is_absence()
    }
}

/// An event's message.
#[derive(Default)]
struct Message(String);

impl Message {
    fn is_absence(&self) -> bool {
        self.0.contains("status_code: 404,")
            && self.0.contains("kind: NotFound,")
            && ABSENT.iter().any(|said| self.0.contains(said))
    }
}

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            // Writing to a string does not fail.
            let _ = write!(self.0, "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What comes through when these are logged.
    fn logged(log: impl FnOnce()) -> String {
        #[derive(Clone, Default)]
        struct Page(Arc<Mutex<Vec<u8>>>);
        impl io::Write for Page {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().unwrap().extend_from_slice(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let page = Page::default();
        let to = page.clone();
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(move || to.clone())
            .without_time()
            .with_ansi(false)
            .with_filter(EnvFilter::new(DEFAULT_LOG).and(NotAbsent));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), log);
        String::from_utf8(page.0.lock().unwrap().clone()).unwrap()
    }

    fn error(status: u16, kind: &str, said: &str) -> String {
        format!(
            "Error while sending request: Api(Server(MatrixError(Error {{ status_code: {status}, body: \
             Standard(StandardErrorBody {{ kind: {kind}, message: {said:?} }}) }})))"
        )
    }

    #[test]
    fn what_is_only_absent_is_left_out_and_nothing_else_is() {
        for said in ["Account data not found", "No backup found", "No room_keys found"] {
            let text = error(404, "NotFound", said);
            assert_eq!(logged(|| tracing::error!(target: REQUESTS, "{text}")), "");
            assert!(logged(|| tracing::error!(target: "opsroom::matrix", "{text}")).contains(said));
        }
        for text in [
            error(404, "NotFound", "Room alias not found"),
            error(404, "Unrecognized", "Account data not found"),
            error(403, "Forbidden", "Account data not found"),
            error(500, "Unknown", "No backup found"),
            error(403, "WrongRoomKeysVersion", "No room_keys found"),
            "Reqwest(reqwest::Error { kind: Connect })".to_owned(),
        ] {
            assert!(logged(|| tracing::error!(target: REQUESTS, "{text}")).contains(&text), "{text}");
        }
        assert_eq!(logged(|| tracing::info!(target: REQUESTS, "Sending request")), "", "the filter's text counts too");
    }
}
