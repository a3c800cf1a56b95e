//! Lengths of time as a config writes them: `90s`, `25m`, `1h30m`.

use std::{fmt::Write as _, time::Duration};

/// Reads a length of time; `None` when it is none, or runs backwards.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let signed: jiff::SignedDuration = text.trim().parse().ok()?;
    Duration::try_from(signed).ok()
}

/// Writes a length of time the way it is read.
pub(crate) fn short(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [
        (seconds / 3600, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
        (u64::from(duration.subsec_millis()), "ms"),
    ];
    let mut text = String::new();
    for (amount, unit) in parts.into_iter().filter(|(amount, _)| *amount > 0) {
        let _ = write!(text, "{amount}{unit}");
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_they_are_written() {
        for (text, seconds) in [("90s", 90), ("25m", 1500), ("1h30m", 5400), ("1h 30m", 5400), ("0s", 0)] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["1m30s", "25m", "1h30m", "0s", "250ms", "1m500ms"] {
            assert_eq!(short(parse(text).unwrap()), text);
        }
        for text in ["", "25", "-5m", "5m ago", "soon", "1 fortnight"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
