//! `ssh` against a real OpenSSH sshd on this machine, started by each test.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "these are tests, harness included")]

mod connecting;
mod host_keys;
mod logins;
mod running;
mod sshd;

use std::time::Duration;

use opsroom::{
    domain::output::Exit,
    ports::{Exec, Output, Remote, RemoteError, Stdin, Stream},
    ssh::SshRemote,
};

/// Longer than anything takes that does not hang.
const LONG: Duration = Duration::from_secs(60);

/// Keeps the beginning of each stream, and counts the rest.
#[derive(Default)]
struct Collected {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    total: usize,
}

impl Output for Collected {
    fn chunk(&mut self, stream: Stream, bytes: &[u8]) {
        const KEPT: usize = 64 * 1024;
        let kept = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let room = KEPT - kept.len();
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.total += bytes.len();
    }
}

impl Collected {
    fn stdout(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }
}

fn exec(command: &str) -> Exec {
    Exec { command: command.to_owned(), limit: LONG, stdin: Stdin::Empty }
}

fn within(limit: Duration, command: &str) -> Exec {
    Exec { limit, ..exec(command) }
}

/// Runs one command and gives its exit and its standard output.
async fn run(remote: &SshRemote, exec: Exec) -> Result<(Exit, String), RemoteError> {
    let mut collected = Collected::default();
    let exit = remote.exec(exec, &mut collected).await?;
    Ok((exit, collected.stdout().to_owned()))
}

fn ok(text: &str) -> Result<(Exit, String), RemoteError> {
    Ok((Exit::Code(0), text.to_owned()))
}
