//! What systemd tells of one unit, and what that means
//! (org.freedesktop.systemd1(5)).

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::{events, unit::SAME};
use crate::domain::{
    inventory::Service,
    observation::{Death, Health, Observation, Reason, State, Task},
};

/// What is told of one unit.
pub(super) struct Properties<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Properties<'a> {
    pub(super) fn of(lines: impl Iterator<Item = &'a str>) -> Self {
        Self(lines.filter_map(|line| line.trim().split_once('=')).collect())
    }

    /// Its own name, and aliases: those are shown under the name of what they stand for.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        [self.get("Id")].into_iter().chain(self.get("Names").split(' ')).filter(|name| !name.is_empty())
    }

    pub(super) fn is_of(&self, service: &Service) -> bool {
        self.names().any(|name| name == service.workload.name())
    }

    /// A timer that waits is as the last run of what it starts.
    pub(super) fn timed(&self, started: &Self, service: &Service, at: Timestamp) -> Observation {
        let seen = started.observation(service, at);
        let task = Some(Task { next: moment(self.get("NextElapseUSecRealtime")) });
        match seen.state {
            State::NotDeployed => seen,
            State::Running | State::Restarting { .. } | State::Exited(_) => Observation { task, ..seen },
            State::Paused | State::Created | State::Removing | State::Unknown(_) => seen,
        }
    }

    /// How it is.
    pub(super) fn observation(&self, service: &Service, at: Timestamp) -> Observation {
        let properties = self;
        let get = |key: &str| properties.get(key);
        let death = properties.death();
        let (state, health) = match (get("LoadState"), get("ActiveState"), get("SubState")) {
            ("not-found", "inactive", _) => (State::NotDeployed, Health::None),
            // "auto-restart"; since 254 also "auto-restart-queued", "failed-before-auto-restart" and the like.
            (_, _, sub) if sub.contains("auto-restart") => (State::Restarting { last: death }, Health::None),
            (_, "active" | "reloading" | "deactivating" | "refreshing", _) => (State::Running, Health::None),
            (_, "activating", _) => (State::Running, Health::Starting),
            (_, "inactive" | "failed", _) => (State::Exited(death), Health::None),
            (_, other, _) => (State::Unknown(format!("systemd calls its state {other:?}")), Health::None),
        };
        let since = match state {
            State::Running if health == Health::None => "ActiveEnterTimestamp",
            // One that has never run is in that state since systemd read its file.
            State::Exited(_) => "InactiveEnterTimestamp",
            State::Running
            | State::Restarting { .. }
            | State::Paused
            | State::Created
            | State::Removing
            | State::NotDeployed
            | State::Unknown(_) => "StateChangeTimestamp",
        };
        Observation {
            health,
            restarts: get("NRestarts").parse().unwrap_or(0),
            since: moment(get(since)),
            id: (state != State::NotDeployed).then(|| SAME.to_owned()),
            kept_up: get("Restart") == "always",
            asked: properties.asked(),
            // One that remains counts as up once it has run.
            task: (get("Type") == "oneshot" && get("ActiveState") != "active").then_some(Task { next: None }),
            ..Observation::bare(service.name.clone(), at, state)
        }
    }

    /// Empty if it is not told.
    pub(super) fn get(&self, key: &str) -> &'a str {
        self.0.get(key).copied().unwrap_or_default()
    }

    /// A time since the boot, in microseconds; 0 for what has not been.
    fn monotonic(&self, key: &str) -> u64 {
        self.get(key).parse().unwrap_or(0)
    }

    /// How its main process ended. `ExecMainCode` is waitid(2)'s: 1 exited, 2
    /// killed, 3 dumped core, 0 none has ended.
    fn death(&self) -> Death {
        let status = self.get("ExecMainStatus").parse().unwrap_or(0);
        let is_success = self.get("ActiveState") == "inactive" && self.get("Result") == "success";
        let code = match self.get("ExecMainCode") {
            "2" | "3" => 128 + status,
            // The unit says which statuses are (SuccessExitStatus=).
            _exited if is_success => 0,
            _exited => status,
        };
        // What is run before or after the main process fails a unit too, and so
        // does a file that cannot be loaded: neither leaves a status.
        let is_broken = self.get("ActiveState") == "failed" || matches!(self.get("LoadState"), "bad-setting" | "error");
        let result = self.get("Result");
        let reason = events::reason(result);
        let (code, reason) = match (code, is_broken) {
            (0, true) if self.get("ActiveState") == "failed" => (NO_STATUS, reason.or(Some(Reason::Beside))),
            (0, true) => (NO_STATUS, reason.or(Some(Reason::BadFile))),
            (code, _) => (code, reason),
        };
        Death { oom: result == "oom-kill", reason, ..Death::exit(code) }
    }

    /// Whether its end was asked for. A stop leaves the active state first and
    /// ends the process then; a process that ends by itself comes first. What
    /// systemd itself ends looks like a stop, and has a result of its own.
    fn asked(&self) -> Option<bool> {
        let (state, result) = (self.get("ActiveState"), self.get("Result"));
        let (left, ended) =
            (self.monotonic("ActiveExitTimestampMonotonic"), self.monotonic("ExecMainExitTimestampMonotonic"));
        let was_up = (self.monotonic("ExecMainStartTimestampMonotonic")..ended).contains(&left);
        match (state, result) {
            (_, _) if self.get("LoadState") == "masked" => Some(true),
            ("failed", "oom-kill" | "watchdog") => Some(false),
            // A start, a run or a stop that took too long: the last ends with SIGKILL.
            ("failed", "timeout") => {
                let is_killed = self.get("ExecMainCode") == "2" && self.get("ExecMainStatus") == "9";
                (!was_up || !is_killed).then_some(false)
            }
            // Tried again since it was stopped.
            ("failed", _) if self.monotonic("ConditionTimestampMonotonic") > left && left > 0 => Some(false),
            ("failed", _) => Some(was_up),
            // Whoever waits for its next start fails no more when it is stopped.
            ("inactive", "exit-code" | "signal" | "core-dump") => Some(true),
            ("inactive", _) => was_up.then_some(true),
            (_, _) => None,
        }
    }
}

/// What stands for a status where there is none.
const NO_STATUS: i64 = 255;

/// "Thu 2026-11-26 20:16:28 UTC". Nothing is told of what has not been: "" or "n/a".
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let (_weekday, rest) = text.split_once(' ')?;
    let time: DateTime = rest.strip_suffix(" UTC")?.parse().ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}
