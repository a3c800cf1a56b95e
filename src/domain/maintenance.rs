//! Maintenance windows: times, week by week, in which troubles of some services
//! notify nobody.

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};

/// One window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Of which services, as a selector.
    pub selector: String,
    /// The days on which it begins.
    pub days: Vec<civil::Weekday>,
    /// When it begins.
    pub from: civil::Time,
    /// When it ends; not later than it begins means on the next day.
    pub to: civil::Time,
    /// Whose clock that is.
    pub zone: TimeZone,
}

impl Window {
    /// Whether it is open.
    pub fn is_open(&self, now: Timestamp) -> bool {
        let local = now.to_zoned(self.zone.clone()).datetime();
        let over_midnight = self.to <= self.from;
        let begins = |day: civil::Date| self.days.contains(&day.weekday());
        let today = local.date();
        let yesterday = today.yesterday().unwrap_or(today);
        let time = local.time();
        if over_midnight {
            (begins(today) && time >= self.from) || (begins(yesterday) && time < self.to)
        } else {
            begins(today) && time >= self.from && time < self.to
        }
    }

    /// The next minute in which it may be open where it is not, or the other
    /// way round: no clock is looked at more often because of a window.
    pub fn next_look(now: Timestamp) -> Timestamp {
        let minute = now.as_second().div_euclid(60) + 1;
        Timestamp::from_second(minute * 60).unwrap_or(now + SignedDuration::from_mins(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(days: &[civil::Weekday], from: &str, to: &str, zone: &str) -> Window {
        Window {
            selector: "all".into(),
            days: days.to_vec(),
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            zone: TimeZone::get(zone).unwrap(),
        }
    }

    #[test]
    fn a_window_is_open_from_its_beginning_to_its_end_by_its_own_clock() {
        let sunday = window(&[civil::Weekday::Sunday], "03:00", "05:00", "Europe/Berlin");
        // 2026-11-22 is a Sunday; Berlin is an hour ahead of UTC then, two in summer.
        for (at, open) in [
            ("2026-11-22T01:59:59Z", false),
            ("2026-11-22T02:00:00Z", true),
            ("2026-11-22T03:59:59Z", true),
            ("2026-11-22T04:00:00Z", false),
            ("2026-11-23T02:30:00Z", false),
            ("2026-07-19T01:30:00Z", true),
        ] {
            assert_eq!(sunday.is_open(at.parse().unwrap()), open, "{at}");
        }
        let night = window(&[civil::Weekday::Saturday], "23:00", "01:00", "UTC");
        for (at, open) in [
            ("2026-11-21T23:30:00Z", true),
            ("2026-11-22T00:59:00Z", true),
            ("2026-11-22T01:00:00Z", false),
            ("2026-11-22T23:30:00Z", false),
            ("2026-11-21T00:30:00Z", false),
        ] {
            assert_eq!(night.is_open(at.parse().unwrap()), open, "{at}");
        }
    }
}
