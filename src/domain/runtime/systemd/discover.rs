//! What systemd runs that could be a service: what quadlets become, and units
//! of given names. All others are nobody's.

use std::collections::BTreeSet;

use super::{
    properties::Properties,
    unit::{Manager, Unit},
};
use crate::domain::{
    discovery::{Found, Shown, Sought},
    names::{LoginName, UnitName},
    pattern::Pattern,
    runtime::Workload,
    shell,
};

/// Printed before units that were made from a file of another kind.
const GENERATED: &str = "::opsroom-generated ";
/// Printed before units that were asked for by name.
const NAMED: &str = "::opsroom-named ";

/// Printed once all that a manager has is told.
const TOLD: &str = "::opsroom-told ";

/// Kinds of units that a service can be.
const KINDS: [&str; 3] = ["service", "timer", "socket"];
/// Files that a generator of Podman makes units from.
const QUADLETS: [&str; 3] = [".container", ".pod", ".kube"];

/// A command that prints them. The system's are shown to the SSH user alone:
/// all logins see the same.
pub(super) fn list(sought: &Sought, login: Option<&LoginName>) -> String {
    let patterns: String = sought.units.iter().map(|unit| format!(" {}", shell::quote(&whole(unit)))).collect();
    let system = if login.is_none() { format!("of system ''{patterns} || exit\n") } else { String::new() };
    // A login without a manager of its own has no units either.
    format!("{}{system}of user --user{patterns} 2>/dev/null || :", shell::terse(include_str!("discover.sh")))
}

/// A pattern of whole names: "caddy" is its service.
fn whole(pattern: &Pattern) -> String {
    let pattern = pattern.as_str();
    let is_whole = pattern.ends_with('*') || KINDS.iter().any(|kind| pattern.rsplit('.').next() == Some(kind));
    if is_whole { pattern.to_owned() } else { format!("{pattern}.service") }
}

/// Reads what [`list`] printed.
pub(super) fn read(printed: &str) -> Shown {
    let is_told = |manager| printed.lines().any(|line| line.strip_prefix(TOLD) == Some(manager));
    let mut shown = Shown { logins_own: is_told("user"), ..Shown::default() };
    let mut known = BTreeSet::new();
    let lines: Vec<&str> = printed.lines().collect();
    let mut heading = "";
    for block in lines.split(|line| line.trim().is_empty()) {
        heading = block.iter().copied().find(|line| line.starts_with("::opsroom-")).unwrap_or(heading);
        let unit = Properties::of(block.iter().copied());
        let (is_named, manager) = match (heading.strip_prefix(NAMED), heading.strip_prefix(GENERATED)) {
            (Some(manager), _) => (true, manager),
            (None, Some(manager)) => (false, manager),
            (None, None) => continue,
        };
        let manager = if manager == "user" { Manager::User } else { Manager::System };
        let id = unit.get("Id");
        let is_quadlet = QUADLETS.iter().any(|kind| unit.get("SourcePath").ends_with(kind));
        let is_one = KINDS.iter().any(|kind| id.rsplit('.').next() == Some(kind));
        let is_there = !matches!(unit.get("LoadState"), "not-found" | "masked" | "");
        if !is_one || !is_there || !(is_named || is_quadlet) || !known.insert((id.to_owned(), manager)) {
            continue;
        }
        let Ok(name) = UnitName::parse(id) else {
            shown.refused.push(id.to_owned());
            continue;
        };
        shown.found.push(Found {
            workload: Workload::Systemd(Unit { name, manager }),
            parts: Vec::new(),
            dir: None,
            state: format!("{} ({})", unit.get("ActiveState"), unit.get("SubState")),
        });
    }
    // Each run of what a timer starts would be told twice.
    let timed: Vec<Workload> = shown.found.iter().filter_map(|found| started_by(&found.workload)).collect();
    shown.found.retain(|found| !timed.contains(&found.workload));
    shown.found.sort_by(|one, other| one.workload.cmp(&other.workload));
    shown
}

/// The service that a timer starts, unless it says another.
fn started_by(workload: &Workload) -> Option<Workload> {
    let Workload::Systemd(unit) = workload else { return None };
    let name = UnitName::parse(&format!("{}.service", unit.timer()?)).ok()?;
    Some(Workload::Systemd(Unit { name, manager: unit.manager }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quadlets_and_named_units_are_found_and_nothing_else() {
        let block = |id: &str, source: &str, load: &str| {
            format!("Id={id}\nLoadState={load}\nActiveState=active\nSubState=running\nSourcePath={source}\n\n")
        };
        let printed = [
            "::opsroom-generated system\n".to_owned(),
            block("web.service", "/etc/containers/systemd/web.container", "loaded"),
            block("old.service", "/etc/init.d/old", "loaded"),
            "\n::opsroom-named system\n".to_owned(),
            block("app@1.service", "", "loaded"),
            block("app@1.service", "", "loaded"),
            block("gone.service", "", "not-found"),
            block("data.mount", "", "loaded"),
            block("x;reboot.service", "", "loaded"),
            block("backup.timer", "", "loaded"),
            block("backup.service", "", "loaded"),
            "\n::opsroom-named user\n".to_owned(),
            block("app@1.service", "", "loaded"),
        ];
        let shown = read(&printed.concat());
        let told: Vec<_> = shown.found.iter().map(|f| (f.workload.name(), f.workload.is_of_a_login())).collect();
        assert_eq!(
            told,
            [("app@1.service", false), ("app@1.service", true), ("backup.timer", false), ("web.service", false)]
        );
        assert_eq!(shown.refused, ["x;reboot.service"]);
        assert_eq!(shown.found[0].state, "active (running)");
        assert!(!shown.logins_own && read("\n::opsroom-told user\n").logins_own);
    }

    #[test]
    fn the_system_is_asked_once_and_patterns_are_words() {
        let sought = Sought {
            units: vec![Pattern::parse("app@*.service").unwrap(), Pattern::parse("caddy").unwrap()],
            label: None,
        };
        let script = list(&sought, None);
        assert!(script.contains("\nof system '' 'app@*.service' caddy.service || exit\n"), "{script}");
        let login = LoginName::parse("app").unwrap();
        assert!(!list(&sought, Some(&login)).contains("of system"));
    }
}
