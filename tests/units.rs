//! The script of a unit's change on real shells, with a systemd that only
//! remembers what it was told. What the real one says was recorded from 252.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, io::Read as _, path::PathBuf, process::Stdio, time::Duration};

use opsroom::domain::{
    change::{Change, Wanted},
    doctor::{self, Heard, Mark, script},
    impact::VerifyFailure,
    inventory::{Service, UpdatePolicy},
    job::{Job, JobId},
    names::{Branch, HostName, ServiceName, UnitName, UserId},
    observation::{Death, State},
    origin::Actor,
    output::{CommandOutput, Exit, LogError},
    preflight::Refusal,
    progress::{Phase, Progress, Reader},
    reply,
    rights::Rights,
    runtime::{Workload, systemd::Unit},
    watch::Policy,
};
use opsroom_lab::{Home, wait::PATIENCE};

/// Shows the file `now`; a change puts `next` in its place, and each look after
/// that the next of `next.1`, `next.2`… that is there.
const SYSTEMCTL: &str = r#"#!/bin/sh
while :; do case $1 in --no-*) shift ;; *) break ;; esac; done
echo "$*" >>"$HOME/calls"
case $1 in
--version) echo 'systemd 252 (252.39-1~deb12u2)' ;;
show)
    case "$*" in *'-p Id --value'*) sed -n 's/^Id=//p' "$HOME/now"; exit ;; *'-p LoadState --value'*) sed -n 's/^LoadState=//p' "$HOME/now"; exit ;; esac
    cat "$HOME/now"
    [ ! -e "$HOME/changed" ] || { n=$(($(cat "$HOME/changed") + 1)); echo $n >"$HOME/changed"; }
    [ ! -e "$HOME/next.${n-}" ] || mv "$HOME/next.$n" "$HOME/now"
    ;;
*)
    [ ! -e "$HOME/on-change" ] || . "$HOME/on-change"
    [ ! -e "$HOME/complaint" ] || { cat "$HOME/complaint" >&2; exit 1; }
    [ ! -e "$HOME/next" ] || mv "$HOME/next" "$HOME/now"
    echo 0 >"$HOME/changed"
    ;;
esac
"#;

const JOURNALCTL: &str = r#"#!/bin/sh
echo "journalctl $*" >>"$HOME/calls"
case "$*" in
*--quiet*) cat "$HOME/journal" 2>/dev/null ;;
*) [ -e "$HOME/journal" ] || printf '%s\n' 'Hint: You are currently not seeing messages from other users and the system.' >&2 ;;
esac
exit 0
"#;

const RUNS: &str = "Type=simple\nRestart=always\nResult=success\nNRestarts=0\nExecMainStartTimestampMonotonic=5866140282\n\
    ExecMainExitTimestampMonotonic=0\nExecMainCode=0\nExecMainStatus=0\nId=app.service\nNames=app.service web.service\n\
    LoadState=loaded\nActiveState=active\nSubState=running\nStateChangeTimestamp=Thu 2026-11-26 20:22:39 UTC\n\
    ActiveEnterTimestamp=Thu 2026-11-26 20:22:39 UTC\nActiveEnterTimestampMonotonic=5866140647\n\
    ActiveExitTimestampMonotonic=0\nConditionResult=yes\nConditionTimestampMonotonic=5866139000\n";

/// The same with some properties set.
fn with(properties: &[(&str, &str)]) -> String {
    let set = |line: &str| {
        let (key, _) = line.split_once('=').unwrap();
        let other = properties.iter().find(|(name, _)| *name == key);
        other.map_or_else(|| line.to_owned(), |(key, value)| format!("{key}={value}"))
    };
    RUNS.lines().map(|line| set(line) + "\n").collect()
}

struct Host {
    home: Home,
    service: Service,
    jobs: u64,
}

impl Host {
    fn each() -> Vec<Self> {
        Home::each("").into_iter().map(Self::at).collect()
    }

