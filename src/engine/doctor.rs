//! Examines a host: one command, whatever it answers, read into findings.

use super::collector::Tail;
use crate::{
    domain::{
        doctor::{self, Finding, Heard, script},
        inventory::Service,
        names::HostName,
    },
    ports::{Exec, Output, Remote, Stdin, Stream},
};

/// Bytes kept of each stream: a hundred services say less.
const BYTES: usize = 1024 * 1024;

/// The findings on a host and these services on it.
pub async fn examine(remote: &dyn Remote, host: &HostName, services: &[Service]) -> Vec<Finding> {
    let mut said = Said { stdout: Tail::new(BYTES), stderr: Tail::new(BYTES) };
    let exec = Exec { command: script::command(services), limit: script::limit(services), stdin: Stdin::Empty };
    let broken = match remote.exec(exec, &mut said).await {
        Ok(_) => None,
        // What was answered before counts all the same.
        Err(error) if error.may_have_run() => Some(error.to_string()),
        Err(error) => return doctor::read(host, services, &Heard::Nothing(error.to_string())),
    };
    let heard = Heard::Answers { stdout: said.stdout.text(), stderr: said.stderr.text(), broken };
    doctor::read(host, services, &heard)
}

/// Both streams, apart.
struct Said {
    stdout: Tail,
    stderr: Tail,
}

impl Output for Said {
    fn chunk(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Stdout => self.stdout.chunk(stream, bytes),
            Stream::Stderr => self.stderr.chunk(stream, bytes),
        }
    }
}
