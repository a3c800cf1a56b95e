//! Units of the system's systemd, through `systemctl` and `journalctl`.
//!
//! They are looked at, their journal is read, and they are restarted, started
//! and stopped. There is no event stream and no update: snapshots have to do,
//! and versions come with the system's packages.

mod change;
mod doctor;
mod journal;
mod show;

use jiff::Timestamp;

use super::{Doctor, NotPossible, Runtime, RuntimeEvent};
use crate::domain::{
    change::Wanted,
    discovery::Shown,
    inventory::Service,
    names::MemberName,
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

    fn observe(&self, printed: &[&str], service: &Service, at: Timestamp) -> Observation {
        show::observe(printed, service, at)
    }

    fn events(&self, _: Option<Timestamp>) -> Option<String> {
        None
    }

    fn read_event(&self, _: &str) -> Option<RuntimeEvent> {
        None
    }

    fn logs(&self, service: &Service, _: Option<&MemberName>, lines: u32) -> String {
        journal::logs(service.workload.name(), lines)
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

    fn preview(&self, _: &Service, _: &Actor) -> Result<String, NotPossible> {
        Err(NotPossible::NotSupported)
    }

    fn seen(&self, line: &str, service: &Service, at: Timestamp) -> Option<Observation> {
        show::read(line.split('|'), service, at)
    }

    fn is_missing(&self, printed: &str, _: &Service) -> bool {
        printed.split('|').any(|field| field == "LoadState=not-found")
    }

    fn discover(&self) -> Option<String> {
        None
    }

    fn read_discovered(&self, _: &str) -> Shown {
        Shown::default()
    }

    fn doctor(&self) -> &'static dyn Doctor {
        &doctor::SystemdDoctor
    }
}
