//! The lab on a machine whose every setting would change how a test ends: none of them reaches a host or a bot.
//!
//! The machine is this one, with another `/etc` mounted in a namespace of the test's own and with another environment; the
//! test starts itself there. Run through `opsroom-lab run -- cargo test -p opsroom-lab`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;
use std::sync::Arc;

use opsroom_lab::machine::SVC;
use opsroom_lab::{Host, Lab};

/// Tells the test that it runs on the hostile machine.
const THERE: &str = "OPSROOM_LAB_HOSTILE";

/// The settings in `/etc`. Git's and the shell's come with every installation that somebody has worked on; an engine with
/// these does not start, and with that client configuration no `ssh` connects.
const ETC: [(&str, &str); 7] = [
    ("gitconfig", "[safe]\n\tdirectory = *\n[user]\n\tname = Somebody\n"),
    ("ssh/ssh_config", "Host *\n\tProxyCommand false\n"),
    ("environment", "LEAKED=environment\n"),
    ("profile", "export LEAKED=profile\n"),
    ("bash.bashrc", "export LEAKED=bashrc\n"),
    ("hosts.deny", "ALL: ALL\n"),
    ("docker/daemon.json", "{ \"no-such-setting\": true }\n"),
];

/// The environment. Each of these is read by something that the lab starts.
const ENVIRONMENT: [(&str, &str); 11] = [
    ("TZ", "Asia/Tokyo"),
    ("LANG", "de_DE.UTF-8"),
    ("LC_ALL", "de_DE.UTF-8"),
    ("GIT_CONFIG_COUNT", "1"),
    ("GIT_CONFIG_KEY_0", "safe.directory"),
    ("GIT_CONFIG_VALUE_0", "*"),
    ("DOCKER_HOST", "tcp://192.0.2.1:2375"),
    ("DOCKER_CONFIG", "/nonexistent"),
    ("COMPOSE_PROJECT_NAME", "leaked"),
    ("http_proxy", "http://192.0.2.1:3128"),
    ("SSH_AUTH_SOCK", "/nonexistent"),
];

#[test]
fn nothing_of_the_machine_reaches_a_host_or_a_bot() {
    let lab = Lab::connect();
    if env::var_os(THERE).is_some() {
        return look(&lab);
    }
    let dir = lab.dir("hostile");
    let here = env::current_exe().unwrap();
    let copied = Command::new("cp").args(["-a", "/etc"]).arg(&dir).status().unwrap();
    assert!(copied.success());
    for (name, text) in ETC {
        let path = dir.join("etc").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let clock = dir.join("etc/localtime");
    let _ = fs::remove_file(&clock);
    symlink("/usr/share/zoneinfo/Asia/Tokyo", clock).unwrap();
    let home = dir.join("home");
    fs::create_dir(&home).unwrap();
    fs::write(home.join(".gitconfig"), ETC[0].1).unwrap();
    let run = "mount --bind \"$1\" /etc; shift; exec \"$@\"";
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-ec", run, "lab"])
        .args([&dir.join("etc"), &here])
        .args(["--exact", "nothing_of_the_machine_reaches_a_host_or_a_bot", "--nocapture"])
        .envs(ENVIRONMENT)
        .env("HOME", &home)
        .env(THERE, "1")
        .output()
        .unwrap();
    let said = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", said(&output.stdout), said(&output.stderr));
    assert!(said(&output.stdout).contains("1 passed"), "it ran there: {}", said(&output.stdout));
}

/// What is seen on the hostile machine.
fn look(lab: &Lab) {
    assert_eq!(fs::read_to_string("/etc/gitconfig").unwrap(), ETC[0].1, "the machine is hostile");
    let engine = Arc::new(lab.own_engine());
    let host = lab.plan_host("spark-1").engine(&engine).boot();
    let over_ssh = |script: &str| {
        let output = host.ssh(script);
        assert!(output.status.success(), "{output:?}\n{}", host.sshd_log());
        String::from_utf8(output.stdout).unwrap()
    };
    let login =
        ["HOME", "LOGNAME", "MAIL", "PATH", "PWD", "SHELL", "SHLVL", "SSH_CLIENT", "SSH_CONNECTION", "TZ", "USER", "_"];
    assert_eq!(names(&over_ssh("env")), login);
    let sudo = ["SUDO_COMMAND", "SUDO_GID", "SUDO_UID", "SUDO_USER"];
    let other = names(&over_ssh("sudo -niu svc env"));
    let expected = |name: &str| login.contains(&name) || sudo.contains(&name) || name == "TERM" || name == "LANG";
    assert!(other.iter().all(|name| expected(name.as_str())), "{other:?}");
    for seen in [&over_ssh as &dyn Fn(&str) -> String, &|script| host.run(script), &|script| host.run_as(&SVC, script)]
    {
        assert_eq!(seen("git config --list --show-origin 2>&1 || true").trim(), "");
        assert_eq!(seen("date -d @0 +%Z%H").trim(), "UTC00");
        assert_eq!(seen("bash -lc 'echo ${LEAKED-nothing}'").trim(), "nothing");
    }
    assert_eq!(
        over_ssh("docker context show; docker ps -q").trim(),
        "default",
        "the host's own engine, with nothing on it"
    );
    host.project("bridge").healthy();
    a_dubious_clone_is_dubious(&host);

    let binary = lab.dir("stand-in").join("opsroom");
    fs::write(&binary, "#!/bin/sh\nenv\necho 'ready: in 0 of 0'\n").unwrap();
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    let bot = lab.bot().binary(&binary).prepare();
    let seen = String::from_utf8(bot.tool(&["check"]).stdout).unwrap();
    let seen: Vec<&str> = seen.lines().filter(|line| line.contains('=')).collect();
    let home = format!("HOME={}", bot.dir().display());
    for line in ["LANG=C.UTF-8", "TZ=UTC", &home] {
        assert!(seen.contains(&line), "{line} is not in {seen:?}");
    }
    for (name, _) in ENVIRONMENT.iter().filter(|(name, _)| !["TZ", "LANG"].contains(name)) {
        assert!(!seen.iter().any(|line| line.starts_with(&format!("{name}="))), "{name} is in {seen:?}");
    }
}

/// What two of opsroom's stories stand on.
fn a_dubious_clone_is_dubious(host: &Host) {
    host.run("git init -q ~/clone");
    host.run_as_root("chown -R root ~ops/clone");
    let output = host.ssh("git -C ~/clone status");
    assert!(String::from_utf8_lossy(&output.stderr).contains("dubious ownership"), "{output:?}");
}

fn names(environment: &str) -> Vec<String> {
    let mut names: Vec<_> = environment.lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect();
    names.sort_unstable();
    names
}
