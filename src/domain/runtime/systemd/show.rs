//! How units are: `systemctl show`.
//!
//! It prints a block of `Key=value` lines per unit, the blocks apart by an empty
//! line. Times are taken from the monotonic clock, because the others are
//! written in the host's locale and zone, and compared with the uptime that is
//! printed behind the blocks.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    inventory::Service,
    observation::{Death, Health, Observation, State},
    shell,
};

/// What is asked of each unit (org.freedesktop.systemd1(5)).
pub(super) const PROPERTIES: &str = "Id,Names,LoadState,ActiveState,SubState,Result,ExecMainCode,ExecMainStatus,\
                                     NRestarts,Restart,ActiveEnterTimestampMonotonic,StateChangeTimestampMonotonic";

/// Prints the host's clock and how long it is up, in seconds.
pub(super) const CLOCK: &str = "echo \"Now=$(date +%s)|Up=$(cut -d ' ' -f 1 /proc/uptime)\"";

/// `systemctl show` of some units.
pub(super) fn show(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| shell::quote(name)).collect();
    format!("systemctl show --no-pager -p {PROPERTIES} -- {}; echo; {CLOCK}", names.join(" "))
}

/// Reads how a unit is from what [`show`] printed about all of them.
pub(super) fn observe(printed: &[&str], service: &Service, at: Timestamp) -> Observation {
    let clock = printed.iter().rfind(|line| line.starts_with("Now=")).copied().unwrap_or_default();
    let blocks = printed.split(|line| line.trim().is_empty());
    let observed = blocks.filter_map(|block| read(block.iter().copied().chain(clock.split('|')), service, at)).next();
    observed.unwrap_or_else(|| {
        let complaint = printed.iter().map(|line| line.trim()).find(|line| !line.is_empty() && !line.contains('='));
        let why = complaint.unwrap_or("systemctl show printed nothing about it").to_owned();
        observation(service, at, State::Unknown(why))
    })
}

/// Reads the properties of one unit, if they are this service's: also what a
/// change told before and after.
pub(super) fn read<'a>(
    properties: impl Iterator<Item = &'a str>,
    service: &Service,
    at: Timestamp,
) -> Option<Observation> {
    let properties: BTreeMap<&str, &str> = properties.filter_map(|line| line.trim().split_once('=')).collect();
    let get = |key: &str| properties.get(key).copied().unwrap_or_default();
    let name = service.workload.name();
    // An alias is shown under the name of what it stands for.
    if get("Id") != name && !get("Names").split(' ').any(|alias| alias == name) {
        return None;
    }
    let death = death(get("ExecMainCode"), get("ExecMainStatus"), get("Result"));
    let (state, health) = match (get("LoadState"), get("ActiveState"), get("SubState")) {
        ("not-found", _, _) => (State::NotDeployed, Health::None),
        (_, "active" | "reloading" | "deactivating" | "refreshing", _) => (State::Running, Health::None),
        (_, "activating", "auto-restart") => (State::Restarting { last: death }, Health::None),
        (_, "activating", _) => (State::Running, Health::Starting),
        (_, "inactive" | "failed", _) => (State::Exited(death), Health::None),
        (_, other, _) => (State::Unknown(format!("systemd calls its state {other:?}")), Health::None),
    };
    let since = if state == State::Running && health == Health::None {
        get("ActiveEnterTimestampMonotonic")
    } else {
        get("StateChangeTimestampMonotonic")
    };
    Some(Observation {
        health,
        restarts: get("NRestarts").parse().unwrap_or(0),
        since: moment(since, get("Now"), get("Up")),
        // A unit is the same one whenever it is started.
        id: (state != State::NotDeployed).then(|| name.to_owned()),
        kept_up: get("Restart") == "always",
        ..observation(service, at, state)
    })
}

fn observation(service: &Service, at: Timestamp, state: State) -> Observation {
    let (health, name) = (Health::None, service.name.clone());
    Observation { service: name, at, state, health, restarts: 0, since: None, id: None, kept_up: false }
}

