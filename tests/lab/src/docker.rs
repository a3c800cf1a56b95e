//! Docker engines of the lab's own, never the machine's: each `dockerd` runs on a machine of its own ([`crate::machine`]), so
//! its bridges and rules are on a network nobody else sees, and its containers vanish with it.
//!
//! There is no registry: the only image that everything builds from is `busybox` on nothing.

use std::ffi::OsStr;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::lab::Lab;
use crate::machine::{DOCKER_GID, Machine};
use crate::process::{command, run, run_for, run_with_input};
use crate::wait::{OrFail as _, PATIENCE, wait_until};

/// What every image of the lab is built from.
pub const BASE_IMAGE: &str = "opsroom-lab/base";

/// How long an engine may take to answer after its start.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Where an engine is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Address {
    /// The directory that holds `docker.sock`: hosts mount the directory, since a restarted engine makes a new socket.
    pub sockets: PathBuf,
}

/// An engine to talk to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    address: Address,
    config: PathBuf,
}

impl Engine {
    pub(crate) fn new(address: Address, home: &Path) -> Self {
        // Docker's command looks for its plugins below this directory.
        Self { address, config: home.to_owned() }
    }

    /// The directory that holds its socket.
    pub fn sockets(&self) -> &Path {
        &self.address.sockets
    }

    /// `docker …` against this engine, not yet run.
    pub fn command(&self) -> Command {
        self.command_of("docker")
    }

    /// A program that runs `docker …` itself, not yet run.
    pub fn command_of(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = command(program);
        command.envs(self.environment());
        command
    }

