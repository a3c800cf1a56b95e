//! `opsroom-lab`: runs the lab, and commands inside it.

use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, ExitCode, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use opsroom_lab::demo;
use opsroom_lab::lab::VARIABLE;
use opsroom_lab::process::leashed;
use opsroom_lab::running::Running;
use opsroom_lab::wait::{OrFail as _, wait_until};
use rustix::process::{Pid, Signal, kill_process_group};

#[derive(Parser)]
#[command(about = "Runs the lab that opsroom's tests, demonstration and benchmarks need")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Starts the shared homeserver and engine and keeps them until Ctrl-C
    Up,
    /// Plays a short conversation with the bot in a room of its own, and lets anybody join in until Ctrl-C
    Demo {
        /// The opsroom binary
        #[arg(long, env = "OPSROOM_BIN")]
        bin: PathBuf,
        /// Ends after the conversation
        #[arg(long)]
        once: bool,
    },
    /// Starts the lab, runs a command in it, tears the lab down, and ends as the command did
    Run {
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Registered first: a Ctrl-C while the parts start must tear down what there is.
    let asked_to_end = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&asked_to_end)).or_fail("cannot listen to signals");
    }
    let since = Instant::now();
    let running = Running::start();
    eprintln!("lab: up in {:.1} s: {}", since.elapsed().as_secs_f32(), running.file().display());
    match arguments.what {
        What::Up => {
            println!("export {VARIABLE}={}", running.file().display());
            wait_forever(&asked_to_end);
            ExitCode::SUCCESS
        }
        What::Demo { bin, once } => {
            let stage = demo::play(running.lab(), &bin);
            if !once {
                println!("{}", stage.invitation());
                wait_forever(&asked_to_end);
            }
            ExitCode::SUCCESS
        }
        What::Run { command } => run(&running, &command, &asked_to_end),
    }
}

fn run(running: &Running, command: &[String], asked_to_end: &AtomicBool) -> ExitCode {
    // On the leash too: a lab that is killed takes its command along.
    let mut child = leashed(&command[0])
        .args(&command[1..])
        // It is no part of the lab: it has the environment of who asked for it.
        .envs(std::env::vars_os())
        // Tests that speak to the homeserver themselves find it on this machine, whatever proxy leads out of it.
        .envs([("NO_PROXY", "127.0.0.1"), ("no_proxy", "127.0.0.1")])
        .env(VARIABLE, running.file())
        // A group of its own, so that all of it can be ended.
        .process_group(0)
        .spawn()
        .or_fail(format!("cannot run {}", command[0]));
    let group = Pid::from_child(&child);
    let status = loop {
        if let Some(status) = ended_within(&mut child, asked_to_end) {
            break status;
        }
        if asked_to_end.load(Ordering::Relaxed) {
            let _ = kill_process_group(group, Signal::TERM);
            break wait_until(Duration::from_secs(20), "the command to end", || {
                child.try_wait().or_fail("cannot wait")
            });
        }
    };
    // What the command left in its group would outlive the lab it needs.
    let _ = kill_process_group(group, Signal::KILL);
    exit_code(status)
}

/// The child's end, or nothing when somebody asks for the lab's.
fn ended_within(child: &mut Child, asked_to_end: &AtomicBool) -> Option<ExitStatus> {
    wait_until(Duration::MAX, "the command to end", || match child.try_wait().or_fail("cannot wait for the command") {
        Some(status) => Some(Some(status)),
        None if asked_to_end.load(Ordering::Relaxed) => Some(None),
        None => None,
    })
}

fn wait_forever(asked_to_end: &AtomicBool) {
    wait_until(Duration::MAX, "Ctrl-C", || asked_to_end.load(Ordering::Relaxed).then_some(()));
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
