//! What a service is on its host.

use super::{
    RuntimeEvent,
    systemd::{Manager, Unit},
};
use crate::domain::names::{ContainerName, ProjectName, StackName};

/// Characters of a name that a service takes over.
const SHORT: usize = 40;

/// What a service is on its host, by the name that its runtime knows it by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Workload {
    /// A container of Docker Engine.
    Docker(ContainerName),
    /// All containers of a Compose project on Docker Engine.
    Project(ProjectName),
    /// A container of Podman.
    Podman(ContainerName),
    /// A unit of systemd.
    Systemd(Unit),
    /// A service of a swarm, however many tasks it has.
    Swarm(StackName),
    /// All services of a stack in a swarm.
    Stack(StackName),
}

impl Workload {
    /// Whether both are run by the same.
    pub fn is_like(&self, other: &Self) -> bool {
        self.runtime().label() == other.runtime().label()
    }

    /// Its name in its runtime.
    pub fn name(&self) -> &str {
        match self {
            Self::Docker(container) | Self::Podman(container) => container.as_str(),
            Self::Project(project) => project.as_str(),
            Self::Systemd(unit) => unit.name.as_str(),
            Self::Swarm(name) | Self::Stack(name) => name.as_str(),
        }
    }

    /// What a service is called that is named after it. May hold what no service's
    /// name can, if its own begins with that.
    pub fn short_name(&self) -> String {
        let whole = match self {
            Self::Systemd(unit) => unit.short_name(),
            Self::Docker(_) | Self::Project(_) | Self::Podman(_) | Self::Swarm(_) | Self::Stack(_) => self.name(),
        };
        let fits = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
        let short: String = whole.chars().take(SHORT).map(fits).collect();
        short.trim_end_matches(['.', '-']).to_owned()
    }

    /// Whether it is one of many of which few are anybody's service.
    pub fn is_unit(&self) -> bool {
        match self {
            Self::Systemd(_) => true,
            Self::Docker(_) | Self::Project(_) | Self::Podman(_) | Self::Swarm(_) | Self::Stack(_) => false,
        }
    }

    /// Whether it has members, which are known once they were seen.
    pub fn is_project(&self) -> bool {
        match self {
            Self::Project(_) | Self::Swarm(_) | Self::Stack(_) => true,
            Self::Docker(_) | Self::Podman(_) | Self::Systemd(_) => false,
        }
    }

    /// Whether each login has its own of that name.
    pub fn is_of_a_login(&self) -> bool {
        match self {
            Self::Podman(_) => true,
            Self::Systemd(unit) => unit.manager == Manager::User,
            Self::Docker(_) | Self::Project(_) | Self::Swarm(_) | Self::Stack(_) => false,
        }
    }

    /// What it is called where it has to be told from what is no project.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Project(_) => "project",
            Self::Stack(_) => "stack",
            Self::Docker(_) | Self::Podman(_) | Self::Systemd(_) | Self::Swarm(_) => self.runtime().noun(),
        }
    }

    /// Whether an event is about it, or about one of its members.
    pub fn has(&self, event: &RuntimeEvent) -> bool {
        match self {
            Self::Project(_) | Self::Stack(_) => event.of.as_ref().is_some_and(|(of, _)| of == self.name()),
            Self::Docker(_) | Self::Podman(_) | Self::Swarm(_) => event.name == self.name(),
            Self::Systemd(unit) => unit.is_meant_by(&event.name),
        }
    }
}
