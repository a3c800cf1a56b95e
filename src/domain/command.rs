//! The command grammar: one table drives parsing, help and suggestions.

use jiff::{SignedDuration, Span, SpanRelativeTo};

use super::{
    access::Role,
    change::{Change, Wanted},
    inbound::Me,
    names::{BadName, Version},
    phone,
    selector::{NoMatch, Selector},
    suggest,
};

/// What somebody asks for. Services are still as written: whether they exist
/// is the inventory's to say.
#[derive(Debug, Clone)]
pub enum Command {
    /// How to use this, or one command.
    Help {
        /// The command asked about.
        about: Option<String>,
    },
    /// Are you there?
    Ping,
    /// Who am I to you?
    Whoami,
    /// How are they?
    Status {
        /// Which; none means all.
        selectors: Vec<Selector>,
    },
    /// What did it print?
    Logs {
        /// The service as written.
        service: String,
        /// How many lines from the end.
        lines: u32,
    },
    /// Do that to it.
    Change {
        /// What to do.
        wanted: Wanted,
        /// The service as written.
        service: String,
    },
    /// What would an update of it bring?
    Preview {
        /// The service as written.
        service: String,
    },
    /// What is under way?
    Operations,
    /// End it.
    Cancel {
        /// The operation's number or the service, as written.
        which: String,
    },
    /// What is wrong?
    Alerts,
    /// I am on it.
    Ack {
        /// Alerts by number or by what they are about, as written.
        which: Vec<String>,
    },
    /// Do not ring for these.
    Silence {
        /// Of which services.
        selector: Selector,
        /// For how long.
        length: SignedDuration,
        /// Why.
        reason: Option<String>,
    },
    /// Ring again.
    Unsilence {
        /// The silence by its selector, as written.
        which: String,
    },
    /// What was done?
    History {
        /// A service or an operation's number, as written; none means all.
        about: Option<String>,
    },
}

/// One command of the table.
#[derive(Debug)]
pub struct Spec {
    /// What is typed, without the prefix.
    pub name: &'static str,
    /// Other words for it.
    pub aliases: &'static [&'static str],
    /// What follows the name.
    pub arguments: &'static str,
    /// One line for the list.
    pub summary: &'static str,
    /// What else there is to know, for `!help <command>`.
    pub detail: &'static str,
    /// Who may give it.
    pub needs: Role,
    read: fn(&[&str]) -> Result<Command, Fault>,
}

