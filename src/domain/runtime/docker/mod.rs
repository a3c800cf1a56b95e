//! Docker Engine through its command line, with Compose v2.

mod change;
mod doctor;
mod events;
mod inspect;
mod logs;

use jiff::Timestamp;

pub use self::inspect::{inspect, names_missing};
use super::{Doctor, NotPossible, Runtime, RuntimeEvent};
use crate::domain::{
    change::Wanted,
    inventory::Service,
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

    fn snapshot(&self, names: &[&str]) -> String {
        inspect(names)
    }

    fn observe(&self, printed: &[&str], service: &Service, at: Timestamp) -> Observation {
        inspect::observe(printed, service, at)
    }

    fn events(&self, since: Option<Timestamp>) -> Option<String> {
        Some(events::events(since))
    }

    fn read_event(&self, line: &str) -> Option<RuntimeEvent> {
        events::read_event(line)
    }

    fn logs(&self, name: &str, lines: u32) -> String {
        logs::logs(name, lines)
    }

    fn read_log(&self, output: CommandOutput, name: &str) -> Result<LogTail, LogError> {
        logs::read_log(output, name)
    }

    fn change(&self, wanted: &Wanted, service: &Service, by: &Actor) -> Result<String, NotPossible> {
        change::body(wanted, service, by)
    }

    fn preview(&self, service: &Service, by: &Actor) -> Result<String, NotPossible> {
        change::preview(service, by)
    }

    fn seen(&self, line: &str, service: &Service, at: Timestamp) -> Option<Observation> {
        inspect::read_inspect(line, service, at)
    }

    fn is_missing(&self, printed: &str, name: &str) -> bool {
        names_missing(printed, name)
    }

    fn doctor(&self) -> &'static dyn Doctor {
        &doctor::DockerDoctor
    }
}
