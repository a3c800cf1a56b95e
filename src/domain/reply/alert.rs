//! Alerts: what must be known, cause first.

use jiff::{SignedDuration, Timestamp};

use super::span;
use crate::domain::{
    crash_watch::Loop,
    inventory::Service,
    message::{block, escape},
    progress::clean,
};

/// Lines of a log that an alert shows.
pub const LOG_LINES: u32 = 8;

/// A service keeps dying.
pub fn crash_loop(service: &Service, found: &Loop, log: Result<&str, &str>, now: Timestamp) -> String {
    let head = format!(
        "🔴 **{} crash loop** on {} — {}, {}× in {}",
        escape(service.name.as_str()),
        escape(service.host.as_str()),
        found.last.explain(),
        found.deaths,
        span::since(found.since, now)
    );
    match log {
        Ok(log) => {
            let lines: Vec<String> = log.lines().map(clean).filter(|l| !l.trim().is_empty()).collect();
            if lines.is_empty() {
                return format!("{head}\nIt printed nothing.");
            }
            let shown = &lines[lines.len().saturating_sub(LOG_LINES as usize)..];
            format!("{head}\n{}", block(&shown.join("\n")))
        }
        Err(why) => format!("{head}\nIts log could not be read: {}", escape(why)),
    }
}

/// It stopped dying.
pub fn recovered(service: &Service, lasted: SignedDuration, steady: SignedDuration) -> String {
    format!(
        "✅ **{} recovered** — running for {}; the trouble lasted {}",
        escape(service.name.as_str()),
        span::rough(steady),
        span::rough(lasted)
    )
}

/// Somebody stopped or removed it while it was in trouble.
pub fn stopped(service: &Service, by: Option<&str>) -> String {
    let by = by.map_or("outside of me".to_owned(), |who| format!("by {}", escape(who)));
    format!("⚪ **{}** was stopped {by}; it is no longer crash-looping", escape(service.name.as_str()))
}