/// Every command there is, in the order of the help.
pub static TABLE: &[Spec] = &[
    Spec {
        name: "status",
        aliases: &["st", "ps"],
        arguments: "[selector…]",
        summary: "how services are; troubled ones first",
        detail: "Selectors: a name, `host:`, `@tag`, a glob like `web-*`, `all`. Without one: everything.",
        needs: Role::Viewer,
        read: |args| {
            let selectors =
                args.iter().map(|s| Selector::parse(s)).collect::<Result<_, _>>().map_err(Fault::Selector)?;
            Ok(Command::Status { selectors })
        },
    },
    Spec {
        name: "logs",
        aliases: &["log"],
        arguments: "<service> [lines]",
        summary: "the last lines it printed",
        detail: "100 lines unless said otherwise, 5000 at most. What is too long for a phone comes as a file.",
        needs: Role::Viewer,
        read: |args| match args {
            [service] => Ok(Command::Logs { service: (*service).into(), lines: 100 }),
            [service, lines] => match lines.parse() {
                Ok(lines @ 1..=5000) => Ok(Command::Logs { service: (*service).into(), lines }),
                Ok(_) | Err(_) => Err(Fault::Lines((*lines).to_owned())),
            },
            [] => Err(Fault::Missing("service")),
            [_, _, extra, ..] => Err(Fault::Extra((*extra).to_owned())),
        },
    },
    Spec {
        name: "restart",
        aliases: &[],
        arguments: "<service>",
        summary: "restart its container",
        detail: "Runs `docker restart`, then looks again and says what it sees.",
        needs: Role::Operator,
        read: |args| change(Change::Restart, args),
    },
    Spec {
        name: "update",
        aliases: &["deploy"],
        arguments: "<service> [--dry-run] [--discard]",
        summary: "fetch, build and put in place",
        detail: "Gets the newest version and builds it in full, then replaces the container and watches whether it \
                 holds. What fails before that leaves what runs alone; what does not hold is taken back. Ignored files, \
                 such as secrets, stay. `--dry-run` only says what is new; `--discard` sets local changes in the clone \
                 aside.",
        needs: Role::Operator,
        read: update,
    },
    Spec {
        name: "diff",
        aliases: &["new"],
        arguments: "<service>",
        summary: "what an update would bring",
        detail: "Fetches, and tells the commits. Nothing that runs is touched.",
        needs: Role::Viewer,
        read: |args| one(args).map(|service| Command::Preview { service }),
    },
    Spec {
        name: "rollback",
        aliases: &["revert"],
        arguments: "<service> [commit] [--discard]",
        summary: "go back to the last version that held",
        detail: "Its images are kept, so that takes seconds. A commit that was never in place is built.",
        needs: Role::Operator,
        read: rollback,
    },
    Spec {
        name: "stop",
        aliases: &[],
        arguments: "<service>",
        summary: "stop its container",
        detail: "Runs `docker stop`. Whoever stops a service through me is not woken because it stands still.",
        needs: Role::Operator,
        read: |args| change(Change::Stop, args),
    },
    Spec {
        name: "start",
        aliases: &["up"],
        arguments: "<service>",
        summary: "start it, or deploy it where it is not",
        detail: "Runs `docker compose up -d` in its directory, or `docker start` where it has none.",
        needs: Role::Operator,
        read: |args| change(Change::Start, args),
    },
    Spec {
        name: "ops",
        aliases: &["operations", "jobs"],
        arguments: "",
        summary: "what is under way, and whose it is",
        detail: "",
        needs: Role::Viewer,
        read: |args| nothing(args, Command::Operations),
    },
    Spec {
        name: "cancel",
        aliases: &["abort"],
        arguments: "<number or service>",
        summary: "call a change off",
        detail: "Tells its job on the host to end, and looks whether it has. Before anything that runs was touched, that \
                 is all; later, what ran before is put back.",
        needs: Role::Operator,
        read: |args| match args {
            [which] => Ok(Command::Cancel { which: (*which).to_owned() }),
            [] => Err(Fault::Missing("operation")),
            [_, extra, ..] => Err(Fault::Extra((*extra).to_owned())),
        },
    },
    Spec {
        name: "history",
        aliases: &["past"],
        arguments: "[service or number]",
        summary: "who changed what, and how it went",
        detail: "The last changes, of all services or of one. With an operation's number: everything about it, and the \
                 script that ran as a file.",
        needs: Role::Viewer,
        read: |args| match args {
            [] => Ok(Command::History { about: None }),
            [about] => Ok(Command::History { about: Some((*about).to_owned()) }),
            [_, extra, ..] => Err(Fault::Extra((*extra).to_owned())),
        },
    },
    Spec {
        name: "alerts",
        aliases: &["incidents"],
        arguments: "",
        summary: "what is wrong, who is on it, what is silenced",
        detail: "",
        needs: Role::Viewer,
        read: |args| nothing(args, Command::Alerts),
    },
    Spec {
        name: "ack",
        aliases: &[],
        arguments: "<number, service, host or all> […]",
        summary: "say that you are on an alert",
        detail: "It then rings no more unless it gets worse. Answering an alert with `ack` does the same.",
        needs: Role::Operator,
        read: |args| match args {
            [] => Err(Fault::Missing("alert")),
            which => Ok(Command::Ack { which: which.iter().map(|w| (*w).to_owned()).collect() }),
        },
    },
    Spec {
        name: "silence",
        aliases: &["mute"],
        arguments: "<selector> <time> [reason]",
        summary: "let troubles ring no phone for a while",
        detail: "A time is like `30m`, `2h` or `3d`. What happens meanwhile is told silently; what is still wrong \
                 afterwards rings.",
        needs: Role::Operator,
        read: silence,
    },
    Spec {
        name: "unsilence",
        aliases: &["unmute"],
        arguments: "<selector or all>",
        summary: "let them ring again",
        detail: "",
        needs: Role::Operator,
        read: |args| one(args).map(|which| Command::Unsilence { which }),
    },
    Spec {
        name: "whoami",
        aliases: &[],
        arguments: "",
        summary: "who you are to me, and what you may do",
        detail: "",
        needs: Role::Viewer,
        read: |args| nothing(args, Command::Whoami),
    },
    Spec {
        name: "ping",
        aliases: &[],
        arguments: "",
        summary: "am I there?",
        detail: "",
        needs: Role::Viewer,
        read: |args| nothing(args, Command::Ping),
    },
    Spec {
        name: "help",
        aliases: &["?", "h"],
        arguments: "[command]",
        summary: "this list, or more about one command",
        detail: "",
        needs: Role::Viewer,
        read: |args| match args {
            [] => Ok(Command::Help { about: None }),
            [about, ..] => Ok(Command::Help { about: Some((*about).to_owned()) }),
        },
    },
];

