//! What was seen of a service at a time. Never a guess: what could not be seen
//! is [`State::Unknown`] with the reason, or the host's [`SnapshotError`].

use jiff::Timestamp;

use super::{
    member::Member,
    names::{HostName, ServiceName},
};

/// What was seen of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Which service.
    pub service: ServiceName,
    /// When it was seen, by the bot's clock.
    pub at: Timestamp,
    /// What it was doing.
    pub state: State,
    /// What its own health check says.
    pub health: Health,
    /// Restarts by the engine's policy since this container was last started
    /// by hand.
    pub restarts: u32,
    /// Since when it is in this state, by the host's clock.
    pub since: Option<Timestamp>,
    /// The container's ID, by which a new container is told from an old one.
    pub id: Option<String>,
    /// Whether the engine starts it again however it ends by itself.
    pub kept_up: bool,
    /// Whether somebody asked for its end, where the runtime can tell.
    pub asked: Option<bool>,
    /// Set where it is there to do one thing and end.
    pub task: Option<Task>,
    /// What its runtime adds: where it runs, or why it does not.
    pub note: Option<String>,
    /// Its containers, where it is a project. All else is then that of the one
    /// which is worst off.
    pub members: Vec<(Member, Observation)>,
}

/// What is there to do one thing and end. How it ended is its state until it
/// runs again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Task {
    /// When it is to run next, where that is known, by the host's clock.
    pub next: Option<Timestamp>,
}

/// What a service was doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Its process runs.
    Running,
    /// It died and the engine waits before it starts it again.
    Restarting {
        /// The status its last run ended with.
        last: Death,
    },
    /// Its process ended and nothing starts it again.
    Exited(Death),
    /// Frozen by somebody.
    Paused,
    /// Made but never started.
    Created,
    /// Being removed, or could not be.
    Removing,
    /// The engine knows no such container.
    NotDeployed,
    /// Could not be read, with the reason.
    Unknown(String),
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Death {
    /// The exit status; 128 + n for signal n.
    pub code: i64,
    /// Whether the kernel killed it for memory, as the engine tells it.
    pub oom: bool,
    /// What the runtime knows beyond the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// Why a process was ended, or is not started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It gave no sign of life in time.
    Watchdog,
    /// It took too long to start, to run or to stop.
    Timeout,
    /// It failed too often in a row.
    TooOften,
    /// The kernel kept an image of it.
    CoreDump,
    /// It ended before it said that it was ready.
    NotReady,
    /// What it needs could not be had.
    NotSetUp,
    /// What is run before or after its main process failed.
    Beside,
    /// What says how to run it is broken.
    BadFile,
}

/// What a service's own health check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It has no health check.
    None,
    /// Too early to say.
    Starting,
    /// It answers.
    Healthy,
    /// It does not.
    Unhealthy,
}

/// One look at one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostReport {
    /// Which host.
    pub host: HostName,
    /// When the look began: what happened since is not in it.
    pub began: Timestamp,
    /// When it ended.
    pub at: Timestamp,
    /// What the host says of itself.
    pub facts: HostFacts,
    /// One observation per configured service, or why there is none.
    pub seen: Result<Vec<Observation>, SnapshotError>,
}

/// What a host says of itself, as far as it does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostFacts {
    /// The boot it is in: another one after each start.
    pub boot: Option<String>,
    /// How full its disks are.
    pub disks: Vec<Disk>,
    /// Which host answered, where it is one of several.
    pub answered: Option<HostName>,
    /// Why one of several runtimes did not answer. What it runs is
    /// [`State::Unknown`].
    pub down: Option<String>,
}

/// How full a disk is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Disk {
    /// Where it is mounted.
    pub mount: String,
    /// How full, in percent.
    pub percent: u32,
    /// What is left, in MiB.
    pub free: u64,
}

impl Disk {
    /// Reads a line that `df -P -k` printed; its heading is none.
    pub fn read(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, _, _, free, used, mount] = fields[..] else { return None };
        let (percent, free) = (used.strip_suffix('%')?.parse().ok()?, free.parse::<u64>().ok()?);
        Some(Self { mount: mount.to_owned(), percent, free: free / 1_024 })
    }
}

