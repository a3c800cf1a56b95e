//! A unit of the system's systemd.

use super::Kind;
use crate::{
    config::section::Section,
    domain::{
        names::{ServiceName, UnitName},
        runtime::Workload,
    },
};

pub(super) const KIND: Kind = Kind { name: "systemd", key: "unit", others: &[], read, write };

fn write(workload: &Workload) -> Option<String> {
    let Workload::Systemd(unit) = workload else { return None };
    Some(format!("runtime = \"systemd\"\nunit = {:?}", unit.as_str()))
}

/// The unit; without a name of its own it is the service's with ".service".
fn read(section: &Section<'_>, name: Option<&ServiceName>) -> Option<Workload> {
    let unit = match section.text("unit") {
        Some(text) => section.parsed("unit", Some(text), UnitName::parse),
        None => name.and_then(|name| UnitName::parse(&format!("{name}.service")).ok()),
    };
    unit.map(Workload::Systemd)
}
