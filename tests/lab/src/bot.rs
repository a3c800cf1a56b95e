//! The bot under test: the real binary with a real configuration file, in a process that can be stopped, killed and started
//! again on the same state.

use std::cell::{Cell, RefCell};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};
use std::time::Duration;

use crate::console::Console;
use crate::host::Host;
use crate::keys::Agent;
use crate::lab::Lab;
use crate::person::Speaker;
use crate::process::{Process, Signal, command, leashed, run_for};
use crate::project::Project;
use crate::room::Room;
use crate::synapse::{Account, Homeserver};
use crate::wait::{OrFail as _, PATIENCE};

/// The environment variable that names the binary, for whoever cannot say it in code.
pub const BINARY_VARIABLE: &str = "OPSROOM_BIN";

/// What the bot logs when it serves rooms; the number of them follows.
const READY: &str = "ready: in ";

/// How long it may take to be ready: a debug build derives keys slowly.
pub(crate) const READY_LIMIT: Duration = Duration::from_secs(60);

/// A bot before it runs.
#[derive(Debug)]
pub struct BotPlan {
    lab: Lab,
    homeserver: Option<Homeserver>,
    binary: Option<PathBuf>,
    rooms: Vec<Room>,
    invite: bool,
    operators: Vec<(String, String)>,
    hosts: Vec<Host>,
    services: Vec<String>,
    agent: bool,
    matrix_lines: String,
    more: String,
    environment: Vec<(String, String)>,
}

impl BotPlan {
    pub(crate) fn new(lab: Lab) -> Self {
        Self {
            lab,
            homeserver: None,
            binary: env::var_os(BINARY_VARIABLE).map(PathBuf::from),
            rooms: Vec::new(),
            invite: true,
            operators: Vec::new(),
            hosts: Vec::new(),
            services: Vec::new(),
            agent: false,
            matrix_lines: String::new(),
            more: String::new(),
            environment: Vec::new(),
        }
    }

    /// Another binary than `OPSROOM_BIN` names.
    pub fn binary(mut self, path: impl Into<PathBuf>) -> Self {
        self.binary = Some(path.into());
        self
    }

    /// Serves this room; its owner invites the bot.
    pub fn room(mut self, room: &Room) -> Self {
        self.homeserver.get_or_insert_with(|| room.owner().homeserver().clone());
        self.rooms.push(room.clone());
        self
    }

    /// Nobody invites the bot to its rooms.
    pub fn uninvited(mut self) -> Self {
        self.invite = false;
        self
    }

    /// Obeys this person in everything.
    pub fn operator(self, person: &dyn Speaker) -> Self {
        self.operator_as(person, "admin")
    }

    /// Obeys this person as far as the role goes.
    pub fn operator_as(mut self, person: &dyn Speaker, role: &str) -> Self {
        self.operators.push((person.user().to_owned(), role.to_owned()));
        self
    }

    /// Knows this host (and the one it is behind).
    pub fn host(mut self, host: &Host) -> Self {
        if let Some(jump) = host.jump() {
            self = self.host(jump);
        }
        if !self.hosts.iter().any(|known| known.name() == host.name()) {
            self.hosts.push(host.clone());
        }
        self
    }

    /// Knows this service, under the name the test gave it.
    pub fn service(self, project: &Project) -> Self {
        self.service_with(project, "")
    }

    /// Knows this service, with more lines of TOML for it.
    pub fn service_with(self, project: &Project, lines: &str) -> Self {
        self.service_of(project, ("container", project.container()), lines)
    }

    /// All of a project as one service.
    pub fn whole(self, project: &Project, lines: &str) -> Self {
        self.service_of(project, ("project", project.compose_name()), lines)
    }

    fn service_of(mut self, project: &Project, workload: (&str, &str), lines: &str) -> Self {
        let mut text = "\n[[service]]\n".to_owned();
        let dir = project.dir().display().to_string();
        for (key, value) in [
            ("name", project.name()),
            ("host", project.host().name()),
            ("runtime", "docker"),
            workload,
            ("dir", &dir),
            ("branch", project.branch()),
        ] {
            let _ = writeln!(text, "{key} = {value:?}");
        }
        if let Some(user) = project.run_as() {
            let _ = writeln!(text, "run_as = {user:?}");
        }
        text.push_str(lines);
        text.push('\n');
        self.services.push(text);
        self.host(&project.host().clone())
    }

    /// Opens its hosts with what this agent holds, instead of with the lab's key.
    pub fn agent(mut self, agent: &Agent) -> Self {
        self.agent = true;
        self.environment("SSH_AUTH_SOCK", &agent.socket().display().to_string())
    }

    /// More lines for `[matrix]`.
    pub fn matrix_config(mut self, lines: &str) -> Self {
        self.matrix_lines.push_str(lines);
        self.matrix_lines.push('\n');
        self
    }