/// What is wrong with a command's arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It needs one more, of this kind.
    Missing(&'static str),
    /// It takes no such one.
    Extra(String),
    /// Not a number of lines.
    Lines(String),
    /// Not a length of time.
    Time(String),
    /// Not a selector.
    Selector(NoMatch),
    /// Not a version.
    Version(BadName),
}

/// What a message turned out to be.
#[derive(Debug)]
pub enum Reading {
    /// People talking.
    NotForMe,
    /// A command.
    Command(Command),
    /// Addressed to the bot, but no command of that name.
    NoSuchCommand {
        /// As it was written.
        written: String,
        /// The nearest that exists.
        nearest: Option<&'static str>,
    },
    /// A command with the wrong arguments.
    Misused {
        /// Which one.
        spec: &'static Spec,
        /// What is wrong.
        fault: Fault,
    },
}

impl Command {
    /// Its name in the table.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Help { .. } => "help",
            Self::Ping => "ping",
            Self::Whoami => "whoami",
            Self::Status { .. } => "status",
            Self::Logs { .. } => "logs",
            Self::Change { wanted, .. } => wanted.change.command(),
            Self::Preview { .. } => "diff",
            Self::Operations => "ops",
            Self::Cancel { .. } => "cancel",
            Self::Alerts => "alerts",
            Self::Ack { .. } => "ack",
            Self::Silence { .. } => "silence",
            Self::Unsilence { .. } => "unsilence",
            Self::History { .. } => "history",
        }
    }

    /// Whether it changes something: on a host, or in what people are told.
    pub fn changes(&self) -> bool {
        match self {
            Self::Change { .. }
            | Self::Cancel { .. }
            | Self::Ack { .. }
            | Self::Silence { .. }
            | Self::Unsilence { .. } => true,
            Self::Help { .. }
            | Self::Ping
            | Self::Whoami
            | Self::Status { .. }
            | Self::Logs { .. }
            | Self::Preview { .. }
            | Self::Operations
            | Self::Alerts
            | Self::History { .. } => false,
        }
    }

    /// The least role that may give it.
    pub fn needs(&self) -> Role {
        // A command that the table does not know is nobody's but an admin's.
        spec(self.name()).map_or(Role::Admin, |spec| spec.needs)
    }
}

/// The table's entry of that name or alias.
pub fn spec(name: &str) -> Option<&'static Spec> {
    TABLE.iter().find(|spec| spec.name == name || spec.aliases.contains(&name))
}

/// The nearest name in the table.
pub fn nearest(written: &str) -> Option<&'static str> {
    let found = suggest::nearest(written, TABLE.iter().map(|spec| spec.name.to_owned()))?;
    TABLE.iter().map(|spec| spec.name).find(|name| *name == found)
}

/// Reads a message. `addressed` says whether it mentions the bot.
pub fn read(body: &str, addressed: bool, prefix: &str, me: &Me) -> Reading {
    let Some(text) = behind_prefix(body, prefix).or_else(|| addressed.then(|| behind_name(body, me)).flatten()) else {
        return Reading::NotForMe;
    };
    let words = phone::words(text);
    let Some((first, rest)) = words.split_first() else {
        return Reading::Command(Command::Help { about: None });
    };
    let name = first.to_lowercase();
    let Some(spec) = spec(&name) else {
        // "!!", "!?" and "!1" are how people talk.
        if !name.starts_with(char::is_alphabetic) {
            return Reading::NotForMe;
        }
        return Reading::NoSuchCommand { written: first.clone(), nearest: nearest(&name) };
    };
    let args: Vec<&str> = rest.iter().map(String::as_str).collect();
    match (spec.read)(&args) {
        Ok(command) => Reading::Command(command),
        Err(fault) => Reading::Misused { spec, fault },
    }
}

