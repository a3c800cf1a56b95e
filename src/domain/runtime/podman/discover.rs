//! What runs in Podman for a login: containers that no unit starts. What a unit
//! starts is that unit.

use crate::domain::{
    discovery::{Found, Shown, Sought},
    names::ContainerName,
    runtime::{Workload, container},
    shell,
};

/// One container as JSON: its name, its state in words, and the unit that starts it. A
/// label may hold anything.
const FORMAT: &str = "[{{json .Names}},{{json .State}},{{json (index .Labels \"PODMAN_SYSTEMD_UNIT\")}}]";

/// A command that prints each container on a line; nothing where there is no
/// Podman.
pub(super) fn list(sought: &Sought) -> String {
    let only = container::labelled(sought);
    format!("command -v podman >/dev/null || exit 0\npodman ps -a{only} --format {}", shell::quote(FORMAT))
}

/// Reads what [`list`] printed.
pub(super) fn read(printed: &str) -> Shown {
    let mut shown = Shown { logins_own: true, ..Shown::default() };
    for line in printed.lines().filter(|line| !line.trim().is_empty()) {
        let Ok([name, state, unit]) = serde_json::from_str::<[String; 3]>(line) else {
            shown.refused.push(line.to_owned());
            continue;
        };
        if !unit.is_empty() {
            continue;
        }
        match ContainerName::parse(&name) {
            Ok(container) => {
                let (parts, dir) = (Vec::new(), None);
                shown.found.push(Found { workload: Workload::Podman(container), parts, dir, state });
            }
            Err(_) => shown.refused.push(name),
        }
    }
    shown.found.sort_by(|one, other| one.workload.name().cmp(other.workload.name()));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As 4.3.1 prints them; 5.4.2 says the state itself.
    #[test]
    fn containers_of_no_unit_are_found() {
        let shown = read(concat!(
            r#"["web","Up 3 seconds ago",""]"#,
            "\n",
            r#"["systemd-db","Up 2 days","db.service"]"#,
            "\n",
            "Error: cannot\n",
        ));
        let told: Vec<_> = shown.found.iter().map(|f| (f.workload.name(), f.state.as_str())).collect();
        assert_eq!((told, shown.refused), (vec![("web", "Up 3 seconds ago")], vec!["Error: cannot".to_owned()]));
    }
}
