//! `opsroom console`: the bot at a terminal, typed to through a pipe.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{ChildStdin, ExitStatus, Stdio};
use std::time::Duration;

use crate::bot::Bot;
use crate::process::{Process, append};
use crate::wait::{OrFail as _, PATIENCE};

/// A console somebody types into. It is killed when dropped.
#[derive(Debug)]
pub struct Console {
    process: Process,
    input: RefCell<Option<ChildStdin>>,
    printed: PathBuf,
    /// How much of what was printed has been read.
    read: Cell<usize>,
}

impl Console {
    #[track_caller]
    pub(crate) fn open(bot: &Bot) -> Self {
        let number = fs::read_dir(bot.dir()).or_fail("the bot's directory is gone").count();
        let (printed, log) = (bot.dir().join(format!("console-{number}")), bot.dir().join("console.log"));
        let mut command = bot.command("console");
        command.stdin(Stdio::piped()).stdout(append(&printed)).stderr(append(&log));
        let (process, pipes) = Process::adopt("the console", command, &log);
        Self { process, input: RefCell::new(pipes.stdin), printed, read: Cell::new(0) }
    }

    /// Types a line.
    #[track_caller]
    pub fn types(&self, line: &str) {
        let mut input = self.input.borrow_mut();
        let input = input.as_mut().or_fail("the console's input has ended");
        input.write_all(format!("{line}\n").as_bytes()).or_fail("nobody reads what is typed");
    }

    /// Waits until what was printed since the last reading has this in it; gives that.
    #[track_caller]
    pub fn prints(&self, expected: &str, within: Duration) -> String {
        let from = self.read.get();
        let told = self.process.wait_for(within, &format!("the console prints {expected:?}"), || {
            let all = self.printed();
            let new = all.get(from..)?;
            new.contains(expected).then(|| new.to_owned())
        });
        self.read.set(from + told.len());
        told
    }

    /// Everything it printed.
    pub fn printed(&self) -> String {
        fs::read(&self.printed).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// What it logged to standard error.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Ends its input, as Ctrl-D does, and gives its exit status.
    #[track_caller]
    pub fn leave(&self) -> ExitStatus {
        self.input.borrow_mut().take();
        self.process.wait_for(PATIENCE, "the console ends with its input", || {
            // Its end is what is waited for, not a failure: asked for before `wait_for` does.
            self.process.ended()
        })
    }
}
