//! What simulated services are, and what the tools of their runtimes print
//! about them.

use std::fmt::Write as _;

use jiff::Timestamp;

/// Containers of a simulated project.
pub(crate) const MEMBERS: usize = 4;
const PARTS: [&str; MEMBERS] = ["app", "cache", "db", "proxy"];
const IMAGE: &str = "registry.example.org/app:1";
const NEVER: &str = "0001-01-01T00:00:00Z";

/// What a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A container of Docker.
    Container,
    /// A Compose project of [`MEMBERS`] containers.
    Project,
    /// A container of Podman.
    Podman,
    /// A unit of systemd.
    Unit,
}

/// A service as its host sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Simulated {
    pub(super) kind: Kind,
    /// Its place on its host.
    pub(super) place: usize,
    /// No other one of any host has it.
    pub(super) number: usize,
    pub(super) born: Timestamp,
    /// When it ended; of a project, when its first member did.
    pub(super) died: Option<Timestamp>,
}

impl Kind {
    /// The lines that tell the bot what runs it.
    pub(super) fn config(self, place: usize) -> String {
        let name = self.name(place);
        match self {
            Self::Container => format!("runtime = \"docker\"\ncontainer = {name:?}\n"),
            Self::Project => format!("runtime = \"docker\"\nproject = {name:?}\n"),
            Self::Podman => format!("runtime = \"podman\"\ncontainer = {name:?}\n"),
            Self::Unit => format!("runtime = \"systemd\"\nunit = {name:?}\n"),
        }
    }

    fn name(self, place: usize) -> String {
        match self {
            Self::Container => format!("c{place}"),
            Self::Project => format!("p{place}"),
            Self::Podman => format!("k{place}"),
            Self::Unit => format!("u{place}.service"),
        }
    }

    /// What the bot calls the runtime.
    pub(super) fn runtime(self) -> &'static str {
        match self {
            Self::Container | Self::Project => "Docker",
            Self::Podman => "Podman",
            Self::Unit => "systemd",
        }
    }

    /// What a command has in it that listens to the runtime.
    pub(super) fn stream(self) -> &'static str {
        match self {
            Self::Container | Self::Project => "docker events",
            Self::Podman => "podman events",
            Self::Unit => "journalctl -f",
        }
    }
}

impl Simulated {
    fn name(&self) -> String {
        self.kind.name(self.place)
    }

    fn id(&self, member: usize) -> String {
        format!("{:064x}", (self.number + 1) * MEMBERS + member)
    }

    /// Appends what a look prints about it, with labels if it asks for those.
    pub(super) fn look(&self, text: &mut String, labels: bool) {
        let (name, born) = (self.name(), self.born);
        let state = |died: Option<Timestamp>| match died {
            None => format!("running|{born}|{NEVER}|0|0|false||no"),
            Some(at) => format!("exited|{born}|{at}|0|3|false||no"),
        };
        let _ = match self.kind {
            Kind::Container => {
                let none = if labels { "|\"\"|\"\"|\"\"" } else { "" };
                writeln!(text, "/{name}|{}|{}{none}", self.id(0), state(self.died))
            }
            Kind::Project => PARTS.iter().enumerate().try_for_each(|(member, part)| {
                let state = state(self.died.filter(|_| member == 0));
                writeln!(text, "/{name}-{part}-1|{}|{state}|\"{name}\"|\"{part}\"|\"1\"", self.id(member))
            }),
            Kind::Podman => {
                let state = state(self.died).replace(NEVER, &format!("{NEVER:?}"));
                writeln!(text, "{name}|{}|{state}\nstopped=false", self.id(0))
            }
            Kind::Unit => self.block(text),
        };
    }

    /// A unit, as `systemctl show` does it.
    fn block(&self, text: &mut String) -> std::fmt::Result {
        let time = |at: Timestamp| at.strftime("%a %Y-%m-%d %H:%M:%S UTC").to_string();
        let (name, born, ended) = (self.name(), time(self.born), self.died.map(time));
        let (state, sub, result, code) = match self.died {
            None => ("active", "running", "success", "ExecMainCode=0\nExecMainStatus=0"),
            Some(_) => ("failed", "failed", "exit-code", "ExecMainCode=1\nExecMainStatus=3"),
        };
        let (exited, at) = if self.died.is_some() { (7_000_000_001_u64, 7_000_000_000_u64) } else { (0, 0) };
        write!(
            text,
            "Type=simple\nRestart=no\nResult={result}\nNRestarts=0\nExecMainStartTimestampMonotonic=6537082000\n\
             ExecMainExitTimestampMonotonic={at}\n{code}\nId={name}\nNames={name}\nLoadState=loaded\n\
             ActiveState={state}\nSubState={sub}\nStateChangeTimestamp={}\nActiveEnterTimestamp={born}\n\
             ActiveEnterTimestampMonotonic=6537082238\nActiveExitTimestampMonotonic={exited}\n\
             InactiveEnterTimestamp={}\nConditionResult=yes\nConditionTimestampMonotonic=6537081000\n\n",
            ended.as_deref().unwrap_or(&born),
            ended.as_deref().unwrap_or_default(),
        )
    }

    /// What its runtime tells as it ends.
    pub(super) fn end(&self, at: Timestamp) -> String {
        let (name, id, seconds, nanoseconds) = (self.name(), self.id(0), at.as_second(), at.as_nanosecond());
        let docker = |name: &str, labels: &str| {
            format!(
                "{{\"status\":\"die\",\"id\":\"{id}\",\"from\":\"{IMAGE}\",\"Type\":\"container\",\"Action\":\"die\",\"Actor\":\
                 {{\"ID\":\"{id}\",\"Attributes\":{{{labels}\"exitCode\":\"3\",\"image\":\"{IMAGE}\",\"name\":\"{name}\"}}}},\
                 \"scope\":\"local\",\"time\":{seconds},\"timeNano\":{nanoseconds}}}\n"
            )
        };
        match self.kind {
            Kind::Container => docker(&name, ""),
            Kind::Project => {
                let (part, compose) = (PARTS[0], "com.docker.compose");
                let labels = format!(
                    "\"{compose}.container-number\":\"1\",\"{compose}.oneoff\":\"False\",\"{compose}.project\":\"{name}\",\
                     \"{compose}.service\":\"{part}\","
                );
                docker(&format!("{name}-{part}-1"), &labels)
            }
            Kind::Podman => format!(
                "{{\"ContainerExitCode\":3,\"ID\":\"{id}\",\"Image\":\"{IMAGE}\",\"Name\":\"{name}\",\"Status\":\"died\",\
                 \"time\":{seconds},\"timeNano\":{nanoseconds},\"Type\":\"container\",\"Attributes\":null}}\n"
            ),
            // That a main process ended, and not well (`journalctl --list-catalog`).
            Kind::Unit => format!(
                "{{\"__REALTIME_TIMESTAMP\":\"{}\",\"_PID\":\"1\",\"MESSAGE_ID\":\"98e322203f7a4ed290d09fe03c09fe15\",\
                 \"UNIT\":{name:?},\"EXIT_CODE\":\"exited\",\"EXIT_STATUS\":\"3\",\
                 \"MESSAGE\":\"{name}: Main process exited, code=exited, status=3/NOTIMPLEMENTED\"}}\n",
                nanoseconds / 1_000
            ),
        }
    }
}
