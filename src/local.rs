//! This machine as a host: the port [`Remote`] through `sh -c`.
//!
//! For services that run beside the bot, and for trying it out without SSH.
//! Each command gets a process group of its own, so that all of it can be ended
//! when its limit passes: over SSH that cannot be done, here it can.

pub mod scope;

use std::{
    os::unix::process::ExitStatusExt as _,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use futures_util::future::BoxFuture;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::{Child, Command},
    sync::Semaphore,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    domain::output::Exit,
    ports::{Exec, Output, Remote, RemoteError, Stdin, Stream},
};

/// Commands at once, as over SSH: a machine that hangs must not collect them.
const MOST_COMMANDS: usize = 8;

/// Between SIGTERM and SIGKILL for a command that passed its limit.
const GRACE: Duration = Duration::from_secs(2);

/// What is read at once; the size of a pipe's buffer is 64 KiB.
const CHUNK: usize = 32 * 1024;

/// The machine the bot runs on.
#[derive(Debug)]
pub struct Local {
    slots: Semaphore,
}

impl Local {
    /// Starts nothing yet.
    pub fn new() -> Self {
        Self { slots: Semaphore::new(MOST_COMMANDS) }
    }

    async fn run(&self, exec: &Exec, output: &mut dyn Output) -> Result<Exit, RemoteError> {
        let deadline = Instant::now() + exec.limit;
        let Ok(Ok(_slot)) = timeout_at(deadline, self.slots.acquire()).await else {
            return Err(RemoteError::Busy(format!(
                "this machine runs {MOST_COMMANDS} commands for opsroom already, and none of them ended within {:?}",
                exec.limit
            )));
        };
        let stdin = match &exec.stdin {
            Stdin::Empty => Stdio::null(),
            Stdin::OpenUntil(_) => Stdio::piped(),
        };
        let child = Command::new("sh")
            .arg("-c")
            .arg(&exec.command)
            .process_group(0)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| RemoteError::Unreachable(format!("sh cannot be started on this machine: {error}")))?;
        let mut group = Group::of(&child);
        follow(child, &mut group, exec, deadline, output).await
    }
}

impl Default for Local {
    fn default() -> Self {
        Self::new()
    }
}

impl Remote for Local {
    fn exec<'a>(&'a self, exec: Exec, output: &'a mut dyn Output) -> BoxFuture<'a, Result<Exit, RemoteError>> {
        Box::pin(async move { self.run(&exec, output).await })
    }
}

/// Reads both streams to their end. A process left in the background keeps them
/// open after the command's own exit, which is known then.
async fn follow(
    mut child: Child,
    group: &mut Group,
    exec: &Exec,
    deadline: Instant,
    output: &mut dyn Output,
) -> Result<Exit, RemoteError> {
    let mut input = child.stdin.take();
    let mut open_until = match &exec.stdin {
        Stdin::Empty => None,
        Stdin::OpenUntil(token) => Some(token.clone()),
    };
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let (mut out, mut err) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut exit = None;
    while exit.is_none() || stdout.is_some() || stderr.is_some() {
        tokio::select! {
            read = chunk(&mut stdout, &mut out), if stdout.is_some() => match read {
                0 => stdout = None,
                n => output.chunk(Stream::Stdout, &out[..n]),
            },
            read = chunk(&mut stderr, &mut err), if stderr.is_some() => match read {
                0 => stderr = None,
                n => output.chunk(Stream::Stderr, &err[..n]),
            },
            status = child.wait(), if exit.is_none() => {
                group.disarm();
                let status = status.map_err(|error| RemoteError::Lost(error.to_string()))?;
                exit = Some(exit_of(status)?);
            }
            () = cancelled(open_until.as_ref()) => {
                open_until = None;
                input = None;
            }
            () = sleep_until(deadline) => {
                if exit.is_none() {
                    group.signal(Signal::TERM);
                    if timeout_at(Instant::now() + GRACE, child.wait()).await.is_ok() {
                        group.disarm();
                    }
                }
                break;
            }
        }
    }
    drop(input);
    exit.ok_or(RemoteError::TimedOut(exec.limit))
}

/// Some bytes, or 0 at the end of the stream; a pipe that fails is at its end.
async fn chunk(stream: &mut Option<impl AsyncRead + Unpin>, buffer: &mut [u8]) -> usize {
    match stream {
        Some(stream) => stream.read(buffer).await.unwrap_or(0),
        None => 0,
    }
}

