//! Docker Engine through its command line, with Compose v2.

mod change;
mod discover;
mod doctor;
mod events;
mod inspect;
mod logs;
mod project;

use jiff::Timestamp;

pub use self::inspect::{inspect, names_missing};
use super::{Doctor, NotPossible, Runtime, RuntimeEvent, Workload, about::LIMITED};
use crate::domain::{
    change::Wanted,
    discovery::{Shown, Sought},
    inventory::Service,
    names::{ContainerName, LoginName, MemberName, ProjectName},
    observation::Observation,
    origin::Actor,
    output::{CommandOutput, LogError, LogTail},
};

/// See the module.
#[derive(Debug)]
pub struct Docker;

impl Runtime for Docker {
    fn label(&self) -> &'static str {
        "Docker"
    }

    fn noun(&self) -> &'static str {
        "container"
    }

    fn access(&self) -> &'static str {
        "Is it running, and is the login in the docker group (with a new login since)?"
    }

    fn cleanup(&self) -> &'static str {
        "docker image prune"
    }

    fn disks(&self) -> &'static [&'static str] {
        &["/var/lib/docker"]
    }

    fn snapshot(&self, services: &[&Service]) -> String {
        project::snapshot(services)
    }

    fn observe(&self, printed: &[&str], services: &[&Service], at: Timestamp) -> Vec<Observation> {
        project::observe_all(printed, services, at)
    }

    fn events(&self, since: Option<Timestamp>) -> Option<String> {
        Some(events::events(since))
    }

    fn read_event(&self, line: &str) -> Option<RuntimeEvent> {
        events::read_event(line)
    }

    fn could_be(&self, event: &RuntimeEvent) -> Option<Workload> {
        match &event.of {
            Some((project, _)) => ProjectName::parse(project).ok().map(Workload::Project),
            None => ContainerName::parse(&event.name).ok().map(Workload::Docker),
        }
    }

    fn logs(&self, service: &Service, member: Option<&MemberName>, lines: u32) -> String {
        project::logs(service, member, lines)
    }

    fn read_log(&self, output: CommandOutput, service: &Service) -> Result<LogTail, LogError> {
        project::read_log(output, service)
    }

    fn change(
        &self,
        wanted: &Wanted,
        service: &Service,
        member: Option<&MemberName>,
        by: &Actor,
    ) -> Result<String, NotPossible> {
        change::body(wanted, service, member, by)
    }

    fn preview(&self, service: &Service, by: &Actor) -> Result<String, NotPossible> {
        change::preview(service, by)
    }

    fn seen(&self, line: &str, service: &Service, at: Timestamp) -> Option<Observation> {
        if service.workload.is_project() {
            return project::seen(line, service, at);
        }
        inspect::read_inspect(line, service, at)
    }

    fn is_missing(&self, printed: &str, service: &Service) -> bool {
        if service.workload.is_project() {
            return printed.starts_with("Error: No such container: ");
        }
        names_missing(printed, service.workload.name())
    }

    fn discover(&self, sought: &Sought, _: Option<&LoginName>) -> String {
        discover::list(sought)
    }

    fn read_discovered(&self, printed: &str) -> Shown {
        discover::read(printed)
    }

    fn about(&self) -> String {
        format!("{LIMITED}limited docker version -f '{{{{.Server.Version}}}}'")
    }

    fn doctor(&self) -> &'static dyn Doctor {
        &doctor::DockerDoctor
    }
}