/// Why nothing could be seen on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotError {
    /// No connection, or no login. The text names the cause.
    Unreachable(String),
    /// The host answered, its container engine did not.
    Engine(String),
    /// The look did not end, or its end was lost.
    Unclear(String),
    /// It was not looked at: too much was asked of it at once.
    Busy(String),
}

impl SnapshotError {
    /// The cause, as it was told.
    pub fn cause(&self) -> &str {
        match self {
            Self::Unreachable(why) | Self::Engine(why) | Self::Unclear(why) | Self::Busy(why) => why,
        }
    }
}

impl Observation {
    /// Something of which only its state is known.
    pub fn bare(service: ServiceName, at: Timestamp, state: State) -> Self {
        Self {
            service,
            at,
            state,
            health: Health::None,
            restarts: 0,
            since: None,
            id: None,
            kept_up: false,
            asked: None,
            task: None,
            note: None,
            members: Vec::new(),
        }
    }

    /// Whether none of it runs any more.
    pub fn is_stopped(&self) -> bool {
        let rests = |state: &State| matches!(state, State::Exited(_) | State::Created);
        if self.members.is_empty() { rests(&self.state) } else { self.members.iter().all(|(_, one)| rests(&one.state)) }
    }

    /// Whether a person should look at it before anything else.
    pub fn is_trouble(&self) -> bool {
        match &self.state {
            State::Running => self.health == Health::Unhealthy,
            State::Restarting { .. } | State::Unknown(_) | State::Removing | State::NotDeployed => true,
            State::Exited(death) => death.code != 0 || death.oom,
            State::Paused | State::Created => true,
        }
    }
}

impl State {
    /// Whether it has done what it was there for, if that was one thing.
    pub fn is_done(&self) -> bool {
        self.death().is_some_and(|death| death.code == 0 && !death.oom) && matches!(self, Self::Exited(_))
    }

    /// How its last run ended, if it is dead.
    pub fn death(&self) -> Option<Death> {
        match self {
            Self::Restarting { last } | Self::Exited(last) => Some(*last),
            Self::Running | Self::Paused | Self::Created | Self::Removing | Self::NotDeployed | Self::Unknown(_) => {
                None
            }
        }
    }
}

impl Death {
    /// With a status, of which nothing else is known.
    pub const fn exit(code: i64) -> Self {
        Self { code, oom: false, reason: None }
    }

    /// The cause, in the words of a person who knows: "exit 137 (out of
    /// memory)".
    pub fn explain(self) -> String {
        let status = self.explain_status();
        match self.reason {
            None => status,
            Some(Reason::Watchdog) => format!("no sign of life for its watchdog, {status}"),
            Some(Reason::Timeout) => format!("it took too long, {status}"),
            Some(Reason::TooOften) => format!("failed too often and is not started again, {status}"),
            Some(Reason::CoreDump) => format!("{status}, core dumped"),
            Some(Reason::NotReady) => format!("it ended before it was ready, {status}"),
            Some(Reason::NotSetUp) => format!("what it needs could not be set up, {status}"),
            // No status of its own is known.
            Some(Reason::Beside) => "a command before or after its main process failed".to_owned(),
            Some(Reason::BadFile) => "its file cannot be loaded".to_owned(),
        }
    }

    fn explain_status(self) -> String {
        let code = self.code;
        if self.oom {
            return format!("exit {code}, killed: out of memory");
        }
        let meaning = match code {
            125 => "the engine could not start it",
            126 => "the command cannot be executed",
            127 => "the command was not found",
            129 => "SIGHUP",
            130 => "SIGINT",
            131 => "SIGQUIT",
            132 => "SIGILL, illegal instruction",
            134 => "SIGABRT, aborted",
            135 => "SIGBUS",
            136 => "SIGFPE",
            137 => "SIGKILL: memory, a stop timeout or a kill",
            139 => "SIGSEGV, segmentation fault",
            141 => "SIGPIPE",
            143 => "SIGTERM",
            255 if self.reason.is_none() => "255 can also mean that the engine lost the status",
            _ => return format!("exit {code}"),
        };
        format!("exit {code} ({meaning})")
    }
}
