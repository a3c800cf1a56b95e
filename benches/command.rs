//! A command on a connection that stands, against OpenSSH's client over a
//! ControlMaster to the same host.

use opsroom::{
    domain::output::Exit,
    ports::{Exec, Output, Remote as _, Stdin, Stream},
};
use opsroom_lab::Lab;
use std::time::Duration;

use crate::{
    fleet::{self, OpenSsh, Sleepers},
    samples::Samples,
    table::{Goal, Row},
};

const ROUNDS: usize = 100;
const WARM_UP: usize = 5;

pub(crate) fn measure(lab: &Lab) -> Vec<Row> {
    let host = lab.host("spark");
    let sleepers = Sleepers::start(lab, 1);
    let openssh = OpenSsh::to(lab, std::slice::from_ref(&host));
    let _master = openssh.master(&host);
    let remote = fleet::remote(&host);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let inspect = format!("docker inspect -f '{{{{.State.Status}}}}|{{{{.RestartCount}}}}' {}", sleepers.names[0]);
    let mut rows = Vec::new();
    for (what, command) in [("`true`", "true"), ("`docker inspect` of one container", inspect.as_str())] {
        let [mut ours, mut theirs] = [const { Samples::new() }; 2];
        for round in 0..WARM_UP + ROUNDS {
            if round == WARM_UP {
                [ours, theirs] = [const { Samples::new() }; 2];
            }
            ours.time(|| runtime.block_on(run(&remote, command)));
            theirs.time(|| openssh.run(&host, command));
        }
        let what = format!("warm {what}, against ssh with ControlMaster");
        // The goal is for what the connection costs; docker costs both the same.
        let goal = if command == "true" { Goal::AtMost(0.5) } else { Goal::None };
        rows.push(Row::ratio(&what, &ours, &theirs, goal));
    }
    rows
}

/// Runs a command that must succeed.
pub(crate) async fn run(remote: &opsroom::ssh::SshRemote, command: &str) {
    let exec = Exec { command: command.to_owned(), limit: Duration::from_secs(60), stdin: Stdin::Empty };
    let ended = remote.exec(exec, &mut Nothing).await;
    assert_eq!(ended, Ok(Exit::Code(0)), "{command}");
}

/// Output that nobody wants.
struct Nothing;

impl Output for Nothing {
    fn chunk(&mut self, _: Stream, _: &[u8]) {}
}
