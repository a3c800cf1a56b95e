//! How units are: `systemctl show`.
//!
//! It prints a block of `Key=value` lines per unit, the blocks apart by an empty
//! line. What a unit of that kind does not have is left out, or empty. Times are
//! written in the zone of the caller, so that is set to UTC: reading them needs
//! no option of newer versions (`--timestamp` came with 248), and they stay the
//! same from snapshot to snapshot, as a time worked out from the uptime does not.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::{
    inventory::Service,
    observation::{Observation, State},
    rights::Rights,
    runtime::Workload,
    shell,
};

use super::{
    properties::Properties,
    unit::{Manager, Unit},
};

/// What is asked of each unit (org.freedesktop.systemd1(5)).
pub(super) const PROPERTIES: &str = "Id,Names,Unit,NextElapseUSecRealtime,LoadState,ActiveState,SubState,Type,Result,ConditionResult,ConditionTimestampMonotonic,\
                                     ExecMainCode,ExecMainStatus,NRestarts,Restart,\
                                     ActiveEnterTimestamp,InactiveEnterTimestamp,StateChangeTimestamp,\
                                     ActiveEnterTimestampMonotonic,ActiveExitTimestampMonotonic,\
                                     ExecMainStartTimestampMonotonic,ExecMainExitTimestampMonotonic";

/// Printed before what the login's own manager says.
const USER: &str = "::opsroom-user";

/// Where systemctl finds the login's own manager, also without a session.
pub(super) const FIND_USER: &str = "export XDG_RUNTIME_DIR=\"${XDG_RUNTIME_DIR:-/run/user/$(id -u)}\"";

/// Printed before the name of an optional unit whose program is not there.
const NO_PROGRAM: &str = "::opsroom-no-program ";

