//! Docker's swarm mode through a manager's command line: services and stacks that
//! run as tasks on any of several nodes.
//!
//! A service is shown as what its tasks make of it: each replica is a member, by
//! its slot, or by its node where each node runs one.

mod change;
mod discover;
mod doctor;
mod events;
mod look;
mod nodes;
mod printed;

use jiff::Timestamp;

use super::{About, Doctor, NotPossible, Runtime, RuntimeEvent, Workload};
use crate::domain::{
    change::Wanted,
    discovery::{Shown, Sought},
    inventory::Service,
    names::{LoginName, MemberName},
    observation::Observation,
    origin::Actor,
    output::{CommandOutput, Exit, LogError, LogTail},
    shell,
};

/// The status with which [`Swarm::logs`] ends when there is no such service or member.
const NOT_THERE: u32 = 4;

/// See the module.
#[derive(Debug)]
pub struct Swarm;

impl Runtime for Swarm {
    fn label(&self) -> &'static str {
        "Swarm"
    }

    fn noun(&self) -> &'static str {
        "service"
    }

    fn access(&self) -> &'static str {
        "Is it a manager of the swarm, and may this login use Docker there?"
    }

    fn cleanup(&self) -> &'static str {
        "docker image prune"
    }

    fn disks(&self) -> &'static [&'static str] {
        &["/var/lib/docker"]
    }

    fn is_of_several(&self) -> bool {
        true
    }

    fn snapshot(&self, services: &[&Service]) -> String {
        look::snapshot(services)
    }

    fn observe(&self, printed: &[&str], services: &[&Service], at: Timestamp) -> Vec<Observation> {
        look::observe(printed, services, at)
    }

    fn events(&self, _: Option<Timestamp>) -> Option<String> {
        Some(events::events())
    }

    fn read_event(&self, line: &str) -> Option<RuntimeEvent> {
        events::read_event(line)
    }

    fn could_be(&self, event: &RuntimeEvent) -> Option<Workload> {
        events::could_be(event)
    }

    fn logs(&self, service: &Service, member: Option<&MemberName>, lines: u32) -> String {
        format!(
            "{}member={}\nlines={lines}\n{}{}",
            look::names([service]),
            shell::quote(member.map_or("", |member| member.as_str())),
            shell::terse(look::SCRIPT),
            shell::terse(include_str!("logs.sh"))
        )
    }

    fn read_log(&self, output: CommandOutput, _: &Service) -> Result<LogTail, LogError> {
        output.into_log(|exit, _| *exit == Exit::Code(NOT_THERE))
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
        look::seen(line, service, at)
    }

    fn is_missing(&self, printed: &str, service: &Service) -> bool {
        look::is_missing(printed, service)
    }

    fn discover(&self, sought: &Sought, _: Option<&LoginName>) -> String {
        discover::list(sought)
    }

    fn read_discovered(&self, printed: &str) -> Shown {
        discover::read(printed)
    }

    fn about(&self) -> String {
        nodes::about()
    }

    fn read_about(&self, printed: &[&str]) -> About {
        nodes::read_about(printed)
    }

    fn doctor(&self) -> &'static dyn Doctor {
        &doctor::SwarmDoctor
    }
}