/// How its main process ended. `ExecMainCode` is waitid(2)'s: 1 exited, 2
/// killed, 3 dumped core.
fn death(code: &str, status: &str, result: &str) -> Death {
    let status = status.parse().unwrap_or(255);
    let code = match code {
        "2" | "3" => 128 + status,
        _exited => status,
    };
    Death { code, oom: result == "oom-kill" }
}

/// A monotonic time in microseconds, as the host's clock has it.
fn moment(monotonic: &str, now: &str, up: &str) -> Option<Timestamp> {
    let at: i64 = monotonic.parse().ok().filter(|at| *at > 0)?;
    let (now, up): (i64, f64) = (now.parse().ok()?, up.parse().ok()?);
    let ago = SignedDuration::try_from_secs_f64(up).ok()?.checked_sub(SignedDuration::from_micros(at))?;
    Timestamp::from_second(now).ok()?.checked_sub(ago).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        inventory::UpdatePolicy,
        names::{Branch, HostName, ServiceName, UnitName},
        runtime::Workload,
        watch::Policy,
    };

    fn service(unit: &str) -> Service {
        Service {
            name: ServiceName::parse("app").unwrap(),
            host: HostName::parse("spark").unwrap(),
            workload: Workload::Systemd(UnitName::parse(unit).unwrap()),
            dir: None,
            branch: Branch::parse("main").unwrap(),
            run_as: None,
            tags: vec![],
            update: UpdatePolicy::default(),
            stop_timeout: None,
            watch: Policy::default(),
        }
    }

    /// Recorded from systemd 252, shortened.
    const PRINTED: &str = "Id=app.service\nNames=app.service\nLoadState=loaded\nActiveState=active\nSubState=running\n\
        Result=success\nExecMainCode=0\nExecMainStatus=0\nNRestarts=2\nRestart=always\n\
        ActiveEnterTimestampMonotonic=90000000\nStateChangeTimestampMonotonic=90000000\n\n\
        Id=loop.service\nNames=loop.service\nLoadState=loaded\nActiveState=activating\nSubState=auto-restart\n\
        Result=exit-code\nExecMainCode=1\nExecMainStatus=3\nNRestarts=7\nRestart=on-failure\n\
        ActiveEnterTimestampMonotonic=0\nStateChangeTimestampMonotonic=99000000\n\n\
        Id=fat.service\nNames=fat.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\n\
        Result=oom-kill\nExecMainCode=2\nExecMainStatus=9\nNRestarts=0\nRestart=no\n\
        ActiveEnterTimestampMonotonic=5\nStateChangeTimestampMonotonic=98000000\n\n\
        Id=gone.service\nNames=gone.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n\n\
        Now=1800000000|Up=100.00\n";

    #[test]
    fn each_unit_is_read_from_its_own_block() {
        let at = Timestamp::from_second(1_800_000_001).unwrap();
        let lines: Vec<&str> = PRINTED.lines().collect();
        let seen = |unit: &str| observe(&lines, &service(unit), at);
        let app = seen("app.service");
        assert_eq!((app.state, app.restarts, app.kept_up), (State::Running, 2, true));
        assert_eq!(app.since, Timestamp::from_second(1_799_999_990).ok(), "90 s after a boot 100 s ago");
        assert_eq!(seen("loop.service").state, State::Restarting { last: Death { code: 3, oom: false } });
        assert_eq!(seen("fat.service").state, State::Exited(Death { code: 137, oom: true }));
        assert_eq!(seen("gone.service").state, State::NotDeployed);
        assert!(matches!(seen("other.service").state, State::Unknown(_)));
    }

    #[test]
    fn what_does_not_answer_is_not_known_with_what_it_said() {
        let said = "System has not been booted with systemd as init system (PID 1). Can't operate.";
        let seen =
            observe(&[said, "Failed to connect to bus: Host is down"], &service("app.service"), Timestamp::UNIX_EPOCH);
        assert_eq!(seen.state, State::Unknown(said.to_owned()));
    }
}