    /// More TOML, at the end of the file.
    pub fn config(mut self, toml: &str) -> Self {
        self.more.push_str(toml);
        self.more.push('\n');
        self
    }

    /// An environment variable for the process.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Registers the bot, has it invited, writes its configuration, starts it and waits until it is ready.
    #[track_caller]
    pub fn start(self) -> Bot {
        let bot = self.prepare();
        bot.launch();
        bot.wait_until_ready();
        bot
    }

    /// As [`Self::start`], but the process is not started.
    #[track_caller]
    pub fn prepare(self) -> Bot {
        let homeserver = self.homeserver.clone().unwrap_or_else(|| self.lab.homeserver());
        let account = homeserver.register("opsroom");
        let dir = self.lab.dir("bot");
        let binary = self.the_binary();
        secret(&dir.join("password"), &account.password);
        let config = self.config_text(
            &account.user,
            &Outlook {
                homeserver: homeserver.url(),
                password: dir.join("password"),
                recovery_key: dir.join("recovery-key"),
                key: self.lab.key().path().to_owned(),
                state: dir.join("state"),
                wired: false,
            },
        );
        fs::write(dir.join("opsroom.toml"), config).or_fail("cannot write the bot's configuration");
        let bot = Bot {
            log: dir.join("opsroom.log"),
            process: RefCell::new(None),
            log_mark: Cell::new(0),
            ready: self.ready_line(),
            environment: self.environment.clone(),
            account,
            binary,
            dir,
        };
        self.send_invites(&bot);
        bot
    }

    #[track_caller]
    pub(crate) fn the_binary(&self) -> PathBuf {
        let binary = self.binary.clone();
        binary.or_fail(format!("which opsroom? Set {BINARY_VARIABLE}, or say .binary(env!(\"CARGO_BIN_EXE_opsroom\"))"))
    }

    pub(crate) fn config_text(&self, user: &str, outlook: &Outlook<'_>) -> String {
        // Rust's debug quoting of these plain strings is TOML's.
        let quoted = |path: &Path| format!("{:?}", path.display().to_string());
        let mut text = format!(
            "[matrix]\nhomeserver = {:?}\nuser = {user:?}\npassword_file = {}\nrecovery_key_file = {}\n{}\n[state]\ndir = {}\n",
            outlook.homeserver,
            quoted(&outlook.password),
            quoted(&outlook.recovery_key),
            self.matrix_lines,
            quoted(&outlook.state),
        );
        for room in &self.rooms {
            let _ = write!(text, "\n[[room]]\nid = {:?}\n", room.alias());
        }
        for (user, role) in &self.operators {
            let _ = write!(text, "\n[[operator]]\nuser = {user:?}\nrole = {role:?}\n");
        }
        let identity =
            if self.agent { "agent = true".to_owned() } else { format!("key_file = {}", quoted(&outlook.key)) };
        for host in &self.hosts {
            let _ = write!(
                text,
                "\n[[host]]\nname = {:?}\naddress = {:?}\nport = {}\nuser = {:?}\n{identity}\nhost_key = {:?}\n",
                host.name(),
                if outlook.wired { host.wired_address() } else { host.address() },
                host.port(),
                host.user(),
                host.host_key(),
            );
            if let Some(jump) = host.jump() {
                let _ = writeln!(text, "jump = {:?}", jump.name());
            }
        }
        text.push_str(&self.services.concat());
        text.push_str(&with_disks_of_any_fullness(&self.more));
        text
    }

    /// Its owner invites the bot to each of its rooms, unless nobody is to.
    #[track_caller]
    pub(crate) fn send_invites(&self, bot: &dyn Speaker) {
        if self.invite {
            for room in &self.rooms {
                room.owner().invites(room, bot);
            }
        }
    }

    /// What the bot logs when it serves all its rooms. A room it has to be invited to first is served some time later.
    pub(crate) fn ready_line(&self) -> String {
        format!("{READY}{} ", if self.invite { self.rooms.len() } else { 0 })
    }
}

/// Where things are, as the bot sees them.
#[derive(Debug)]
pub(crate) struct Outlook<'a> {
    pub(crate) homeserver: &'a str,
    pub(crate) password: PathBuf,
    pub(crate) recovery_key: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) state: PathBuf,
    /// Hosts are reached over their second cable.
    pub(crate) wired: bool,
}

/// The bot, running or not. It is killed when dropped.
#[derive(Debug)]
pub struct Bot {
    account: Account,
    binary: PathBuf,
    dir: PathBuf,
    log: PathBuf,
    /// What it logs when it serves all its rooms.
    ready: String,
    environment: Vec<(String, String)>,
    process: RefCell<Option<Process>>,
    /// Where the log of the current process begins.
    log_mark: Cell<usize>,
}

