//! Restart, start and stop of a unit as a job.

use crate::domain::{
    change::{Change, Wanted},
    inventory::{SETTLE, Service},
    origin::Actor,
    runtime::{
        NotPossible,
        change::{LOCK, REFUSE},
    },
    shell,
};

use super::show::PROPERTIES;

const SCRIPT: &str = include_str!("change.sh");

/// The script of a change.
pub(super) fn body(wanted: &Wanted, service: &Service, by: &Actor) -> Result<String, NotPossible> {
    match wanted.change {
        Change::Restart | Change::Start | Change::Stop => {}
        Change::Update | Change::Rollback => return Err(NotPossible::NotSupported),
    }
    let variables = [
        ("service", service.name.as_str()),
        ("unit", service.workload.name()),
        ("change", wanted.change.command()),
        ("owner", &by.to_string()),
        ("verify", &service.update.verify.min(SETTLE).as_secs().to_string()),
        ("properties", PROPERTIES),
    ];
    let header: String = variables.iter().map(|(name, value)| format!("{name}={}\n", shell::quote(value))).collect();
    Ok([REFUSE, LOCK, SCRIPT].iter().fold(header, |script, part| script + shell::terse(part).as_str()))
}
