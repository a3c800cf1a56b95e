//! Runtimes: what runs a service. A runtime renders remote commands and reads
//! their output, and does nothing else: nothing in it opens a connection.
//!
//! Each has a folder of its own, and is registered here and nowhere else: a
//! [`Workload`], its [`Runtime`], and its module.

mod about;
mod change;
mod container;
mod doctor;
mod event;
pub mod snapshot;
pub mod stream;
pub mod workload;

pub mod docker;
pub mod podman;
pub mod swarm;
pub mod systemd;

use std::fmt;

use jiff::Timestamp;

pub(in crate::domain) use self::about::SAID;
pub use self::{
    about::{About, Note},
    change::{NotPossible, aftercare, limit},
    doctor::{Doctor, RuntimeCheck},
    event::{EventKind, RuntimeEvent},
    workload::Workload,
};
use super::{
    change::Wanted,
    discovery::{Shown, Sought},
    inventory::Service,
    names::{LoginName, MemberName},
    observation::Observation,
    origin::Actor,
    output::{CommandOutput, LogError, LogTail},
};

impl Workload {
    /// What runs it.
    pub fn runtime(&self) -> &'static dyn Runtime {
        match self {
            Self::Docker(_) | Self::Project(_) => &docker::Docker,
            Self::Podman(_) => &podman::Podman,
            Self::Systemd(_) => &systemd::Systemd,
            Self::Swarm(_) | Self::Stack(_) => &swarm::Swarm,
        }
    }
}

/// Every runtime there is.
pub static ALL: &[&dyn Runtime] = &[&docker::Docker, &podman::Podman, &systemd::Systemd, &swarm::Swarm];

/// A runtime and services that it runs.
pub type ByRuntime<'a> = (&'static dyn Runtime, Vec<&'a Service>);

/// Services by what runs them, in the order of their first.
pub fn by_runtime<'a>(services: impl IntoIterator<Item = &'a Service>) -> Vec<ByRuntime<'a>> {
    let mut groups: Vec<Vec<&Service>> = Vec::new();
    for service in services {
        match groups.iter_mut().find(|group| group[0].workload.is_like(&service.workload)) {
            Some(group) => group.push(service),
            None => groups.push(vec![service]),
        }
    }
    groups.into_iter().map(|group| (group[0].workload.runtime(), group)).collect()
}

/// What runs services. Every name that is put into a command is quoted.
pub trait Runtime: fmt::Debug + Sync {
    /// Its name in sentences, like "Docker".
    fn label(&self) -> &'static str;

    /// What it calls what it runs, like "container".
    fn noun(&self) -> &'static str;

    /// What may be wrong when it does not answer a login, as a question.
    fn access(&self) -> &'static str;

    /// What makes room on a disk that it fills.
    fn cleanup(&self) -> &'static str;

    /// Directories of its own whose disks can fill up.
    fn disks(&self) -> &'static [&'static str];

    /// Whether several hosts know the same of what it runs, so that any of them can be asked.
    fn is_of_several(&self) -> bool {
        false
    }

    /// A command that prints how these are, each on lines of its own. Both
    /// streams are read together; its status says nothing.
    fn snapshot(&self, services: &[&Service]) -> String;

    /// Reads how services are, one after the other, from what
    /// [`snapshot`](Self::snapshot) printed about all of them. Each line is taken
    /// apart once, however many there are.
    fn observe(&self, printed: &[&str], services: &[&Service], at: Timestamp) -> Vec<Observation>;

    /// A command that prints what happens, as it happens, until it is ended:
    /// from the given time of the host's clock on, as far as that is still
    /// known. None where snapshots have to do.
    fn events(&self, since: Option<Timestamp>) -> Option<String>;

    /// Reads a line of [`events`](Self::events). Lines about anything else are
    /// none.
    fn read_event(&self, line: &str) -> Option<RuntimeEvent>;

    /// What an event is about, if nobody's service is that yet.
    fn could_be(&self, event: &RuntimeEvent) -> Option<Workload>;

    /// A command that prints the last lines of a service's log, or of a
    /// member's.
    fn logs(&self, service: &Service, member: Option<&MemberName>, lines: u32) -> String;

    /// Reads what [`logs`](Self::logs) printed.
    fn read_log(&self, output: CommandOutput, service: &Service) -> Result<LogTail, LogError>;

    /// The script of a change, of all of a service or of a member. It tells how the service is before and after.
    fn change(
        &self,
        wanted: &Wanted,
        service: &Service,
        member: Option<&MemberName>,
        by: &Actor,
    ) -> Result<String, NotPossible>;

    /// A script that says what an update would bring and whether it could
    /// begin. Its output is read like a job's log.
    fn preview(&self, service: &Service, by: &Actor) -> Result<String, NotPossible>;

    /// Reads what a change told of the service before or after it.
    fn seen(&self, line: &str, service: &Service, at: Timestamp) -> Option<Observation>;

    /// Whether what was printed says that the service is not there.
    fn is_missing(&self, printed: &str, service: &Service) -> bool;

    /// A command that prints what a login sees run there; nothing where there is
    /// no such runtime.
    fn discover(&self, sought: &Sought, login: Option<&LoginName>) -> String;

    /// Reads what [`discover`](Self::discover) printed.
    fn read_discovered(&self, printed: &str) -> Shown;

    /// A script that prints its version, and what else a person who looks at the host wants to know of it.
    fn about(&self) -> String;

    /// Reads what [`about`](Self::about) printed.
    fn read_about(&self, printed: &[&str]) -> About {
        About::version(printed)
    }

    /// What the doctor asks about it.
    fn doctor(&self) -> &'static dyn Doctor;
}

impl Service {
    /// The command line that prints the last lines of its log, or of a
    /// member's.
    pub fn logs(&self, member: Option<&MemberName>, lines: u32) -> String {
        let command = self.workload.runtime().logs(self, member, lines);
        super::shell::script(self.run_as.as_ref(), &command)
    }

    /// Reads what [`logs`](Self::logs) printed, or why it could not be asked.
    pub fn read_log(&self, output: Result<CommandOutput, String>) -> Result<LogTail, LogError> {
        self.workload.runtime().read_log(output.map_err(LogError::Unreachable)?, self)
    }

    /// The command line that says what an update would bring.
    pub fn preview(&self, nonce: &str, by: &Actor) -> Result<String, NotPossible> {
        let body = self.workload.runtime().preview(self, by)?;
        Ok(super::shell::script(self.run_as.as_ref(), &super::job::speaking(nonce, &body)))
    }
}
