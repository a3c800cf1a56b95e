//! A machine on this machine: namespaces of its own for mounts, processes, host name, IPC and network.
//!
//! It lives exactly as long as its first process, and that one is on this process's leash: when a machine goes, by intent or
//! because a test was killed, the kernel takes every process in it (detached ones too), its mounts and its cables. So
//! "power off" is real, and tearing down needs no list.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use crate::boot;
use crate::etc;
use crate::process::{Process, command, leashed, run, run_for, run_with_input};
use crate::wait::{OrFail as _, PATIENCE, wait_until};

/// The first process: it reaps what is orphaned (the kernel does, for who ignores SIGCHLD) and does nothing else.
const INIT: &str = r"
set -e
hostname LAB_HOSTNAME
LAB_ETC
ip link set lo up
LAB_SETUP
: >booted
exec env --ignore-signal=CHLD sleep infinity
";

/// How long a systemd may take to start everything, or to end it.
const BOOT_LIMIT: Duration = Duration::from_secs(90);

/// A running machine.
#[derive(Debug)]
pub struct Machine {
    init: Process,
}

impl Machine {
    /// Boots a machine whose `setup` (sh, as root, inside, with `dir` as working directory) prepares its mounts. Its `/etc`
    /// is its own ([`crate::etc`]), and what a former boot wrote there is there.
    #[track_caller]
    pub fn boot(name: &str, dir: &Path, setup: &str) -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "lab: machines are namespaces, and making them needs root: use sudo"
        );
        let etc = etc::make(&dir.join("etc"), name);
        let booted = dir.join("booted");
        let _ = fs::remove_file(&booted);
        let mut command = leashed("unshare");
        command
            .args(["--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c"])
            .arg(INIT.replace("LAB_HOSTNAME", name).replace("LAB_ETC", &etc).replace("LAB_SETUP", setup))
            .current_dir(dir);
        let init = Process::start(&format!("machine {name}"), command, &dir.join("boot.log"));
        init.wait_for(PATIENCE, "it booted", || booted.exists().then_some(()));
        Self { init }
    }

    /// Boots a machine from an image, with its own systemd, and waits until that has started everything; `dir` has its files,
    /// `engine` the socket of a Docker engine.
    #[track_caller]
    pub fn boot_image(name: &str, dir: &Path, image: &Path, engine: &Path) -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "lab: machines are namespaces, and making them needs root: use sudo"
        );
        let booted = dir.join("booted");
        let _ = fs::remove_file(&booted);
        let unshare =
            "exec unshare --cgroup --mount --uts --ipc --net --pid --fork --kill-child --mount-proc sh -c \"$1\"";
        let mut command = leashed("sh");
        command
            .args(["-c", &format!("{}; {unshare}", boot::groups(&boot::group(name, dir))), "lab"])
            .arg(boot::script(name, image, engine))
            .current_dir(dir);
        let init = Process::start(&format!("machine {name}"), command, &dir.join("boot.log"));
        init.wait_for(PATIENCE, "it booted", || booted.exists().then_some(()));
        let machine = Self { init };
        wait_until(BOOT_LIMIT, format_args!("the systemd of {name} to have started everything"), || {
            let state = machine.command("systemctl").arg("is-system-running").output().ok()?;
            // "degraded": what has no place in a namespace failed.
            matches!(String::from_utf8_lossy(&state.stdout).trim(), "running" | "degraded").then_some(())
        });
        machine
    }

    /// Shuts down a machine with a systemd of its own in good order, and waits until it is off.
    #[track_caller]
    pub fn shut_down(&self) {
        // Nobody looks from inside: whom systemd stops there, to end everything, nobody lets go on.
        run(self.command("systemctl").args(["--no-block", "poweroff"]));
        wait_until(BOOT_LIMIT, "the machine to be off", || self.init.ended());
    }

    /// A process ID whose namespaces are the machine's, but for the process namespace.
    pub fn pid(&self) -> u32 {
        self.init.pid()
    }

    fn enter_args(&self) -> Vec<String> {
        let pid = self.pid();
        // unshare itself stays outside the process namespace it made for its children.
        vec![
            format!("--target={pid}"),
            "--mount".into(),
            "--uts".into(),
            "--ipc".into(),
            "--net".into(),
            format!("--pid=/proc/{pid}/ns/pid_for_children"),
            "--".into(),
        ]
    }

    /// A command inside the machine, as root, not on a leash of its own: it ends with the machine at the latest.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = command("nsenter");
        command.args(self.enter_args()).arg(program);
        command
    }

    /// Runs an sh script inside, as root; fails when it fails.
    #[track_caller]
    pub fn run(&self, script: &str) -> String {
        run(self.command("sh").args(["-ec", script]))
    }

    /// Runs an sh script inside as a user who has these groups and home; whatever the end.
    #[track_caller]
    pub fn run_as(&self, user: &User, script: &str, input: &[u8]) -> Output {
        let mut command = self.command("setpriv");
        command
            .arg(format!("--reuid={}", user.uid))
            .arg(format!("--regid={}", user.uid))
            .arg(format!("--groups={},{DOCKER_GID}", user.uid))
            .arg("env")
            .arg(format!("HOME={}", user.home().display()))
            .arg(format!("USER={}", user.name))
            .args(["sh", "-c", "cd \"$HOME\" || exit; eval \"$1\"", "lab", script]);
        if input.is_empty() { run_for(&mut command) } else { run_with_input(&mut command, input) }
    }

    /// Lays a cable from this process's network to the machine: `near` and `far` are the two addresses of a /30.
    #[track_caller]
    pub fn cable(&self, device: &str, near: &str, far: &str) {
        let pid = self.pid();
        run(command("ip").args([
            "link",
            "add",
            device,
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            &pid.to_string(),
        ]));
        run(command("ip").args(["addr", "add", &format!("{near}/30"), "dev", device]));
        run(command("ip").args(["link", "set", device, "up"]));
        self.run(&format!("ip addr add {far}/30 dev eth0; ip link set eth0 up"));
    }

    /// Lays a cable from another machine to this one, so that only through the other it can be reached.
    #[track_caller]
    pub fn cable_behind(&self, other: &Machine, device: &str, near: &str, far: &str) {
        self.cable_from(other, device, "eth0", near, far);
    }

    /// Lays a second cable, from another machine to this one.
    #[track_caller]
    pub fn second_cable(&self, other: &Machine, device: &str, near: &str, far: &str) {
        self.cable_from(other, device, "eth1", near, far);
    }

    /// Lays a cable to a machine that has a bridge `br0`, and a way out over it.
    #[track_caller]
    pub fn plug_into(&self, switch: &Machine, device: &str, address: &str) {
        let (from, pid) = (switch.pid().to_string(), self.pid().to_string());
        let inside = format!(
            "ip link add {device} type veth peer name eth0 netns {pid} && ip link set {device} master br0 && ip link set {device} up"
        );
        run(command("nsenter").args([&format!("--target={from}"), "--net", "--", "sh", "-ec", &inside]));
        self.run(&format!("ip addr add {address} dev eth0; ip link set eth0 up"));
    }

    #[track_caller]
    fn cable_from(&self, other: &Machine, device: &str, end: &str, near: &str, far: &str) {
        let (from, pid) = (other.pid().to_string(), self.pid().to_string());
        let inside = format!(
            "ip link add {device} type veth peer name {end} netns {pid} && ip addr add {near}/30 dev {device} && ip link set {device} up"
        );
        // Only the network is entered: the process IDs stay the ones outside.
        run(command("nsenter").args([&format!("--target={from}"), "--net", "--", "sh", "-ec", &inside]));
        self.run(&format!("ip addr add {far}/30 dev {end}; ip link set {end} up"));
    }
}

/// The group that may use the engine's socket, on every machine of the lab. No such group need exist outside.
pub const DOCKER_GID: u32 = 61_235;

/// A user of the lab's machines. They exist in the machines' own `/etc/passwd` only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The login name.
    pub name: &'static str,
    /// The user and group number.
    pub uid: u32,
}

impl User {
    /// The home directory, inside the machine.
    pub fn home(&self) -> PathBuf {
        Path::new("/home").join(self.name)
    }
}

/// Who logs in: in the docker group.
pub const OPS: User = User { name: "ops", uid: 61_001 };
/// Whom services may belong to when that is not who logs in; reached with `sudo -iu svc`.
pub const SVC: User = User { name: "svc", uid: 61_002 };

/// Removes a control group subtree (`name` at the top of each hierarchy) once its processes are gone.
pub fn remove_cgroups(name: &str) {
    // The engine may sit in a group itself; its children then lie below that one.
    let script = r#"find /sys/fs/cgroup -depth -type d -path "*/$1*" -exec rmdir {} + 2>/dev/null; true"#;
    drop(command("sh").args(["-c", script, "lab", name]).output().or_fail("cannot run sh"));
}
