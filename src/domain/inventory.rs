//! What the operator configured, validated: hosts, services, operators, rooms.
//!
//! This is the whole truth the domain has about the outside. `config` is the
//! only room that makes one; every reference in it is known to resolve.

use std::{collections::BTreeMap, time::Duration};

use super::{
    discovery,
    maintenance::Window,
    names::{Branch, HostName, LoginName, RemoteDir, ServiceName, Tag, UserId},
    rights::Rights,
    role::Role,
    runtime::workload::Workload,
    watch::{Policy, WatchSettings},
};

/// Everything that is managed, and who may manage it.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// Services in the order of the config file.
    pub services: Vec<Service>,
    /// Hosts in the order of the config file.
    pub hosts: Vec<Host>,
    /// Full Matrix IDs that are listened to. Nobody else is.
    pub operators: BTreeMap<UserId, Role>,
    /// How commands begin, and other habits of the room.
    pub commands: CommandSettings,
    /// When a host counts as in trouble, and how closely it is looked at.
    pub watch: WatchSettings,
    /// Times in which troubles notify nobody.
    pub maintenance: Vec<Window>,
}

/// A machine that is reached over SSH, or the one the bot runs on; or one of
/// several that know the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name in the room.
    pub name: HostName,
    /// Set where it is one of these, whichever answers.
    pub any_of: Vec<HostName>,
    /// What of that which runs there becomes a service without being in the config.
    pub discover: Option<discovery::Policy>,
}

/// One managed thing on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name in the room; unique over all hosts.
    pub name: ServiceName,
    /// Where it runs.
    pub host: HostName,
    /// What it is there, and what runs it.
    pub workload: Workload,
    /// Its clone; without it there is no update but by a script of its own.
    pub dir: Option<RemoteDir>,
    /// The branch that `!update` follows.
    pub branch: Branch,
    /// The login whose files and access it needs, where that is not
    /// the SSH user: commands are then wrapped in `sudo -iu <user> bash -lc`.
    pub run_as: Option<LoginName>,
    /// Labels for `@tag` selectors.
    pub tags: Vec<Tag>,
    /// How `!update` behaves.
    pub update: UpdatePolicy,
    /// How long the engine waits for it to stop before it kills it; none means
    /// what the container says.
    pub stop_timeout: Option<Duration>,
    /// When it counts as in trouble.
    pub watch: Policy,
    /// What may be done with it, whoever asks.
    pub rights: Rights,
}

impl Service {
    /// A service of which nothing else is said: the rest is as in a config that
    /// leaves it out.
    pub fn new(name: ServiceName, host: HostName, workload: Workload) -> Self {
        Self {
            name,
            host,
            workload,
            dir: None,
            branch: Branch::default(),
            run_as: None,
            tags: Vec::new(),
            update: UpdatePolicy::default(),
            stop_timeout: None,
            watch: Policy::default(),
            rights: Rights::Change,
        }
    }
}

/// How `!update` behaves for one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdatePolicy {
    /// After this the whole update is stopped and reported as timed out.
    pub timeout: Duration,
    /// How long the service must hold still after an update before it counts as
    /// done. After a restart or a start it is at most [`SETTLE`].
    pub verify: Duration,
    /// How long it may take to become healthy, if it has a health check.
    pub healthy_within: Duration,
    /// Whether a version that fails verification is rolled back.
    pub rollback: bool,
    /// Space that must be free on the host before anything is fetched, in MiB.
    pub min_free: u32,
    /// Where new versions come from.
    pub strategy: Strategy,
}

/// The longest that a restart or a start is watched before it counts as done.
pub const SETTLE: Duration = Duration::from_secs(3);

/// Where new versions come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strategy {
    /// The clone of a git repository, built on the host.
    ComposeGit,
    /// A registry: the images that the compose file names are pulled.
    ComposePull,
    /// The clone of a git repository, with commands of the operator's own.
    Git {
        /// Makes the new version in the clone.
        build: Option<String>,
        /// Puts it in place, before it is started anew.
        install: Option<String>,
    },
    /// A registry: the images of the containers that a unit runs are pulled.
    Pull,
    /// The operator's own script.
    Command {
        /// Puts the new version in place.
        deploy: String,
        /// Puts the old one back.
        undo: Option<String>,
    },
}

impl Strategy {
    /// Its name in the config.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ComposeGit => "compose-git",
            Self::ComposePull => "compose-pull",
            Self::Git { .. } => "git",
            Self::Pull => "pull",
            Self::Command { .. } => "command",
        }
    }
}

impl Default for UpdatePolicy {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(25 * 60),
            verify: Duration::from_secs(10),
            healthy_within: Duration::from_secs(120),
            rollback: true,
            min_free: 512,
            strategy: Strategy::ComposeGit,
        }
    }
}

/// How the bot is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSettings {
    /// What a command begins with.
    pub prefix: String,
    /// A command older than this when it is first seen is not run.
    pub stale_after: Duration,
}

impl Default for CommandSettings {
    fn default() -> Self {
        Self { prefix: "!".to_owned(), stale_after: Duration::from_secs(120) }
    }
}

impl Inventory {
    /// The service of that name.
    pub fn service(&self, name: &ServiceName) -> Option<&Service> {
        self.services.iter().find(|s| s.name == *name)
    }

    /// The host of that name.
    pub fn host(&self, name: &HostName) -> Option<&Host> {
        self.hosts.iter().find(|host| host.name == *name)
    }

    /// The services of these names, in their order: searched for all at once.
    pub fn called(&self, names: &[ServiceName]) -> Vec<&Service> {
        let places: BTreeMap<&ServiceName, usize> = names.iter().zip(0..).collect();
        let mut found: Vec<(usize, &Service)> =
            self.services.iter().filter_map(|service| Some((*places.get(&service.name)?, service))).collect();
        found.sort_by_key(|(place, _)| *place);
        found.into_iter().map(|(_, service)| service).collect()
    }

    /// The services on one host, in config order.
    pub fn on_host<'a>(&'a self, host: &'a HostName) -> impl Iterator<Item = &'a Service> {
        self.services.iter().filter(move |s| s.host == *host)
    }
}