async fn cancelled(token: Option<&CancellationToken>) {
    match token {
        Some(token) => token.cancelled().await,
        None => std::future::pending().await,
    }
}

fn exit_of(status: ExitStatus) -> Result<Exit, RemoteError> {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ok(Exit::Code(code.unsigned_abs())),
        (None, Some(signal)) => Ok(Exit::Signal(signal_name(signal))),
        (None, None) => Err(RemoteError::Lost(format!("it ended in an unknown way: {status}"))),
    }
}

/// The names of RFC 4254, section 6.10; a number for what it has no name for.
fn signal_name(signal: i32) -> String {
    let names = [
        (Signal::ABORT, "ABRT"),
        (Signal::ALARM, "ALRM"),
        (Signal::FPE, "FPE"),
        (Signal::HUP, "HUP"),
        (Signal::ILL, "ILL"),
        (Signal::INT, "INT"),
        (Signal::KILL, "KILL"),
        (Signal::PIPE, "PIPE"),
        (Signal::QUIT, "QUIT"),
        (Signal::SEGV, "SEGV"),
        (Signal::TERM, "TERM"),
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
    ];
    names
        .iter()
        .find(|(known, _)| known.as_raw() == signal)
        .map_or_else(|| signal.to_string(), |(_, name)| (*name).to_owned())
}

/// The command's process group; killed on drop while its leader lives.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(id.cast_signed())))
    }

    /// The leader was reaped: its number may belong to somebody else soon.
    fn disarm(&mut self) {
        self.0 = None;
    }

    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.0 {
            // Gone already is what was wanted.
            let _ = kill_process_group(leader, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Collected {
        stdout: Vec<u8>,
        stderr: Vec<u8>,
    }

    impl Output for Collected {
        fn chunk(&mut self, stream: Stream, bytes: &[u8]) {
            match stream {
                Stream::Stdout => self.stdout.extend_from_slice(bytes),
                Stream::Stderr => self.stderr.extend_from_slice(bytes),
            }
        }
    }

    async fn run(command: &str, limit: Duration, stdin: Stdin) -> (Result<Exit, RemoteError>, Collected) {
        let mut collected = Collected::default();
        let exec = Exec { command: command.to_owned(), limit, stdin };
        let result = Local::new().exec(exec, &mut collected).await;
        (result, collected)
    }

    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn streams_and_exit_are_told_apart() {
        let (result, collected) = run("echo out; echo err >&2; exit 3", LONG, Stdin::Empty).await;
        assert_eq!(result, Ok(Exit::Code(3)));
        assert_eq!(collected.stdout, b"out\n");
        assert_eq!(collected.stderr, b"err\n");
        let (result, _) = run("kill -KILL $$", LONG, Stdin::Empty).await;
        assert_eq!(result, Ok(Exit::Signal("KILL".to_owned())));
    }

    #[tokio::test]
    async fn the_whole_group_ends_with_the_limit() {
        let (result, collected) = run("sleep 1000 & echo $!; wait", Duration::from_millis(300), Stdin::Empty).await;
        assert_eq!(result, Err(RemoteError::TimedOut(Duration::from_millis(300))));
        let child: i32 = String::from_utf8(collected.stdout).unwrap().trim().parse().unwrap();
        let child = Pid::from_raw(child).unwrap();
        // It is init's to reap; until then it is a zombie that still has a number.
        while rustix::process::test_kill_process(child).is_ok()
            && !std::fs::read_to_string(format!("/proc/{}/stat", child.as_raw_nonzero()))
                .unwrap_or_default()
                .contains(") Z")
        {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn input_stays_open_until_the_token() {
        let token = CancellationToken::new();
        token.cancel();
        let (result, collected) = run("cat; echo end", LONG, Stdin::OpenUntil(token)).await;
        assert_eq!(result, Ok(Exit::Code(0)));
        assert_eq!(collected.stdout, b"end\n");
        let open = Stdin::OpenUntil(CancellationToken::new());
        let (result, _) = run("cat", Duration::from_millis(200), open).await;
        assert_eq!(result, Err(RemoteError::TimedOut(Duration::from_millis(200))));
    }

    #[tokio::test]
    async fn a_process_left_behind_does_not_hide_the_exit() {
        let (result, _) = run("sleep 5 & exit 5", Duration::from_millis(300), Stdin::Empty).await;
        assert_eq!(result, Ok(Exit::Code(5)));
    }
}
