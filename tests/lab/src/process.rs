//! Child processes that cannot outlive the process that started them.
//!
//! Every child asks the kernel to be killed when its parent dies (`setpriv --pdeathsig`), so a test that is killed leaves
//! nothing behind. The kernel means the parent *thread*; therefore one thread that never ends starts them all.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::Duration;

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process, kill_process_group};

use crate::wait::{OrFail as _, wait_until};

type Birth = (Command, Sender<std::io::Result<Child>>);

/// Starts `command` from the thread that lives as long as this process.
fn spawn(command: Command) -> std::io::Result<Child> {
    static NURSERY: OnceLock<Mutex<Sender<Birth>>> = OnceLock::new();
    let nursery = NURSERY.get_or_init(|| {
        let (sender, births) = mpsc::channel::<Birth>();
        thread::Builder::new()
            .name("nursery".into())
            .spawn(move || {
                for (mut command, parent) in births {
                    // The asker waits for the answer; when it is gone, so is the need for the child.
                    let _ = parent.send(command.spawn());
                }
            })
            .or_fail("cannot start a thread");
        Mutex::new(sender)
    });
    let (sender, born) = mpsc::channel();
    nursery.lock().or_fail("the nursery is broken").send((command, sender)).or_fail("the nursery is closed");
    born.recv().or_fail("the nursery died")
}

/// What every part of the lab has for an environment, whatever that of this process is: where Debian has its programs, no
/// home whose dot files could be read, one locale and one time zone. No proxy, no `DOCKER_HOST`, no `GIT_…` comes along.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"),
    ("HOME", "/nonexistent"),
    ("LANG", "C.UTF-8"),
    ("TZ", "UTC"),
];

/// A command that knows nothing of this process's environment.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(ENVIRONMENT);
    command
}

/// The same, whose process is killed when this process dies, whatever kills it.
pub fn leashed(program: impl AsRef<OsStr>) -> Command {
    let mut command = command("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// Runs a command to its end and gives its output; what it was and what it said are in the failure.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let output = run_for(command);
    assert!(
        output.status.success(),
        "lab: {command:?} failed ({}):\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs a command to its end, whatever the end.
#[track_caller]
pub fn run_for(command: &mut Command) -> Output {
    let program = command.get_program().to_string_lossy().into_owned();
    command
        .stdin(Stdio::null())
        .output()
        .or_fail(format!("cannot run {program} (is it installed? see tests/lab/setup.sh)"))
}

/// As [`run_for`], with `input` on standard input.
#[track_caller]
pub fn run_with_input(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .or_fail(format!("cannot run {command:?}"));
    let mut stdin = child.stdin.take().or_fail("no pipe to the child");
    let input = input.to_vec();
    // A child that ends early closes the pipe: what it says then is in its output.
    let feeder = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().or_fail("cannot read the child's output");
    drop(feeder.join());
    output
}

/// A process of the lab's, in a process group of its own, killed when dropped.
#[derive(Debug)]
pub struct Process {
    what: String,
    log: PathBuf,
    pid: Pid,
    child: Mutex<Child>,
}

impl Process {
    /// Starts a [`leashed`] command with its output appended to `log`.
    #[track_caller]
    pub fn start(what: &str, mut command: Command, log: &Path) -> Self {
        let out = append(log);
        command.stdin(Stdio::null()).stdout(out.try_clone().or_fail("log")).stderr(out);
        Self::adopt(what, command, log).0
    }

    /// Starts a [`leashed`] command whose pipes the caller arranged, and gives them back with it.
    #[track_caller]
    pub fn adopt(what: &str, mut command: Command, log: &Path) -> (Self, Pipes) {
        // A group of its own: a Ctrl-C at the terminal is for whoever tears down, in order.
        command.process_group(0);
        let mut child = spawn(command).or_fail(format!("cannot start {what}"));
        let pipes = Pipes { stdin: child.stdin.take(), stdout: child.stdout.take() };
        let pid = Pid::from_child(&child);
        (Self { what: what.to_owned(), log: log.to_owned(), pid, child: Mutex::new(child) }, pipes)
    }

    /// The process ID.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// How it ended, once it has.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.child.lock().or_fail("a thread died holding a child").try_wait().or_fail("cannot ask for a child")
    }

    /// Sends a signal to this process alone.
    pub fn signal(&self, signal: Signal) {
        if self.ended().is_none() {
            kill_process(self.pid, signal).or_fail(format!("cannot signal {}", self.what));
        }
    }

    /// SIGTERM, and the exit status; fails when it does not end within `limit`.
    #[track_caller]
    pub fn stop(&self, limit: Duration) -> ExitStatus {
        self.signal(Signal::TERM);
        wait_until(limit, format_args!("{} to end after SIGTERM", self.what), || self.ended())
    }

    /// SIGKILL for the whole group, and waits for the end.
    pub fn kill(&self) -> ExitStatus {
        if self.ended().is_none() {
            // Gone in between is as good as killed.
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
        self.child.lock().or_fail("a thread died holding a child").wait().or_fail("cannot wait for a child")
    }

    /// What it wrote.
    pub fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The end of what it wrote: what a failure should show.
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }

    /// Waits for `condition`, but not longer than the process lives: a part that died says why.
    #[track_caller]
    pub fn wait_for<T>(&self, limit: Duration, what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
        wait_until(limit, format_args!("{what} (log: {})", self.log.display()), || {
            let value = condition();
            if let (None, Some(status)) = (&value, self.ended()) {
                panic!("lab: {} ended ({status}) before {what}; its last lines:\n{}", self.what, self.log_tail());
            }
            value
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The ends of a child's pipes that the caller asked for.
#[derive(Debug)]
pub struct Pipes {
    /// What the child reads.
    pub stdin: Option<std::process::ChildStdin>,
    /// What the child writes.
    pub stdout: Option<std::process::ChildStdout>,
}

/// A log file, opened to append.
#[track_caller]
pub fn append(log: &Path) -> File {
    File::options().create(true).append(true).open(log).or_fail(format!("cannot write {}", log.display()))
}
