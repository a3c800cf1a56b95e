//! Podman through its command line, as root and as any other login: there is no
//! daemon, and each login has containers of its own.

mod change;
mod discover;
mod doctor;
mod events;
mod inspect;

use jiff::Timestamp;

use super::{Doctor, NotPossible, Runtime, RuntimeEvent, Workload, about::LIMITED};
use crate::domain::{
    change::Wanted,
    discovery::{Shown, Sought},
    inventory::Service,
    names::{ContainerName, LoginName, MemberName},
    observation::Observation,
    origin::Actor,
    output::{CommandOutput, LogError, LogTail},
    shell,
};

/// What every command of it begins with. Over SSH a login may have no session,
/// and Podman keeps what runs below this directory; of cgroups of version 1 it
/// would say with each command that they are old.
const SURROUNDINGS: &str = "\
export LC_ALL=C PODMAN_IGNORE_CGROUPSV1_WARNING=1
[ \"$(id -u)\" = 0 ] || export XDG_RUNTIME_DIR=\"${XDG_RUNTIME_DIR:-/run/user/$(id -u)}\"
";

/// See the module.
#[derive(Debug)]
pub struct Podman;

impl Runtime for Podman {
    fn label(&self) -> &'static str {
        "Podman"
    }

    fn noun(&self) -> &'static str {
        "container"
    }

    fn access(&self) -> &'static str {
        "Is it installed there, and are the containers this login's?"
    }

    fn cleanup(&self) -> &'static str {
        "podman image prune"
    }

    fn disks(&self) -> &'static [&'static str] {
        &["/var/lib/containers"]
    }

    fn snapshot(&self, services: &[&Service]) -> String {
        format!("{SURROUNDINGS}{}", inspect::inspect(services))
    }

    fn observe(&self, printed: &[&str], services: &[&Service], at: Timestamp) -> Vec<Observation> {
        inspect::observe_all(printed, services, at)
    }

    fn events(&self, since: Option<Timestamp>) -> Option<String> {
        Some(events::events(since))
    }

    fn read_event(&self, line: &str) -> Option<RuntimeEvent> {
        events::read_event(line)
    }

    fn could_be(&self, event: &RuntimeEvent) -> Option<Workload> {
        ContainerName::parse(&event.name).ok().map(Workload::Podman)
    }

    fn logs(&self, service: &Service, _: Option<&MemberName>, lines: u32) -> String {
        format!("{SURROUNDINGS}podman logs --tail {lines} -- {} 2>&1", shell::quote(service.workload.name()))
    }

    fn read_log(&self, output: CommandOutput, service: &Service) -> Result<LogTail, LogError> {
        output.into_log(|_, said| inspect::names_missing(said, service.workload.name()))
    }

    fn change(
        &self,
        wanted: &Wanted,
        service: &Service,
        _: Option<&MemberName>,
        by: &Actor,
    ) -> Result<String, NotPossible> {
        change::body(wanted, service, by)
    }

    fn preview(&self, _: &Service, _: &Actor) -> Result<String, NotPossible> {
        Err(NotPossible::NoStrategy)
    }

    fn seen(&self, line: &str, service: &Service, at: Timestamp) -> Option<Observation> {
        inspect::read(line, service, at)
    }

    fn is_missing(&self, printed: &str, service: &Service) -> bool {
        inspect::names_missing(printed, service.workload.name())
    }

    fn discover(&self, sought: &Sought, _: Option<&LoginName>) -> String {
        format!("{SURROUNDINGS}{}", discover::list(sought))
    }

    fn read_discovered(&self, printed: &str) -> Shown {
        discover::read(printed)
    }

    fn about(&self) -> String {
        format!("{LIMITED}limited podman version -f '{{{{.Client.Version}}}}'")
    }

    fn doctor(&self) -> &'static dyn Doctor {
        &doctor::PodmanDoctor
    }
}
