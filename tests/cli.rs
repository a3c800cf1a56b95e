//! The command line as a person and a supervisor meet it: the real binary, its
//! words and its exit codes.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, SystemTime},
};

use opsroom::health::HealthFile;

/// The binary in a directory of its own, with an empty environment.
fn opsroom(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opsroom"));
    command.env_clear().env("TMPDIR", dir).current_dir(dir);
    command
}

struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

fn end(command: &mut Command) -> Ended {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: status.code().expect("not killed"), stdout: text(stdout), stderr: text(stderr) }
}

/// A directory with the example config and every file it names.
fn example() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let here = format!("{}/", dir.path().display());
    let text = include_str!("../config.example.toml").replace("/etc/opsroom/", &here);
    let text = text.replace("/var/lib/opsroom", &format!("{here}state"));
    write(dir.path(), "config.toml", &text, 0o644);
    write(dir.path(), "matrix-password", "hunter2\n", 0o600);
    write(dir.path(), "id_ed25519", "a private key\n", 0o600);
    write(dir.path(), "known_hosts", "\n", 0o644);
    fs::create_dir(dir.path().join("state")).unwrap();
    dir
}

fn write(dir: &Path, name: &str, text: &str, mode: u32) {
    fs::write(dir.join(name), text).unwrap();
    fs::set_permissions(dir.join(name), fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn version_and_help_need_nothing_and_leave_nothing() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let version = end(opsroom(dir.path()).arg("--version"));
    assert_eq!((version.code, version.stderr.as_str()), (0, ""));
    assert_eq!(version.stdout, format!("opsroom {}\n", env!("CARGO_PKG_VERSION")));
    for args in [&["--help"][..], &["help"], &["run", "--help"], &["healthcheck", "-h"]] {
        let help = end(opsroom(dir.path()).args(args));
        assert_eq!((help.code, help.stderr.as_str()), (0, ""), "{args:?}");
        assert!(help.stdout.contains("Usage: opsroom"), "{args:?}");
        assert!(!help.stdout.contains('\x1b'), "no colours where nobody sees them");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn help_is_short_and_tells_the_exit_codes() {
    let dir = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(end(opsroom(dir.path()).arg("-h")).stdout, @r#"
    A Matrix room that runs your cluster: commands from a phone, carried out over SSH, with no agent on
    the hosts

    Usage: opsroom [OPTIONS] <COMMAND>

    Commands:
      run          Serve the rooms until told to stop
      check        Check a config and report everything that is wrong with it; contacts nobody
      doctor       Look whether everything is set up: the homeserver, the rooms, every host and service
      discover     Print the config lines for what runs on a host and is not in the config; changes
                   nothing
      login        Log the bot's account in, once, before the first run
      console      Try the commands in this terminal, without Matrix
      audit        Read the record of what was asked for and done; also while the bot runs
      healthcheck  Succeed if a running bot has heard its homeserver lately
      help         Print this message or the help of the given subcommand(s)

    Options:
          --log <FILTER>  What is logged to standard error, like "debug" or "info,opsroom=trace" [env:
                          RUST_LOG]
      -h, --help          Print help
      -V, --version       Print version

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 config invalid
    "#);
}

#[test]
fn a_command_line_that_makes_no_sense_ends_with_2() {
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &[][..],
        &["chekc"],
        &["check", "--confg", "x"],
        &["--log", "opsroom=loud", "check"],
        &["healthcheck", "--max-age", "soon"],
    ] {
        let ended = end(opsroom(dir.path()).args(args));
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{args:?}");
    }
    assert_eq!(end(opsroom(dir.path()).arg("check").env("RUST_LOG", "opsroom=loud")).code, 2);
    assert!(end(opsroom(dir.path()).arg("chekc")).stderr.contains("'check'"), "a typo gets a suggestion");
}

#[test]
fn check_says_in_one_line_what_a_good_config_holds() {
    let dir = example();
    let ended = end(opsroom(dir.path()).args(["check", "--config", "config.toml"]));
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_eq!(ended.stdout, "config ok: 1 room, 2 operators, 3 hosts, 5 services\n");
    let ended = end(opsroom(dir.path()).arg("check").env("OPSROOM_CONFIG", "config.toml"));
    assert_eq!(ended.code, 0, "the environment may name the config");
}

#[test]
fn check_warns_of_jobs_that_would_end_with_the_bot() {
    let dir = example();
    let text = fs::read_to_string(dir.path().join("config.toml")).unwrap();
    let service = "\n[[service]]\nname = \"beside\"\nhost = \"here\"\n";
    write(dir.path(), "config.toml", &(text + service), 0o644);
    let ended = end(opsroom(dir.path()).args(["check", "--config", "config.toml"]));
    assert_eq!(ended.code, 0);
    let expected = opsroom::local::scope::Scope::here().warning();
    assert_eq!(ended.stderr.starts_with("warning: changes on here run beside the bot: "), expected.is_some());
    assert!(expected.is_none_or(|warning| ended.stderr.contains(warning)), "{}", ended.stderr);
    let ended = end(opsroom(dir.path()).args(["check", "--no-files", "--config", "config.toml"]));
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
}

#[test]
fn check_can_leave_files_alone_that_are_on_another_machine() {
    let dir = tempfile::tempdir().unwrap();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/config.example.toml");
    let ended = end(opsroom(dir.path()).args(["check", "--no-files", "-c", example]));
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
}

#[test]
fn a_wrong_config_ends_with_3_and_every_problem() {
    let dir = example();
    write(dir.path(), "matrix-password", "hunter2\n", 0o644);
    fs::remove_file(dir.path().join("known_hosts")).unwrap();
    for command in ["check", "run", "login", "console"] {
        let ended = end(opsroom(dir.path()).args([command, "-c", "config.toml"]));
        assert_eq!((ended.code, ended.stdout.as_str()), (3, ""), "{command}");
        assert!(ended.stderr.starts_with("config invalid: 2 problems\nconfig.toml:"), "{}", ended.stderr);
        assert!(ended.stderr.contains("chmod 600"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("hunter2"));
    }
    let ended = end(opsroom(dir.path()).args(["check", "-c", "absent.toml"]));
    assert_eq!(ended.code, 3);
    insta::assert_snapshot!(ended.stderr, @r"
    config invalid: 1 problem
    absent.toml: the config cannot be read: No such file or directory (os error 2)
        name it with --config; config.example.toml shows how one looks
    ");
}

#[test]
fn healthcheck_asks_when_the_bot_last_heard_its_homeserver() {
    let dir = example();
    let state = dir.path().join("state");
    let by_config = || end(opsroom(dir.path()).args(["healthcheck", "-c", "config.toml"]));
    let ended = by_config();
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    assert!(ended.stderr.contains("state/health is not there"), "{}", ended.stderr);

    let file = HealthFile::in_dir(&state);
    file.write(SystemTime::now()).unwrap();
    assert_eq!(by_config().code, 0);
    assert!(by_config().stdout.starts_with("healthy: "));

    file.write(SystemTime::now() - Duration::from_secs(200)).unwrap();
    assert_eq!(by_config().code, 1);
    let by_dir = |limit| end(opsroom(dir.path()).args(["healthcheck", "--state-dir", "state", "--max-age", limit]));
    assert_eq!(by_dir("5m").code, 0);
    let ended = by_dir("1m");
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.starts_with("opsroom: the last good sync was 3m2"), "{}", ended.stderr);
}

#[test]
fn healthcheck_needs_the_state_directory_of_the_config_and_none_of_its_secrets() {
    let dir = example();
    HealthFile::in_dir(&dir.path().join("state")).write(SystemTime::now()).unwrap();
    fs::remove_file(dir.path().join("matrix-password")).unwrap();
    assert_eq!(end(opsroom(dir.path()).args(["healthcheck", "-c", "config.toml"])).code, 0);
}

#[test]
fn a_first_login_that_waits_for_its_homeserver_can_be_stopped() {
    let dir = example();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let homeserver = format!("http://{}", silent.local_addr().unwrap());
    let config = fs::read_to_string(dir.path().join("config.toml")).unwrap();
    write(dir.path(), "config.toml", &config.replace("https://matrix.example.org", &homeserver), 0o644);
    let mut run = opsroom(dir.path());
    let run = run.args(["run", "--config", "config.toml"]).stderr(Stdio::piped()).spawn().unwrap();
    let _unanswered = silent.accept().unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_child(&run), rustix::process::Signal::TERM).unwrap();
    let Output { status, stderr, .. } = run.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&stderr);
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.contains("SIGTERM: stopped before the homeserver was reached"), "{said}");
}

#[test]
fn the_audit_record_is_read_and_checked_without_the_bot() {
    let dir = example();
    let none = end(opsroom(dir.path()).args(["audit", "verify", "-c", "config.toml"]));
    assert_eq!(none.code, 1);
    assert!(none.stderr.contains("no bot has run with this state yet"), "{}", none.stderr);
    let state = dir.path().join("other");
    fs::create_dir(&state).unwrap();
    let ledger = opsroom::ledger::SqliteLedger::open(&state.join("ledger.sqlite")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(opsroom::ports::Ledger::begin_process(&ledger)).unwrap();
    let audit = |rest: &[&str]| {
        let mut command = opsroom(dir.path());
        end(command.arg("audit").args(rest).arg("--state-dir").arg(&state))
    };
    let tail = audit(&["tail", "-n", "1"]);
    assert!(tail.stdout.contains("\"what\":\"start\""), "{}", tail.stdout);
    let whole = audit(&["verify"]);
    assert!(whole.stdout.starts_with("the record is whole: 1 entries, the last with the hash "), "{}", whole.stdout);
    let head = whole.stdout.trim().rsplit(' ').next().unwrap();
    assert_eq!(audit(&["verify", "--head", head]).code, 0);
    let cut = audit(&["verify", "--head", "00"]);
    assert_eq!((cut.code, cut.stderr.contains("no entry has the hash 00")), (1, true), "{}", cut.stderr);
}