fn behind_prefix<'a>(body: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = body.trim_start().strip_prefix(prefix)?;
    (!rest.trim().is_empty()).then_some(rest)
}

/// `opsroom: status`, `@opsroom:example.org status`: clients write a mention
/// as the display name or the ID, with or without a colon.
fn behind_name<'a>(body: &'a str, me: &Me) -> Option<&'a str> {
    let body = body.trim_start();
    let names = [Some(me.user.as_str()), me.display_name.as_deref(), Some(me.user.localpart())];
    let rest = names.into_iter().flatten().find_map(|name| {
        let bare = body.strip_prefix('@').unwrap_or(body);
        [body, bare].into_iter().find_map(|text| {
            let head = text.get(..name.len())?;
            head.eq_ignore_ascii_case(name).then(|| &text[name.len()..])
        })
    })?;
    let rest = rest.strip_prefix([':', ',']).unwrap_or(rest);
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some(rest)
}

fn change(change: Change, args: &[&str]) -> Result<Command, Fault> {
    Ok(Command::Change { wanted: Wanted::plain(change), service: one(args)? })
}

fn update(args: &[&str]) -> Result<Command, Fault> {
    let (flags, rest) = flags(args, &["--dry-run", "--discard"])?;
    let service = one(&rest)?;
    if flags.contains(&"--dry-run") {
        return Ok(Command::Preview { service });
    }
    let discard = flags.contains(&"--discard");
    Ok(Command::Change { wanted: Wanted { discard, ..Wanted::plain(Change::Update) }, service })
}

fn rollback(args: &[&str]) -> Result<Command, Fault> {
    let (flags, rest) = flags(args, &["--discard"])?;
    let (service, version) = match rest[..] {
        [service, version] => {
            (one(&[service])?, Some(Version::parse(&version.to_lowercase()).map_err(Fault::Version)?))
        }
        _ => (one(&rest)?, None),
    };
    let wanted = Wanted { change: Change::Rollback, discard: flags.contains(&"--discard"), version };
    Ok(Command::Change { wanted, service })
}

fn silence(args: &[&str]) -> Result<Command, Fault> {
    let [selector, length, reason @ ..] = args else {
        return Err(Fault::Missing(if args.is_empty() { "service" } else { "time" }));
    };
    let selector = Selector::parse(selector).map_err(Fault::Selector)?;
    let length = length_of_time(length).ok_or_else(|| Fault::Time((*length).to_owned()))?;
    let reason = (!reason.is_empty()).then(|| reason.join(" ").chars().take(200).collect());
    Ok(Command::Silence { selector, length, reason })
}

/// "30m", "1h30m", "3d": more than nothing, and a year at most.
fn length_of_time(text: &str) -> Option<SignedDuration> {
    let span: Span = text.parse().ok()?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    (length.is_positive() && length <= SignedDuration::from_hours(24 * 366)).then_some(length)
}

/// The flags among the arguments, and the others.
fn flags<'a>(args: &[&'a str], known: &[&str]) -> Result<(Vec<&'a str>, Vec<&'a str>), Fault> {
    let (flags, rest): (Vec<&str>, Vec<&str>) = args.iter().partition(|arg| arg.starts_with("--"));
    match flags.iter().find(|flag| !known.contains(flag)) {
        Some(unknown) => Err(Fault::Extra((*unknown).to_owned())),
        None => Ok((flags, rest)),
    }
}

/// The one service.
fn one(args: &[&str]) -> Result<String, Fault> {
    match args {
        [service] => Ok((*service).to_owned()),
        [] => Err(Fault::Missing("service")),
        [_, extra, ..] => Err(Fault::Extra((*extra).to_owned())),
    }
}