    fn environment(&self) -> [(&'static str, String); 3] {
        let text = |path: &Path| path.display().to_string();
        [
            ("DOCKER_HOST", format!("unix://{}", text(&self.address.sockets.join("docker.sock")))),
            ("DOCKER_CONFIG", text(&self.config)),
            ("BUILDX_CONFIG", text(&self.address.sockets.join("buildx"))),
        ]
    }

    /// `docker …`, which must succeed; gives its output.
    #[track_caller]
    pub fn docker(&self, args: &[&str]) -> String {
        run(self.command().args(args)).trim_end().to_owned()
    }

    /// `docker …`, whatever its end.
    #[track_caller]
    pub fn try_docker(&self, args: &[&str]) -> Output {
        run_for(self.command().args(args))
    }

    /// Waits until it answers.
    #[track_caller]
    fn wait_for_answer(&self, machine: &str) {
        wait_until(START_LIMIT, format_args!("dockerd to answer (its log: {machine})"), || {
            self.try_docker(&["version", "--format", "{{.Server.Version}}"]).status.success().then_some(())
        });
    }

    /// Builds the base image from the machine's own static busybox.
    #[track_caller]
    fn make_base_image(&self, dir: &Path) {
        let context = dir.join("base-image");
        fs::create_dir_all(context.join("bin")).or_fail("cannot make the base image's directory");
        let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().map(Path::new).find(|path| path.exists());
        let busybox = busybox.or_fail("no busybox here: run tests/lab/setup.sh");
        fs::copy(busybox, context.join("bin/busybox")).or_fail("cannot copy busybox");
        let dockerfile = "FROM scratch\n\
            COPY bin /bin\n\
            RUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\n\
            RUN mkdir -p /tmp /etc && chmod 1777 /tmp && echo root:x:0:0::/:/bin/sh >/etc/passwd\n\
            ENV PATH=/bin\n";
        let mut command = self.command();
        command.args(["build", "--quiet", "--network", "none", "-t", BASE_IMAGE, "-f", "-"]).arg(&context);
        let output = run_with_input(&mut command, dockerfile.as_bytes());
        assert!(
            output.status.success(),
            "lab: cannot build the base image: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// An engine of a test's own, before it starts.
#[derive(Debug)]
pub struct EnginePlan {
    lab: Lab,
    flags: &'static str,
}

impl EnginePlan {
    pub(crate) fn new(lab: Lab) -> Self {
        Self { lab, flags: "" }
    }

    /// Its containers go on while its daemon does not run.
    pub fn live_restore(mut self) -> Self {
        self.flags = "--live-restore";
        self
    }

    /// Starts it; it goes when the value goes, with all its containers.
    #[track_caller]
    pub fn start(self) -> OwnEngine {
        let facts = self.lab.facts();
        let name = self.lab.unique("engine");
        OwnEngine::start(&facts.id, &name, &facts.dir.join(&name), &facts.sockets.join(&name), &facts.home, self.flags)
    }
}

/// A running engine, with the machine it runs on.
#[derive(Debug)]
pub struct OwnEngine {
    engine: Engine,
    machine: Machine,
    dir: PathBuf,
    cgroup: String,
    /// More arguments for its daemon.
    flags: &'static str,
}

impl OwnEngine {
    /// Starts an engine with its data in `dir` and its sockets in `sockets`.
    #[track_caller]
    pub(crate) fn start(lab: &str, name: &str, dir: &Path, sockets: &Path, home: &Path, flags: &'static str) -> Self {
        fs::create_dir_all(dir)
            .and_then(|()| fs::create_dir_all(sockets))
            .or_fail("cannot make the engine's directories");
        let machine = Machine::boot(name, dir, "");
        let engine = Engine::new(Address { sockets: sockets.to_owned() }, home);
        let own = Self { engine, machine, dir: dir.to_owned(), cgroup: format!("opsroom-lab-{lab}-{name}"), flags };
        own.start_daemon();
        own.engine.make_base_image(dir);
        own
    }

    /// Runs an sh script as root on the machine it runs on, where the processes of its containers are; whatever the end.
    #[track_caller]
    pub fn try_run_beside(&self, script: &str) -> Output {
        let mut command = self.machine.command("env");
        command.args(self.environment().map(|(name, value)| format!("{name}={value}")));
        run_for(command.args(["sh", "-c", script]))
    }

    /// Where it is.
    pub(crate) fn address(&self) -> Address {
        self.engine.address.clone()
    }

    /// The machine it runs on.
    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Where its data lies.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Starts the daemon, which must not be running.
    #[track_caller]
    pub fn start_daemon(&self) {
        start_daemon(&self.machine, &self.engine, &self.dir, &self.cgroup, self.flags);
    }

    /// Ends the daemon as an administrator would (its containers end with it).
    #[track_caller]
    pub fn stop_daemon(&self) {
        stop_daemon(&self.machine, &self.engine, "TERM");
    }

    /// Kills the daemon: its containers go on without it.
    #[track_caller]
    pub fn kill_daemon(&self) {
        stop_daemon(&self.machine, &self.engine, "KILL");
    }

    /// Ends the daemon and starts it again.
    #[track_caller]
    pub fn restart_daemon(&self) {
        self.stop_daemon();
        self.start_daemon();
    }
}

/// Starts a daemon on `machine` and waits until it answers.
#[track_caller]
pub(crate) fn start_daemon(machine: &Machine, engine: &Engine, dir: &Path, cgroup: &str, flags: &str) {
    let (sockets, dir) = (engine.sockets().display(), dir.display());
    // Small subnets, so that parallel compose projects don't run out; the network is the machine's own, so any range will do.
    machine.run(&format!(
        "setsid dockerd --data-root {dir}/data --exec-root {sockets}/x --pidfile {sockets}/dockerd.pid \
           -H unix://{sockets}/docker.sock --group {DOCKER_GID} --cgroup-parent {cgroup} \
           --default-address-pool base=10.64.0.0/12,size=28 --log-level warn {flags} </dev/null >>{dir}/dockerd.log 2>&1 &"
    ));
    engine.wait_for_answer(&format!("{dir}/dockerd.log"));
}

#[track_caller]
pub(crate) fn stop_daemon(machine: &Machine, engine: &Engine, signal: &str) {
    let pidfile = engine.sockets().join("dockerd.pid");
    let pid = fs::read_to_string(&pidfile).or_fail("no daemon is running");
    let pid = pid.trim();
    machine.run(&format!("kill -{signal} {pid}"));
    wait_until(PATIENCE, "dockerd to end", || {
        let gone = machine.command("sh").args(["-c", &format!("! kill -0 {pid} 2>/dev/null")]).status();
        gone.is_ok_and(|status| status.success()).then_some(())
    });
}

impl Deref for OwnEngine {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}
