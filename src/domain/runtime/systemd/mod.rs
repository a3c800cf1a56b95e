//! Units of systemd, of the system and of logins, through `systemctl` and
//! `journalctl`.

mod about;
mod change;
mod discover;
mod doctor;
mod events;
mod journal;
mod properties;
mod show;
mod unit;

use jiff::Timestamp;

pub use self::unit::{Manager, Unit};
use super::{About, Doctor, NotPossible, Runtime, RuntimeEvent, Workload};
use crate::domain::{
    change::Wanted,
    discovery::{Shown, Sought},
    inventory::Service,
    names::{LoginName, MemberName},
    observation::Observation,
    origin::Actor,
    output::{CommandOutput, LogError, LogTail},
};

/// See the module.
#[derive(Debug)]
pub struct Systemd;

impl Runtime for Systemd {
    fn label(&self) -> &'static str {
        "systemd"
    }

    fn noun(&self) -> &'static str {
        "unit"
    }

    fn access(&self) -> &'static str {
        "Was that machine started with it?"
    }

    fn cleanup(&self) -> &'static str {
        "journalctl --vacuum-size=500M"
    }

    fn disks(&self) -> &'static [&'static str] {
        &["/var/log"]
    }

    fn snapshot(&self, services: &[&Service]) -> String {
        show::show(services)
    }

    fn observe(&self, printed: &[&str], services: &[&Service], at: Timestamp) -> Vec<Observation> {
        show::observe(printed, services, at)
    }

    fn events(&self, since: Option<Timestamp>) -> Option<String> {
        Some(events::events(since))
    }

    fn read_event(&self, line: &str) -> Option<RuntimeEvent> {
        events::read_event(line)
    }

    fn could_be(&self, event: &RuntimeEvent) -> Option<Workload> {
        Unit::of_key(&event.name).map(Workload::Systemd)
    }

    fn logs(&self, service: &Service, _: Option<&MemberName>, lines: u32) -> String {
        show::unit(service).map_or_else(String::new, |unit| journal::logs(unit, lines))
    }

    fn read_log(&self, output: CommandOutput, _: &Service) -> Result<LogTail, LogError> {
        journal::read_log(output)
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

    fn preview(&self, service: &Service, by: &Actor) -> Result<String, NotPossible> {
        change::preview(service, by)
    }

    fn seen(&self, line: &str, service: &Service, at: Timestamp) -> Option<Observation> {
        show::read(line.split('|'), service, at)
    }

    fn is_missing(&self, printed: &str, _: &Service) -> bool {
        printed.split('|').any(|field| field == "LoadState=not-found")
    }

    fn discover(&self, sought: &Sought, login: Option<&LoginName>) -> String {
        discover::list(sought, login)
    }

    fn read_discovered(&self, printed: &str) -> Shown {
        discover::read(printed)
    }

    fn about(&self) -> String {
        about::about()
    }

    fn read_about(&self, printed: &[&str]) -> About {
        about::read_about(printed)
    }

    fn doctor(&self) -> &'static dyn Doctor {
        &doctor::SystemdDoctor
    }
}
