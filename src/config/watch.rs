//! `[watch]` and a service's `watch`: when the bot speaks up by itself.

use std::time::Duration;

use super::section::Section;
use crate::domain::watch::{Policy, WatchSettings};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// How everything is watched.
pub(super) fn read(section: &Section<'_>) -> WatchSettings {
    let default = WatchSettings::default();
    WatchSettings {
        snapshot_every: section.duration("snapshot_every", default.snapshot_every, SECOND..=HOUR),
        unreachable_after: section.duration("unreachable_after", default.unreachable_after, SECOND..=HOUR),
        engine_after: section.duration("engine_after", default.engine_after, SECOND..=HOUR),
        disk: section.number("disk", default.disk, 50..=100),
        remind_after: section.duration("remind_after", default.remind_after, SECOND..=HOUR * 24 * 365),
        services: policy(section, &default.services),
    }
}

/// How services are watched, as far as it is said here.
pub(super) fn policy(section: &Section<'_>, default: &Policy) -> Policy {
    let deaths = section.number("deaths", default.deaths, 2..=100);
    let window = section.duration("window", default.window, SECOND..=HOUR * 24);
    let shortest = Policy::shortest_window(deaths);
    if window < shortest
        && let Some(at) = section.place("window").or(section.place("deaths"))
    {
        let what = format!("`window` is too short for {deaths} deaths: a crashing container starts once a minute");
        section.problems.report(at, what, format!("at least: window = \"{}m\"", shortest.as_secs().div_ceil(60)));
    }
    Policy {
        deaths,
        window,
        quiet: section.duration("quiet", default.quiet, SECOND..=HOUR),
        unhealthy_after: section.duration("unhealthy_after", default.unhealthy_after, Duration::ZERO..=HOUR),
        absent_after: section.duration("absent_after", default.absent_after, SECOND..=HOUR),
        stuck_after: section.duration("stuck_after", default.stuck_after, SECOND..=HOUR),
        optional: default.optional,
    }
}
