//! How far a job is, read from its log as it comes.
//!
//! Bounded whatever the job prints: of a phase's output only the last lines are
//! kept, and of a line only its beginning.

use std::{collections::VecDeque, time::Duration};

use regex::Regex;

use super::{
    impact::{Back, VerifyFailure},
    job,
    observation::Death,
    preflight::{Note, Refusal},
    text::{shortened, visible},
};

/// Lines kept of the running phase.
const TAIL: usize = 60;
/// Entries kept of each list that a job tells.
const LISTED: usize = 20;
/// Characters kept of a line.
const WIDTH: usize = 400;

/// Bytes kept of a line of our own.
const MARK: usize = 64 * 1024;

/// The phases of a change, in the order in which they can come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Looks whether the change can work at all.
    Preflight,
    /// Gets the new version; nothing that runs is touched.
    Fetch,
    /// Makes its image; nothing that runs is touched.
    Build,
    /// Gets its images from a registry; nothing that runs is touched.
    Pull,
    /// The change itself.
    Switch,
    /// Whether it holds.
    Verify,
    /// It does not: what ran before is put back.
    Rollback,
}

impl Phase {
    /// The name in a job's marks, and in the room.
    pub fn name(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Fetch => "fetch",
            Self::Build => "build",
            Self::Pull => "pull",
            Self::Switch => "switch",
            Self::Verify => "verify",
            Self::Rollback => "rollback",
        }
    }

    fn named(name: &str) -> Option<Self> {
        let all = [Self::Preflight, Self::Fetch, Self::Build, Self::Pull, Self::Switch, Self::Verify, Self::Rollback];
        all.into_iter().find(|phase| phase.name() == name)
    }
}

/// What is known of a job from its log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// The phases begun, with the host's clock in seconds. The last one runs.
    pub phases: Vec<(Phase, i64)>,
    /// Step n of m of an image build, from the build's own progress.
    pub step: Option<(u32, u32)>,
    /// Commits: the one before, the one after, how many lie between.
    pub commits: Option<Commits>,
    /// The subjects of those commits, the newest first.
    pub subjects: Vec<String>,
    /// Files among those changed that say how the service is built and run.
    pub files: Vec<String>,
    /// Images that would be pulled.
    pub images: Vec<String>,
    /// Versions that are no commits: the one before, the one after.
    pub version: Option<(String, String)>,
    /// Why it was not begun.
    pub refused: Option<Refusal>,
    /// What it did or saw by the way.
    pub notes: Vec<Note>,
    /// Why what was put in place fails verification.
    pub verify_failure: Option<VerifyFailure>,
    /// How it died, where that is the trouble.
    pub death: Option<Death>,
    /// The phase that failed and its last lines, once the job is going back.
    pub failure: Option<(Phase, Vec<String>)>,
    /// How going back went.
    pub back: Option<Back>,
    /// How long nothing ran under the service's name.
    pub down: Option<Duration>,
    /// Whether it was asked to end.
    pub cancelled: bool,
    /// Whether its time was over.
    pub overdue: bool,
    /// The runtime's own line about the service before the change.
    pub before: Option<String>,
    /// The same, after it.
    pub after: Option<String>,
    /// The last lines that the tools printed in the running phase.
    pub tail: VecDeque<String>,
    /// The exit status, once the job has ended.
    pub ended: Option<u32>,
    /// When it ended, by the host's clock in seconds.
    pub ended_at: Option<i64>,
}

impl Progress {
    /// The phase that failed, if one did, and what was printed in it: the last
    /// one, or the one before the way back.
    pub fn failed(&self) -> (Option<Phase>, Vec<String>) {
        match &self.failure {
            Some((phase, output)) => (Some(*phase), output.clone()),
            None => (self.phases.last().map(|(phase, _)| *phase), self.tail.iter().cloned().collect()),
        }
    }
}

/// What a fetch brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commits {
    /// Checked out before.
    pub old: String,
    /// Checked out now.
    pub new: String,
    /// How many commits `new` has that `old` has not.
    pub count: u32,
}

/// Reads a job's log, chunk by chunk.
#[derive(Debug)]
pub struct Reader {
    mark: String,
    steps: [Regex; 2],
    line: Vec<u8>,
    /// Bytes of the log read so far: where to go on after a break.
    pub offset: u64,
    /// What they said.
    pub progress: Progress,
}