    fn at(home: Home) -> Self {
        // Tests run beside each other, and one unit has one lock on a machine.
        let unit = format!("app-{}.service", home.path().file_name().unwrap().to_str().unwrap().replace('.', "x"));
        let service = Service {
            name: ServiceName::parse("app").unwrap(),
            host: HostName::parse("spark").unwrap(),
            workload: Workload::Systemd(Unit::of_system(UnitName::parse(&unit).unwrap())),
            dir: None,
            branch: Branch::parse("main").unwrap(),
            run_as: None,
            tags: vec![],
            update: UpdatePolicy { verify: Duration::ZERO, ..UpdatePolicy::default() },
            stop_timeout: None,
            rights: Rights::Change,
            watch: Policy::default(),
        };
        let host = Self { home, service, jobs: 0 };
        host.put("now", RUNS);
        for (name, script) in [("systemctl", SYSTEMCTL), ("journalctl", JOURNALCTL)] {
            host.home.tool(name, script);
        }
        host
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// What systemd says, of this host's own unit.
    fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text.replace("app.service", self.service.workload.name())).unwrap();
    }

    fn sh(&self, script: &str) -> String {
        let out = self.home.command(script).output().unwrap();
        assert!(out.status.success(), "{script}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.path("calls")).unwrap_or_default()
    }

    fn job(&mut self, change: Change) -> Job {
        self.jobs += 1;
        let owner = Actor::Person(UserId::parse("@alice:example.org").unwrap());
        Job {
            id: JobId::new("test", self.jobs),
            nonce: "n0nce".into(),
            run_as: None,
            body: self.service.workload.runtime().change(&Wanted::plain(change), &self.service, None, &owner).unwrap(),
            limit: Duration::from_secs(600),
        }
    }

    fn start(&self, job: &Job) -> Progress {
        let mut command = self.home.command(&job.start());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (mut reader, mut chunk) = (Reader::new(&job.nonce), [0; 4096]);
        let mut out = child.stdout.take().unwrap();
        while reader.progress.ended.is_none() {
            match out.read(&mut chunk).unwrap() {
                0 => break,
                n => _ = reader.feed(&chunk[..n]),
            }
        }
        drop(child.stdin.take());
        child.wait().unwrap();
        reader.progress
    }

    fn change(&mut self, change: Change) -> Progress {
        let job = self.job(change);
        self.start(&job)
    }

    fn after(&self, told: &Progress) -> Option<State> {
        let line = told.after.as_deref()?;
        let runtime = self.service.workload.runtime();
        Some(runtime.seen(line, &self.service, jiff::Timestamp::UNIX_EPOCH)?.state)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let unit = self.service.workload.name();
        let _ = self.home.command(&format!("rmdir /run/lock/opsroom-unit:{unit} /tmp/opsroom-unit:{unit}")).output();
    }
}

#[test]
fn a_restart_that_holds_tells_how_long_it_was_down() {
    for mut host in Host::each() {
        let up = [("ActiveExitTimestampMonotonic", "5871000000"), ("ActiveEnterTimestampMonotonic", "5871234567")];
        host.put("next", &with(&up));
        let told = host.change(Change::Restart);
        assert_eq!((told.ended, told.verify_failure.clone()), (Some(0), None), "{told:?}");
        assert_eq!(told.down, Some(Duration::from_millis(234)));
        assert_eq!(told.phases.iter().map(|(phase, _)| *phase).collect::<Vec<_>>(), [Phase::Switch, Phase::Verify]);
        assert_eq!(host.after(&told), Some(State::Running));
        assert!(host.calls().contains(&format!("\nrestart {}\n", host.service.workload.name())), "{}", host.calls());
        assert_eq!(host.sh("ls -A .local/state/opsroom/locks"), "", "the lock is let go");
    }
}

#[test]
fn a_unit_that_dies_after_its_start_fails_verification() {
    let failed = [("ActiveState", "failed"), ("SubState", "failed"), ("Result", "exit-code")];
    let exit_3 = [("ExecMainCode", "1"), ("ExecMainStatus", "3")];
    let between = [("ActiveState", "activating"), ("SubState", "auto-restart"), ("Result", "signal")];
    let killed = [("ExecMainCode", "2"), ("ExecMainStatus", "9")];
    let oom = [("ActiveState", "failed"), ("SubState", "failed"), ("Result", "oom-kill")];
    let dead = |code, oom| Some(Death { oom, ..Death::exit(code) });
    let cases = [
        ([&failed[..], &exit_3].concat(), dead(3, false)),
        ([&between[..], &killed].concat(), dead(137, false)),
        ([&oom[..], &killed].concat(), dead(137, true)),
        // One that systemd starts again at once is up in each look.
        (vec![("NRestarts", "1")], None),
    ];
    for (properties, death) in cases {
        for mut host in Host::each() {
            host.service.update.verify = Duration::from_secs(60);
            host.put("next", RUNS);
            host.put("next.1", &with(&properties));
            host.put("journal", "boom\n");
            let told = host.change(Change::Restart);
            assert_eq!((told.ended, told.verify_failure.clone()), (Some(1), Some(VerifyFailure::Died)), "{told:?}");
            assert_eq!(told.death, death, "{properties:?}");
            assert!(told.tail.iter().any(|line| line == "boom"), "{:?}", told.tail);
        }
    }
}

