//! The systemd unit, as systemd reads it; and that it, the compose file and the binary agree.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
    time::Duration,
};

use opsroom::{
    cli::Ending,
    health::FRESH,
    lifecycle::{GRACE, LAST_CALL},
};
use opsroom_lab::process::command;

use crate::OPSROOM;

/// What `systemd-analyze security` gives at most, in tenths: 0 is a service that can do nothing.
const EXPOSURE: &str = "12";

fn shipped(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docker").join(name)).unwrap()
}

/// The unit, changed, as a file that names a binary which is there.
fn unit(dir: &Path, change: impl FnOnce(String) -> String) -> PathBuf {
    let file = dir.join("opsroom.service");
    let text = shipped("opsroom.service").replace("/usr/local/bin/opsroom", OPSROOM);
    assert!(text.contains(OPSROOM), "the unit starts the installed binary");
    fs::write(&file, change(text)).unwrap();
    file
}

fn analyze(arguments: &[&str], unit: &Path) -> (bool, String) {
    let Output { status, stdout, stderr } =
        command("systemd-analyze").args(arguments).arg(unit).output().expect("Debian's package systemd");
    (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

#[test]
fn systemd_understands_every_line() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(analyze(&["verify"], &unit(dir.path(), |text| text)), (true, String::new()));
    let (_, said) = analyze(&["verify"], &unit(dir.path(), |text| text.replace("RestartSec", "RestartSeconds")));
    assert!(said.contains("RestartSeconds"), "{said}");
}

#[test]
fn it_can_do_little() {
    let dir = tempfile::tempdir().unwrap();
    let security = ["security", "--offline=yes", "--threshold", EXPOSURE];
    let (shut_in, said) = analyze(&security, &unit(dir.path(), |text| text));
    assert!(shut_in, "{said}");
    for line in ["CapabilityBoundingSet=\n", "PrivateUsers=yes\n", "SystemCallFilter=~@privileged @resources\n"] {
        let (shut_in, said) = analyze(&security, &unit(dir.path(), |text| text.replace(line, "")));
        assert!(!shut_in, "without {line}: {said}");
    }
}

/// What a file says after `key`.
#[track_caller]
fn said<'a>(text: &'a str, key: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.trim().strip_prefix(key));
    line.unwrap_or_else(|| panic!("no {key}")).trim()
}

#[test]
fn supervisors_wait_as_long_as_the_bot_takes_and_give_up_on_what_waiting_does_not_mend() {
    let (service, compose) = (shipped("opsroom.service"), shipped("compose.yaml"));
    for wait in [said(&service, "TimeoutStopSec="), said(&compose, "stop_grace_period:")] {
        let wait = Duration::from_secs(wait.strip_suffix('s').unwrap().parse().unwrap());
        assert!(wait >= GRACE + LAST_CALL + Duration::from_secs(5), "{wait:?}");
    }
    let statuses = format!("{} {}", Ending::Usage as u8, Ending::ConfigInvalid as u8);
    assert_eq!(said(&service, "RestartPreventExitStatus="), statuses);
    let check = format!("[CMD, /usr/bin/opsroom, healthcheck, --max-age, {}]", in_seconds(FRESH));
    assert_eq!(said(&compose, "test:"), check, "the default");
}

fn in_seconds(time: Duration) -> String {
    format!("{}s", time.as_secs())
}

#[test]
fn both_give_it_as_much() {
    let (service, compose) = (shipped("opsroom.service"), shipped("compose.yaml"));
    assert_eq!(said(&service, "MemoryMax=").to_lowercase(), said(&compose, "mem_limit:"));
    assert_eq!(said(&service, "TasksMax="), said(&compose, "pids_limit:"));
}
