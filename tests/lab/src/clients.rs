//! The process that everybody's clients run in. Loading one takes half a second of processor time, and there are hundreds
//! of people in a run; so a test program loads it once.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Stdio;
use std::sync::OnceLock;

use crate::lab::Lab;
use crate::process::{Process, append, leashed};
use crate::wait::OrFail as _;

/// The clients' program, carried in the harness so that it is found wherever a test runs.
const PROGRAM: &str = include_str!("../person.py");

/// See the module.
#[derive(Debug)]
pub(crate) struct Clients {
    /// The process; it ends with this one.
    pub(crate) process: Process,
    port: u16,
}

impl Clients {
    /// Those of this test program, started when first needed.
    #[track_caller]
    pub(crate) fn of(lab: &Lab) -> &'static Self {
        static CLIENTS: OnceLock<Clients> = OnceLock::new();
        CLIENTS.get_or_init(|| Self::start(lab))
    }

    #[track_caller]
    fn start(lab: &Lab) -> Self {
        let dir = lab.dir("clients");
        let program = dir.join("person.py");
        fs::write(&program, PROGRAM).or_fail("cannot write person.py");
        let log = dir.join("log");
        let mut command = leashed(lab.facts().home.join("venv/bin/python"));
        command.arg(&program).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(append(&log));
        let (process, pipes) = Process::adopt("the people's clients", command, &log);
        let mut port = String::new();
        let mut told = BufReader::new(pipes.stdout.or_fail("no pipe from the clients"));
        told.read_line(&mut port).or_fail("the clients' process told nothing");
        let port = port.trim().parse().or_fail(format!("no port: {port:?}\n{}", process.log_tail()));
        Self { process, port }
    }

    /// A connection for one more person.
    #[track_caller]
    pub(crate) fn connect(&self) -> TcpStream {
        let stream =
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).or_fail("the clients' process does not listen");
        stream.set_nodelay(true).or_fail("cannot set a socket's option");
        stream
    }
}