/// Says of which of these units the program is not there. Where the login may not
/// look, nothing is said.
const PROGRAMS: &str = r#"
no_program() { # option, units
    o=$1
    shift
    for u; do
        p=$(systemctl $o show -p ExecStart --value -- "$u" 2>/dev/null | sed -n 's/^{ path=\([^ ;]*\) .*/\1/p' | head -n 1)
        case $p in /*) [ -e "$p" ] || [ ! -x "${p%/*}" ] || echo "::opsroom-no-program $u" ;; esac
    done
}
"#;

/// `systemctl show` of some units, and of what those start that are timers.
pub(super) fn show(services: &[&Service]) -> String {
    let of = |manager: Manager| {
        let units = services.iter().filter_map(|service| unit(service)).filter(move |unit| unit.manager == manager);
        let (timers, names): (Vec<&Unit>, Vec<&Unit>) = units.partition(|unit| unit.timer().is_some());
        let words =
            |units: &[&Unit]| units.iter().map(|unit| shell::quote(unit.name.as_str())).collect::<Vec<_>>().join(" ");
        (!timers.is_empty() || !names.is_empty()).then(|| (words(&timers), words(&names)))
    };
    let optional = |manager: Manager| {
        let units = services.iter().filter(|service| needs_program(service)).filter_map(|service| unit(service));
        let words: Vec<String> =
            units.filter(|unit| unit.manager == manager).map(|unit| shell::quote(unit.name.as_str())).collect();
        let option = if manager == Manager::User { "--user" } else { "''" };
        if words.is_empty() { String::new() } else { format!("; no_program {option} {}", words.join(" ")) }
    };
    let look = |(timers, names): (String, String), option: &str| {
        let show = format!("systemctl {option}show --no-pager -p");
        let started = format!("$(set -f; {show} Unit --value -- {timers} 2>/dev/null)");
        let (started, timers) = if timers.is_empty() { Default::default() } else { (started, timers) };
        format!("{show} {PROPERTIES} -- {names} {timers} {started}")
    };
    let mut script = vec!["export LC_ALL=C TZ=UTC0".to_owned()];
    if services.iter().any(|service| needs_program(service)) {
        script.push(shell::terse(PROGRAMS));
    }
    script.extend(of(Manager::System).map(|units| look(units, "") + optional(Manager::System).as_str()));
    script.extend(
        of(Manager::User)
            .map(|units| format!("echo {USER}; {FIND_USER}; {}{}", look(units, "--user "), optional(Manager::User))),
    );
    script.join("\n")
}

/// Whether a unit without its program is as good as none. What was found runs, or did.
fn needs_program(service: &Service) -> bool {
    service.watch.optional && service.rights == Rights::Change
}

/// The unit that a service is.
pub(super) fn unit(service: &Service) -> Option<&Unit> {
    let Workload::Systemd(unit) = &service.workload else { return None };
    Some(unit)
}

/// Reads how units are from what [`show`] printed about all of them.
pub(super) fn observe(printed: &[&str], services: &[&Service], at: Timestamp) -> Vec<Observation> {
    let mut parts = printed.splitn(2, |line| *line == USER);
    let mut shown = || Shown::of(parts.next().unwrap_or_default());
    let (system, user) = (shown(), shown());
    let by_manager = |service: &&Service| {
        let of_user = unit(service).is_some_and(|unit| unit.manager == Manager::User);
        if of_user { user.observation(service, at) } else { system.observation(service, at) }
    };
    services.iter().map(by_manager).collect()
}

/// What was printed about the units of one manager.
struct Shown<'a> {
    printed: &'a [&'a str],
    blocks: Vec<Properties<'a>>,
    /// Which block is the first about a name.
    places: BTreeMap<&'a str, usize>,
    without_program: BTreeSet<&'a str>,
}

impl<'a> Shown<'a> {
    fn of(printed: &'a [&'a str]) -> Self {
        let blocks = printed.split(|line| line.trim().is_empty()).map(|block| Properties::of(block.iter().copied()));
        let blocks: Vec<Properties<'a>> = blocks.collect();
        let mut places = BTreeMap::new();
        for (place, block) in blocks.iter().enumerate() {
            for name in block.names() {
                places.entry(name).or_insert(place);
            }
        }
        let without_program = printed.iter().filter_map(|line| line.strip_prefix(NO_PROGRAM)).collect();
        Self { printed, blocks, places, without_program }
    }

    /// The block about a unit of that name, or alias.
    fn block(&self, name: &str) -> Option<&Properties<'a>> {
        self.places.get(name).map(|place| &self.blocks[*place])
    }

    fn observation(&self, service: &Service, at: Timestamp) -> Observation {
        let name = service.workload.name();
        // A unit that came with nothing to run is as good as none: a machine may be older.
        if self.without_program.contains(name) {
            return Observation::bare(service.name.clone(), at, State::NotDeployed);
        }
        let Some(own) = self.block(name) else {
            let complaint = self
                .printed
                .iter()
                .map(|line| line.trim())
                .find(|line| !line.is_empty() && !line.contains('=') && !line.starts_with(NO_PROGRAM));
            let why = complaint.unwrap_or("systemctl show printed nothing about it").to_owned();
            return Observation::bare(service.name.clone(), at, State::Unknown(why));
        };
        let seen = own.observation(service, at);
        let starts = own.get("Unit");
        let started = self.blocks.iter().find(|block| !starts.is_empty() && block.get("Id") == starts);
        match started {
            Some(started) if seen.state == State::Running => own.timed(started, service, at),
            Some(_) | None => seen,
        }
    }
}

/// Reads the properties of one unit, if they are this service's: also what a
/// change told before and after.
pub(super) fn read<'a>(
    properties: impl Iterator<Item = &'a str>,
    service: &Service,
    at: Timestamp,
) -> Option<Observation> {
    let properties = Properties::of(properties);
    properties.is_of(service).then(|| properties.observation(service, at))
}

#[cfg(test)]
mod tests {
    use super::{super::properties::moment, *};
    use crate::domain::{
        names::{HostName, ServiceName, UnitName},
        observation::{Death, Health, Reason},
    };

    fn service(unit: &str) -> Service {
        Service::new(
            ServiceName::parse("app").unwrap(),
            HostName::parse("spark").unwrap(),
            Workload::Systemd(Unit::of_system(UnitName::parse(unit).unwrap())),
        )
    }

    /// What [`show`] printed on real ones, of units that were made for it.
    const RECORDED: [(&str, &str); 3] = [
        ("247", include_str!("recorded/247.txt")),
        ("252", include_str!("recorded/252.txt")),
        ("257", include_str!("recorded/257.txt")),
    ];

    fn seen(printed: &str, unit: &str) -> Observation {
        let lines: Vec<&str> = printed.lines().collect();
        observe(&lines, &[&service(unit)], Timestamp::UNIX_EPOCH).remove(0)
    }

    #[test]
    fn states_are_those_that_systemctl_status_tells() {
        let exited = |code| State::Exited(Death::exit(code));
        let because = |code, reason| State::Exited(Death { reason: Some(reason), ..Death::exit(code) });
        let expected = [
            ("app.service", State::Running, None),
            // Its alias.
            ("web.service", State::Running, None),
            ("app@1.service", State::Running, None),
            ("tick.timer", State::Running, None),
            // A oneshot that remains.
            ("stay.service", State::Running, None),
            // In ExecStartPre=.
            ("slow.service", State::Running, None),
            ("loop.service", State::Restarting { last: Death::exit(3) }, None),
            // A loop that systemd has given up: it is kept up, and nobody stopped it.
            ("limit.service", exited(4), Some(false)),
            ("three.service", exited(3), Some(false)),
            ("noexec.service", exited(203), Some(false)),
            // Its ExecStartPre= failed: no main process has ended.
            ("pre.service", because(255, Reason::Beside), Some(false)),
            // By itself, and from outside.
            ("kill.service", exited(137), Some(false)),
            ("outside.service", exited(137), Some(false)),
            ("segv.service", exited(139), Some(false)),
            // By systemd: no start in time, no sign of life, RuntimeMaxSec=.
            ("notify.service", because(143, Reason::Timeout), Some(false)),
            ("wdog.service", because(134, Reason::Watchdog), Some(false)),
            ("max.service", because(143, Reason::Timeout), Some(false)),
            // Stopped: as it should, with a status of its own, while it waited for
            // its next start, and killed because it did not listen.
            ("hand.service", exited(143), Some(true)),
            ("hand1.service", exited(1), Some(true)),
            ("handloop.service", exited(3), Some(true)),
            ("deaf.service", because(137, Reason::Timeout), None),
            ("zero.service", exited(0), None),
            ("never.service", exited(0), None),
            ("masked.service", exited(0), Some(true)),
            ("bad.service", because(255, Reason::BadFile), None),
            ("gone.service", State::NotDeployed, None),
        ];
        for (version, printed) in RECORDED {
            for (unit, state, asked) in &expected {
                let seen = seen(printed, unit);
                assert_eq!((&seen.state, seen.asked), (state, *asked), "{unit} of {version}");
            }
            assert!(matches!(seen(printed, "other.service").state, State::Unknown(_)));
            assert_eq!(seen(printed, "slow.service").health, Health::Starting);
            assert_eq!(seen(printed, "limit.service").restarts, 5);
            assert!(seen(printed, "loop.service").restarts > 5);
            assert!(seen(printed, "three.service").since.is_some());
            assert_eq!(seen(printed, "never.service").since, None, "it has not ended");
        }
    }

    #[test]
    fn times_are_the_same_in_each_snapshot() {
        let app = seen(RECORDED[1].1, "app.service");
        assert_eq!(app.since, "2026-11-26T20:33:51Z".parse().ok());
        assert!(app.kept_up);
        assert_eq!(moment("Thu 2026-11-26 20:22:39 UTC"), "2026-11-26T20:22:39Z".parse().ok());
        assert_eq!((moment(""), moment("n/a")), (None, None));
    }

    /// As 252 tells it with cgroups of version 2; org.freedesktop.systemd1(5).
    #[test]
    fn what_the_kernel_killed_for_memory_is_out_of_memory() {
        let printed = RECORDED[1].1.replace("\nResult=signal\n", "\nResult=oom-kill\n");
        let seen = seen(&printed, "kill.service");
        assert_eq!((seen.state, seen.asked), (State::Exited(Death { oom: true, ..Death::exit(137) }), Some(false)));
    }

    /// 254 and later; systemctl(1) of those lists them.
    #[test]
    fn newer_names_for_waiting_are_known() {
        for (state, sub) in [
            ("activating", "auto-restart-queued"),
            ("failed", "failed-before-auto-restart"),
            ("inactive", "dead-before-auto-restart"),
        ] {
            let printed = format!(
                "Id=app.service\nLoadState=loaded\nActiveState={state}\nSubState={sub}\nExecMainCode=1\nExecMainStatus=3"
            );
            let seen = seen(&printed, "app.service");
            assert_eq!(seen.state, State::Restarting { last: Death::exit(3) }, "{sub}");
        }
    }

    #[test]
    fn a_status_that_the_unit_calls_success_is_one() {
        let printed = "Id=app.service\nLoadState=loaded\nActiveState=inactive\nSubState=dead\nResult=success\nExecMainCode=1\nExecMainStatus=3";
        assert_eq!(seen(printed, "app.service").state, State::Exited(Death::exit(0)));
    }

    #[test]
    fn what_does_not_answer_is_not_known_with_what_it_said() {
        let said = "System has not been booted with systemd as init system (PID 1). Can't operate.";
        let seen = seen(&format!("{said}\nFailed to connect to bus: Host is down"), "app.service");
        assert_eq!(seen.state, State::Unknown(said.to_owned()));
    }
}