impl Speaker for Bot {
    fn user(&self) -> &str {
        &self.account.user
    }
}

impl Bot {
    /// Its directory: configuration, state, log.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its configuration file.
    pub fn config_path(&self) -> PathBuf {
        self.dir.join("opsroom.toml")
    }

    /// Its password.
    pub fn password(&self) -> &str {
        &self.account.password
    }

    /// Rewrites the configuration file.
    #[track_caller]
    pub fn change_config(&self, change: impl FnOnce(String) -> String) {
        let path = self.config_path();
        let text = fs::read_to_string(&path).or_fail("cannot read the bot's configuration");
        fs::write(&path, change(text)).or_fail("cannot write the bot's configuration");
    }

    /// Starts the process without waiting for it.
    #[track_caller]
    pub fn launch(&self) {
        assert!(
            self.process.borrow().as_ref().is_none_or(|old| old.ended().is_some()),
            "lab: the bot is running already"
        );
        self.log_mark.set(self.whole_log().len());
        *self.process.borrow_mut() = Some(Process::start("the bot", self.command("run"), &self.log));
    }

    /// Waits until the bot says that it serves its rooms.
    #[track_caller]
    pub fn wait_until_ready(&self) {
        self.with_process(|process| {
            process.wait_for(READY_LIMIT, "the bot is ready", || self.log().contains(&self.ready).then_some(()))
        });
    }

    /// Ends it as a service manager would; gives its exit status.
    #[track_caller]
    pub fn stop(&self) -> ExitStatus {
        self.with_process(|process| process.stop(PATIENCE))
    }

    /// Kills it.
    #[track_caller]
    pub fn kill(&self) {
        self.with_process(Process::kill);
    }

    /// Starts it again on the same state, and waits until it is ready.
    #[track_caller]
    pub fn start_again(&self) {
        self.launch();
        self.wait_until_ready();
    }

    /// Sends any signal: HUP for a new configuration, STOP to make it hang.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        self.with_process(|process| process.signal(signal));
    }

    /// How it ended, if it has.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.process.borrow().as_ref().and_then(Process::ended)
    }

    /// Its process ID.
    #[track_caller]
    pub fn pid(&self) -> u32 {
        self.with_process(Process::pid)
    }

    /// Its memory, in KiB: resident, and the part of it that is shared with nobody and no file.
    #[track_caller]
    pub fn memory(&self) -> (u64, u64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).or_fail("the bot is gone");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
        };
        (field("VmRSS"), field("RssAnon"))
    }

    /// What the current process logged.
    pub fn log(&self) -> String {
        self.whole_log().get(self.log_mark.get()..).unwrap_or_default().to_owned()
    }

    /// What every process of it logged.
    pub fn whole_log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Opens `opsroom console` on the bot's state.
    #[track_caller]
    pub fn console(&self) -> Console {
        Console::open(self)
    }

    /// A [`leashed`] command line of the binary, with this configuration.
    pub(crate) fn command(&self, subcommand: &str) -> Command {
        let mut command = leashed(&self.binary);
        command.args([subcommand, "--config"]).arg(self.config_path());
        self.surround(&mut command);
        command
    }

    /// Runs another subcommand of the binary with this configuration: `check`, `doctor`, `audit`…
    #[track_caller]
    pub fn tool(&self, args: &[&str]) -> Output {
        let mut command = command(&self.binary);
        command.args(args).arg("--config").arg(self.config_path());
        self.surround(&mut command);
        run_for(&mut command)
    }

    /// Its home is its own directory: nobody's known_hosts or ssh_config is there.
    fn surround(&self, command: &mut Command) {
        command.env("HOME", &self.dir).envs(self.environment.iter().map(|(name, value)| (name, value)));
    }

    #[track_caller]
    fn with_process<T>(&self, act: impl FnOnce(&Process) -> T) -> T {
        act(self.process.borrow().as_ref().or_fail("the bot was never started"))
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.whole_log();
            let lines: Vec<_> = log.lines().collect();
            eprintln!("the bot's log ends with:\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
        }
    }
}

#[track_caller]
fn secret(path: &Path, text: &str) {
    fs::write(path, text).or_fail("cannot write a secret");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).or_fail("cannot protect a secret");
}

/// How full the disk of the machine is on which the tests run is no story of theirs.
fn with_disks_of_any_fullness(more: &str) -> String {
    const WATCH: &str = "[watch]\n";
    match more.split_once(WATCH) {
        Some((_, watch)) if watch.contains("disk = ") => more.to_owned(),
        Some((before, after)) => format!("{before}{WATCH}disk = 100\n{after}"),
        None => format!("{more}\n{WATCH}disk = 100\n"),
    }
}