impl Reader {
    /// A reader of the log of the job with this nonce, from its start.
    pub fn new(nonce: &str) -> Self {
        let step = |pattern| Regex::new(pattern).expect("the pattern is a constant");
        Self {
            mark: job::mark(nonce),
            // BuildKit's plain progress, and the classic builder's.
            steps: [step(r"^#\d+ \[(?:[^\]]* )?(\d+)/(\d+)\]"), step(r"^Step (\d+)/(\d+) ")],
            line: Vec::new(),
            offset: 0,
            progress: Progress::default(),
        }
    }

    /// Takes the next bytes. Returns whether anything that is shown changed.
    pub fn feed(&mut self, bytes: &[u8]) -> bool {
        self.offset += bytes.len() as u64;
        let mut changed = false;
        for &byte in bytes {
            match byte {
                // Progress bars redraw a line with a carriage return.
                b'\n' | b'\r' => {
                    let line = std::mem::take(&mut self.line);
                    changed |= self.take_line(&String::from_utf8_lossy(&line));
                }
                _ if self.line.len() < WIDTH * 4 || self.is_long_mark() => self.line.push(byte),
                _ => {}
            }
        }
        changed
    }

    /// Whether it is one of our own, which may tell of many containers.
    fn is_long_mark(&self) -> bool {
        self.line.len() < MARK && self.line.starts_with(self.mark.as_bytes())
    }

    fn take_line(&mut self, line: &str) -> bool {
        if let Some(said) = line.strip_prefix(&self.mark) {
            return self.take_mark(said);
        }
        let line = clean(line);
        if line.trim().is_empty() {
            return false;
        }
        let step = self.steps.iter().find_map(|pattern| {
            let found = pattern.captures(&line)?;
            Some((found[1].parse().ok()?, found[2].parse().ok()?))
        });
        if self.progress.tail.len() == TAIL {
            self.progress.tail.pop_front();
        }
        self.progress.tail.push_back(line);
        match step {
            Some(step) if self.progress.step != Some(step) => {
                self.progress.step = Some(step);
                true
            }
            Some(_) | None => false,
        }
    }

    fn take_mark(&mut self, said: &str) -> bool {
        let progress = &mut self.progress;
        let (what, rest) = said.split_once(' ').unwrap_or((said, ""));
        let words: Vec<&str> = rest.split(' ').collect();
        match (what, &words[..]) {
            ("phase", [name, at]) => {
                let Some(phase) = Phase::named(name) else { return false };
                let tail: Vec<String> = progress.tail.drain(..).collect();
                if let (Phase::Rollback, Some((failed, _))) = (phase, progress.phases.last()) {
                    progress.failure = Some((*failed, tail));
                }
                progress.phases.push((phase, at.parse().unwrap_or(0)));
                progress.step = None;
            }
            ("commits", [old, new, count]) => {
                progress.commits =
                    Some(Commits { old: (*old).into(), new: (*new).into(), count: count.parse().unwrap_or(0) });
            }
            ("commit", _) => push(&mut progress.subjects, rest),
            ("file", _) => push(&mut progress.files, rest),
            ("image", _) => push(&mut progress.images, rest),
            ("version", [old, new]) => progress.version = Some(((*old).into(), (*new).into())),
            ("refused", _) => progress.refused = Some(Refusal::read(rest)),
            ("note", _) => {
                let note = Note::read(rest).filter(|note| !progress.notes.contains(note));
                progress.notes.extend(note.into_iter().take(LISTED.saturating_sub(progress.notes.len())));
            }
            ("trouble", _) => progress.verify_failure = VerifyFailure::read(rest),
            ("died", [code, oom]) => {
                progress.death = code.parse().ok().map(|code| Death { oom: *oom == "true", ..Death::exit(code) });
            }
            ("back", _) => progress.back = Back::read(rest),
            ("down", [millis]) => progress.down = millis.parse().ok().map(Duration::from_millis),
            ("cancelled", _) => progress.cancelled = true,
            ("overdue", _) => progress.overdue = true,
            ("before", _) => progress.before = Some(rest.to_owned()),
            ("after", _) => progress.after = Some(rest.to_owned()),
            ("done", [at]) => progress.ended_at = at.parse().ok(),
            ("end", [code]) => progress.ended = Some(code.parse().unwrap_or(255)),
            _unknown => return false,
        }
        true
    }
}

fn push(list: &mut Vec<String>, text: &str) {
    if list.len() < LISTED {
        list.push(clean(text));
    }
}

/// A line as it can be shown: nothing hidden in it, and not too long.
pub fn clean(line: &str) -> String {
    let shown = visible(line).replace('\t', "  ").replace('\n', " ");
    shortened(&shown, WIDTH).into_owned()
}