#[test]
fn a_unit_that_is_not_up_and_has_not_died_either() {
    let gone = [("ActiveState", "inactive"), ("SubState", "dead")];
    let unmet = [("ConditionResult", "no")];
    // Nothing holds it, so its end is forgotten, and that its condition was met.
    let forgotten = [("ConditionResult", "no"), ("ConditionTimestampMonotonic", "0")];
    let oneshot = [("Type", "oneshot")];
    let ended = [("ExecMainCode", "1")];
    let cases = [
        ([&gone[..], &unmet].concat(), Some(VerifyFailure::NotRunning)),
        ([&gone[..], &unmet, &oneshot].concat(), Some(VerifyFailure::NotRunning)),
        ([&gone[..], &forgotten].concat(), Some(VerifyFailure::NotRunning)),
        ([&gone[..], &ended].concat(), Some(VerifyFailure::Died)),
        ([&gone[..], &ended, &oneshot].concat(), None),
        ([&gone[..], &forgotten, &oneshot].concat(), None),
    ];
    for (properties, failure) in cases {
        for mut host in Host::each() {
            host.put("next", &with(&properties));
            let told = host.change(Change::Start);
            let code = if failure.is_some() { 1 } else { 0 };
            assert_eq!(
                (told.ended, told.verify_failure.clone()),
                (Some(code), failure.clone()),
                "{properties:?} {told:?}"
            );
        }
    }
}

#[test]
fn what_systemd_refuses_is_told_in_its_words() {
    for said in [
        "Failed to restart app.service: Unit app.service is masked.",
        "Failed to restart app.service: Operation refused, unit may be requested by dependency only.",
    ] {
        for mut host in Host::each() {
            host.put("complaint", said);
            let told = host.change(Change::Restart);
            assert_eq!((told.ended, told.verify_failure.clone()), (Some(1), None), "{told:?}");
            let said = said.replace("app.service", host.service.workload.name());
            assert_eq!(told.failed(), (Some(Phase::Switch), vec![said]));
            assert_eq!(host.after(&told), Some(State::Running));
        }
    }
}

#[test]
fn a_unit_that_does_not_exist_is_not_touched() {
    for mut host in Host::each() {
        let missing = [("LoadState", "not-found"), ("ActiveState", "inactive"), ("SubState", "dead")];
        host.put("now", &with(&missing));
        let told = host.change(Change::Restart);
        assert_ne!(told.ended, Some(0));
        assert_eq!(host.after(&told), Some(State::NotDeployed));
        let runtime = host.service.workload.runtime();
        assert!(runtime.is_missing(told.after.as_deref().unwrap(), &host.service));
        assert!(!host.calls().contains("restart"), "{}", host.calls());
    }
}

#[test]
fn a_stop_verifies_nothing() {
    for mut host in Host::each() {
        let stopped =
            [("ActiveState", "inactive"), ("SubState", "dead"), ("ExecMainCode", "2"), ("ExecMainStatus", "15")];
        host.put("next", &with(&stopped));
        let told = host.change(Change::Stop);
        assert_eq!(told.ended, Some(0), "{told:?}");
        assert_eq!(told.phases.iter().map(|(phase, _)| *phase).collect::<Vec<_>>(), [Phase::Switch]);
        assert_eq!(host.after(&told), Some(State::Exited(Death::exit(143))));
    }
}

