//! The config file: read, checked whole, and turned into [`Settings`].
//!
//! A config is written by hand, often on a phone, and decides who may change a
//! cluster. So nothing unknown is passed over, everything that is wrong is
//! reported at once with its line and the next step, and what comes out needs
//! no further check: names are parsed, references resolve, secrets are places.
//!
//! The text is read as a TOML tree with spans rather than through serde's
//! derive, which stops at its first error.

mod commands;
mod discover;
pub(crate) mod duration;
mod heartbeat;
mod host;
mod host_key;
mod maintenance;
mod matrix;
mod people;
mod problem;
pub mod proposal;
mod references;
pub mod schema;
pub mod secret;
mod section;
mod service;
mod settings;
mod stray_key;
mod surroundings;
mod unique;
mod update;
mod watch;
mod workload;

use std::path::{Path, PathBuf};

pub use self::{
    host_key::HostKey,
    problem::{ConfigError, Place, Problem},
    secret::{Secret, SecretError},
    settings::{
        Credentials, HeartbeatSettings, HostKeys, HostSettings, Identity, MatrixSettings, RoomSettings, Settings,
        SshSettings, Transport,
    },
    surroundings::{Depth, Surroundings},
};
use self::{problem::Problems, section::Section};
use crate::domain::{inventory::Inventory, names::HostName};

/// Where the state is kept when neither the config nor systemd says.
const STATE_DIR: &str = "/var/lib/opsroom";

/// Reads and checks a config file.
pub fn load(file: &Path, depth: Depth) -> Result<Settings, ConfigError> {
    let text = std::fs::read_to_string(file).map_err(|error| ConfigError {
        file: file.to_owned(),
        problems: vec![Problem {
            place: None,
            what: format!("the config cannot be read: {error}"),
            advice: "name it with --config; config.example.toml shows how one looks".to_owned(),
        }],
    })?;
    let variables = |name: &str| std::env::var(name).ok();
    // Paths are made absolute, so that they mean the same whoever uses them.
    let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let base = whole.parent().unwrap_or(Path::new("/"));
    parse(&text, file, &Surroundings { base, variables: &variables, depth })
}

/// Checks the text of a config. `file` is only what errors call it.
pub fn parse(text: &str, file: &Path, outside: &Surroundings<'_>) -> Result<Settings, ConfigError> {
    let problems = Problems::new(text);
    let settings = read(text, outside, &problems);
    let found = problems.into_sorted();
    match settings {
        Some(settings) if found.is_empty() => Ok(settings),
        Some(_) | None => Err(ConfigError { file: file.to_owned(), problems: found }),
    }
}

/// `None` only when a problem was reported.
fn read(text: &str, outside: &Surroundings<'_>, problems: &Problems<'_>) -> Option<Settings> {
    let (tree, errors) = toml::de::DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            problems.report(at, format!("this is not TOML: {}", error.message()), "");
        }
        // What was recovered is a guess: more complaints would be guesses too.
        return None;
    }
    let root = Section::open(&schema::ROOT, tree.get_ref(), 0, problems);
    let state_dir = state_dir(&root, outside);
    let matrix = root.table("matrix", &schema::MATRIX);
    if root.place("matrix").is_none() {
        problems.report(0, "there is no [matrix]", "add it with the bot's `homeserver` and `user`");
    }
    let matrix = matrix.and_then(|section| matrix::read(&section, outside, &state_dir));
    let rooms = people::rooms(&root.tables("room", &schema::ROOM), problems);
    let bot = matrix.as_ref().map(|matrix| &matrix.user);
    let operators = people::operators(&root.tables("operator", &schema::OPERATOR), bot, problems);
    let hosts: Vec<_> =
        root.tables("host", &schema::HOST).iter().filter_map(|section| host::read(section, outside)).collect();
    let host_names: Vec<HostName> = hosts.iter().map(|draft| draft.name.value.clone()).collect();
    let hosts = references::hosts(hosts, problems);
    let watch = root.table("watch", &schema::WATCH).map(|section| watch::read(&section)).unwrap_or_default();
    let services = root.tables("service", &schema::SERVICE);
    let services = services.iter().map(|section| service::read(section, &watch.services)).collect();
    let services = references::services(services, &host_names, &hosts, problems);
    let commands = root.table("commands", &schema::COMMANDS).map(|section| commands::commands(&section));
    let dashboard = root.table("dashboard", &schema::DASHBOARD).and_then(|section| section.flag("enabled"));
    let heartbeat = root.table("heartbeat", &schema::HEARTBEAT);
    let heartbeat = heartbeat.and_then(|section| heartbeat::read(&section, outside));
    let inventory = Inventory {
        services,
        hosts: hosts.iter().map(HostSettings::in_inventory).collect(),
        operators,
        commands: commands.unwrap_or_default(),
        watch,
        maintenance: root.tables("maintenance", &schema::MAINTENANCE).iter().filter_map(maintenance::read).collect(),
    };
    Some(Settings {
        matrix: matrix?,
        rooms,
        dashboard: dashboard.unwrap_or(true),
        heartbeat,
        hosts,
        state_dir,
        inventory,
    })
}

fn state_dir(root: &Section<'_>, outside: &Surroundings<'_>) -> PathBuf {
    let configured = root.table("state", &schema::STATE).and_then(|section| outside.path(&section, "dir"));
    configured.map(|dir| dir.value).unwrap_or_else(|| {
        // systemd.exec(5): a list separated by colons when there are several.
        let from_systemd = (outside.variables)("STATE_DIRECTORY");
        let first = from_systemd.as_deref().and_then(|dirs| dirs.split(':').next()).filter(|dir| !dir.is_empty());
        PathBuf::from(first.unwrap_or(STATE_DIR))
    })
}
