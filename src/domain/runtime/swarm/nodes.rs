//! The nodes of a swarm, as a manager lists them.

use crate::domain::runtime::about::{About, LIMITED, Note};

/// Prints the engine's version, and a line for each node.
pub(super) fn about() -> String {
    format!(
        "{LIMITED}limited docker version -f '{{{{.Server.Version}}}}' && \
         limited docker node ls --format '{{{{.Hostname}}}}|{{{{.Status}}}}|{{{{.Availability}}}}|{{{{.ManagerStatus}}}}'"
    )
}

/// Reads what [`about`] printed.
pub(super) fn read_about(printed: &[&str]) -> About {
    let nodes: Vec<Note> = printed.iter().filter_map(|line| node(line)).collect();
    let about = About::version(printed);
    match (nodes.is_empty(), about.version) {
        (false, version) => About { version, notes: nodes },
        (true, version) => About { version, ..About::silent(printed) },
    }
}

/// A line of the list. What else is printed is a complaint.
fn node(line: &str) -> Option<Note> {
    let fields: Vec<&str> = line.trim().split('|').collect();
    let [name, status, availability, manager] = fields[..] else { return None };
    let role = match manager {
        "" => "worker",
        "Leader" => "manager, leads",
        "Reachable" => "manager",
        "Unreachable" => "manager, not reachable",
        other => other,
    };
    let availability = match availability {
        "Active" => "",
        "Pause" => ", takes no new tasks",
        "Drain" => ", drained",
        other => other,
    };
    let says = format!("{name} — {}, {role}{availability}", status.to_lowercase());
    Some(match (status, manager, availability) {
        ("Ready", "" | "Leader" | "Reachable", "") => Note::fine(says),
        ("Ready", "" | "Leader" | "Reachable", _) => Note::doubtful(says),
        _ => Note::wrong(says),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As 29.0 prints it.
    #[test]
    fn nodes_are_what_their_manager_says() {
        let about = read_about(&[
            "WARNING: Error loading config file: permission denied",
            "29.0.1",
            "node-1|Ready|Active|Leader",
            "node-2|Ready|Drain|Reachable",
            "node-3|Down|Active|Unreachable",
            "node-4|Ready|Active|",
        ]);
        assert_eq!(about.version.as_deref(), Some("29.0.1"));
        assert_eq!(
            about.notes,
            [
                Note::fine("node-1 — ready, manager, leads"),
                Note::doubtful("node-2 — ready, manager, drained"),
                Note::wrong("node-3 — down, manager, not reachable"),
                Note::fine("node-4 — ready, worker"),
            ]
        );
        let no_manager = "Error response from daemon: This node is not a swarm manager.";
        assert_eq!(read_about(&["29.0.1", no_manager]).notes, [Note::wrong(format!("does not answer: {no_manager}"))]);
        assert_eq!(read_about(&["sh: docker: not found"]).version, None);
    }
}
