//! A unit of systemd.

use super::Kind;
use crate::{
    config::{problem::At, section::Section},
    domain::{
        names::{ServiceName, UnitName},
        runtime::{
            Workload,
            systemd::{Manager, Unit},
        },
    },
};

pub(super) const KIND: Kind = Kind {
    name: "systemd",
    key: "unit",
    others: &["scope", "dir", "branch", "update"],
    strategies: &["git", "pull", "command"],
    read,
    write,
};

/// Whose units there are, and what the config calls that; the first is meant when it does not say.
const SCOPES: [(&str, Manager); 2] = [("system", Manager::System), ("user", Manager::User)];

fn write(workload: &Workload) -> Option<String> {
    let Workload::Systemd(unit) = workload else { return None };
    let scope = match unit.manager {
        Manager::System => "",
        Manager::User => "\nscope = \"user\"",
    };
    Some(format!("runtime = \"systemd\"\nunit = {:?}{scope}", unit.name.as_str()))
}

/// The unit; without a name of its own it is the service's with ".service".
fn read(section: &Section<'_>, name: Option<&ServiceName>) -> Option<Workload> {
    let unit = match section.text("unit") {
        Some(text) => section.parsed("unit", Some(text), UnitName::parse),
        None => name.and_then(|name| UnitName::parse(&format!("{name}.service")).ok()),
    };
    let manager = match section.text("scope") {
        None => Some(SCOPES[0].1),
        Some(At { value, at }) => {
            let known = SCOPES.iter().find(|(name, _)| *name == value).map(|(_, manager)| *manager);
            if known.is_none() {
                let advice = "known: \"system\", and \"user\" for a unit of the login's own (systemctl --user)";
                section.problems.report(at, format!("`scope` is not known: {value:?}"), advice);
            }
            known
        }
    };
    unit.zip(manager).map(|(name, manager)| Workload::Systemd(Unit { name, manager }))
}