fn nothing(args: &[&str], command: Command) -> Result<Command, Fault> {
    match args {
        [] => Ok(command),
        [extra, ..] => Err(Fault::Extra((*extra).to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::names::UserId;

    fn reading(body: &str, addressed: bool) -> String {
        let me = Me { user: UserId::parse("@opsroom:example.org").unwrap(), display_name: Some("Ops Room".into()) };
        match read(body, addressed, "!", &me) {
            Reading::NotForMe => "not for me".into(),
            Reading::Command(Command::Help { about }) => format!("help {}", about.unwrap_or_default()),
            Reading::Command(Command::Ping) => "ping".into(),
            Reading::Command(Command::Whoami) => "whoami".into(),
            Reading::Command(Command::Status { selectors }) => format!("status of {}", selectors.len()),
            Reading::Command(Command::Logs { service, lines }) => format!("logs {service} {lines}"),
            Reading::Command(Command::Change { wanted, service }) => {
                let discard = if wanted.discard { " discarding" } else { "" };
                let version = wanted.version.map_or(String::new(), |v| format!(" to {v}"));
                format!("{} {service}{version}{discard}", wanted.change.command())
            }
            Reading::Command(Command::Preview { service }) => format!("preview {service}"),
            Reading::Command(Command::Operations) => "ops".into(),
            Reading::Command(Command::Cancel { which }) => format!("cancel {which}"),
            Reading::Command(Command::Alerts) => "alerts".into(),
            Reading::Command(Command::Ack { which }) => format!("ack {}", which.join(" ")),
            Reading::Command(Command::Silence { selector, length, reason }) => {
                format!("silence {} {length:#} {}", selector.as_written(), reason.unwrap_or_default())
            }
            Reading::Command(Command::Unsilence { which }) => format!("unsilence {which}"),
            Reading::Command(Command::History { about }) => format!("history {}", about.unwrap_or_default()),
            Reading::NoSuchCommand { written, nearest } => format!("no {written}; {}?", nearest.unwrap_or("-")),
            Reading::Misused { spec, fault } => format!("{} {fault:?}", spec.name),
        }
    }

    #[test]
    fn messages_are_read_as_people_write_them() {
        for (body, addressed, expected) in [
            ("hello", false, "not for me"),
            ("!", false, "not for me"),
            ("!!! help", false, "not for me"),
            ("!ping", false, "ping"),
            (" !Ping ", false, "ping"),
            ("! ping", false, "ping"),
            ("!status", false, "status of 0"),
            ("!status web-* @bots spark-1:", false, "status of 3"),
            ("!logs bridge", false, "logs bridge 100"),
            ("!logs bridge 50", false, "logs bridge 50"),
            ("!logs bridge fifty", false, "logs Lines(\"fifty\")"),
            ("!logs bridge 0", false, "logs Lines(\"0\")"),
            ("!logs", false, "logs Missing(\"service\")"),
            ("!restart bridge", false, "restart bridge"),
            ("!restart bridge now", false, "restart Extra(\"now\")"),
            ("!update $(reboot)", false, "update $(reboot)"),
            ("!deploy bridge", false, "update bridge"),
            ("!restrat bridge", false, "no restrat; restart?"),
            ("!ops", false, "ops"),
            ("!cancel #12", false, "cancel #12"),
            ("!cancel", false, "cancel Missing(\"operation\")"),
            ("!history", false, "history "),
            ("!alerts", false, "alerts"),
            ("!ack 7 bridge", false, "ack 7 bridge"),
            ("!silence @db 1h30m moving disks", false, "silence @db 1h 30m moving disks"),
            ("!silence all 3d", false, "silence all 72h "),
            ("!silence all soon", false, "silence Time(\"soon\")"),
            ("!silence all -1h", false, "silence Time(\"-1h\")"),
            ("!silence all", false, "silence Missing(\"time\")"),
            ("!unsilence all", false, "unsilence all"),
            ("!history bridge", false, "history bridge"),
            ("!xyzzy", false, "no xyzzy; -?"),
            ("opsroom: ping", true, "ping"),
            ("Ops Room, status", true, "status of 0"),
            ("@opsroom:example.org ping", true, "ping"),
            ("@opsroom ping", true, "ping"),
            ("opsroom", true, "help "),
            ("opsroom: ping", false, "not for me"),
            ("opsrooms: ping", true, "not for me"),
            ("ask opsroom about it", true, "not for me"),
        ] {
            assert_eq!(reading(body, addressed), expected, "{body:?}");
        }
    }

    #[test]
    fn every_entry_has_its_own_names_and_reads_back() {
        let mut names: Vec<&str> = TABLE.iter().flat_map(|s| s.aliases.iter().copied().chain([s.name])).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        for entry in TABLE {
            let args: Vec<&str> = ["x", "1h"].into_iter().take(entry.arguments.matches('<').count()).collect();
            let command = (entry.read)(&args).unwrap_or_else(|f| panic!("{}: {f:?}", entry.name));
            assert_eq!(command.needs(), entry.needs, "{}", entry.name);
        }
    }
}
