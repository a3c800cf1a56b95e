//! Restart, start and stop of a container as a job.

use crate::domain::{
    change::{Change, Wanted},
    inventory::{SETTLE, Service},
    origin::Actor,
    runtime::{
        NotPossible,
        change::{self, FINISH, LOCK, REFUSE},
    },
};

use super::{SURROUNDINGS, inspect::FORMAT};

const SCRIPT: &str = include_str!("change.sh");

/// The script of a change.
pub(super) fn body(wanted: &Wanted, service: &Service, by: &Actor) -> Result<String, NotPossible> {
    match wanted.change {
        Change::Restart | Change::Start | Change::Stop => {}
        Change::Update | Change::Rollback => return Err(NotPossible::NoStrategy),
        Change::Scale => return Err(NotPossible::NoReplicas),
    }
    let seconds = |time: std::time::Duration| time.as_secs().to_string();
    let variables = [
        ("service", service.name.as_str()),
        ("container", service.workload.name()),
        ("change", wanted.change.command()),
        ("owner", &by.to_string()),
        ("verify", &seconds(service.update.verify.min(SETTLE))),
        ("healthy_within", &seconds(service.update.healthy_within)),
        ("stop_timeout", &service.stop_timeout.map(seconds).unwrap_or_default()),
        ("format", FORMAT),
    ];
    Ok(change::assemble(change::header(&variables), &[SURROUNDINGS, REFUSE, LOCK, FINISH, SCRIPT]))
}