#[test]
fn a_unit_is_changed_once_at_a_time_by_whatever_name_and_login() {
    for mut host in Host::each() {
        let gate = host.path("gate");
        host.put(
            "on-change",
            &format!("i=0; while [ ! -e '{}' ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i + 1)); done", gate.display()),
        );
        let first = host.job(Change::Restart);
        let unit = host.service.workload.clone();
        host.service.workload = Workload::Systemd(Unit::of_system(UnitName::parse("web.service").unwrap()));
        let second = host.job(Change::Stop);
        host.service.workload = unit;
        // The same machine, and another home.
        let mut other = Host::at(host.home.beside());
        let own = std::mem::replace(&mut other.service.workload, host.service.workload.clone());
        other.put("now", RUNS);
        let third = other.job(Change::Restart);
        std::thread::scope(|scope| {
            let holder = scope.spawn(|| host.start(&first));
            opsroom_lab::wait_until(PATIENCE, "the first change", || {
                let calls = fs::read_to_string(host.path("calls")).unwrap_or_default();
                calls.contains("\nrestart ").then_some(())
            });
            let told = [host.start(&second), other.start(&third)];
            fs::write(&gate, "").unwrap();
            assert!(matches!(&told[0].refused, Some(Refusal::Locked { job, .. }) if job == "test-1"), "{:?}", told[0]);
            assert_eq!(told[1].refused, Some(Refusal::LockedElsewhere), "{:?}", told[1]);
            assert_eq!(holder.join().unwrap().ended, Some(0));
        });
        assert_eq!(other.change(Change::Restart).ended, Some(0), "it is let go");
        other.service.workload = own;
    }
}

#[test]
fn a_journal_that_may_not_be_read_is_not_empty() {
    for host in Host::each() {
        let log = |host: &Host| {
            let out = host.home.command(&host.service.logs(None, 5)).output().unwrap();
            let exit = Exit::Code(u32::try_from(out.status.code().unwrap()).unwrap());
            let text = String::from_utf8_lossy(&out.stdout).into_owned();
            host.service.read_log(Ok(CommandOutput { exit, text, truncated: false }))
        };
        let told = log(&host);
        assert!(matches!(&told, Err(LogError::Failed { said, .. }) if said.contains("systemd-journal")), "{told:?}");
        host.put("journal", "");
        assert_eq!(log(&host).unwrap().text.trim(), "");
        host.put("journal", "boom\n");
        assert_eq!(log(&host).unwrap().text, "boom\n");
        // The journal knows no other name than the unit's own.
        assert!(host.calls().contains(&format!("-u {}\n", host.service.workload.name())), "{}", host.calls());
        host.put("now", &with(&[("LoadState", "not-found")]));
        assert!(matches!(log(&host), Err(LogError::NotDeployed)));
    }
}

#[test]
fn the_doctor_finds_what_a_login_may_not_do_with_units() {
    // The other shell has an id(1) of its own, and this test may run as root.
    for host in Host::each().into_iter().take(1) {
        let troubles = || {
            let services = std::slice::from_ref(&host.service);
            let out = host.home.command(&script::command(services)).output().unwrap();
            let text = |bytes| String::from_utf8(bytes).unwrap();
            let heard = Heard::Answers { stdout: text(out.stdout), stderr: text(out.stderr), broken: None };
            let found = doctor::read(&host.service.host, services, &heard);
            let sick = found.iter().filter(|finding| finding.mark() != Mark::Fine);
            sick.map(reply::doctor::plain).collect::<Vec<_>>()
        };
        host.home.tool("id", "#!/bin/sh\ncase $1 in -u) echo 1000 ;; *) echo ops ;; esac");
        host.home.tool("pkcheck", "#!/bin/sh\nexit 2");
        host.home.tool("sudo", "#!/bin/sh\nexit 1");
        let told = troubles();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("systemd-journal"), "{told:?}");
        // With the path of this test's own, which is on its PATH.
        let unit = host.service.workload.name();
        let rule = format!("bin/systemctl restart {unit}, {}/systemctl start {unit}, ", host.path("bin").display());
        assert!(told[1].contains("ops ALL=(root) NOPASSWD: /") && told[1].contains(&rule), "{told:?}");
        host.put("journal", "");
        for way in ["pkcheck", "sudo"] {
            host.home.tool(way, "#!/bin/sh\nexit 0");
            assert_eq!(troubles(), [""; 0]);
            host.home.tool(way, "#!/bin/sh\nexit 1");
        }
        fs::remove_file(host.path("bin/pkcheck")).unwrap();
        host.home.tool("id", "#!/bin/sh\ncase $1 in -u) echo 0 ;; *) echo root ;; esac");
        assert_eq!(troubles(), [""; 0]);
    }
}
