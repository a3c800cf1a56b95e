//! The nodes of a swarm, as a manager lists them.

use crate::domain::runtime::about::{About, LIMITED, Note};

/// A command that prints a line for each node.
pub(super) const LIST: &str =
    "docker node ls --format '{{.Hostname}}|{{.Status}}|{{.Availability}}|{{.ManagerStatus}}'";

/// A node as a manager knows it.
pub(super) struct Node<'a> {
    pub(super) name: &'a str,
    status: &'a str,
    availability: &'a str,
    /// Empty for one that is no manager.
    manager: &'a str,
}

impl<'a> Node<'a> {
    /// Reads a line of [`LIST`]. What else is printed is a complaint.
    pub(super) fn read(line: &'a str) -> Option<Self> {
        let fields: Vec<&str> = line.trim().split('|').collect();
        let [name, status, availability, manager] = fields[..] else { return None };
        Some(Self { name, status, availability, manager })
    }

    pub(super) fn is_ready(&self) -> bool {
        self.status == "Ready"
    }

    pub(super) fn is_manager(&self) -> bool {
        !self.manager.is_empty()
    }

    fn note(&self) -> Note {
        let role = match self.manager {
            "" => "worker",
            "Leader" => "manager, leads",
            "Reachable" => "manager",
            "Unreachable" => "manager, not reachable",
            other => other,
        };
        let availability = match self.availability {
            "Active" => "",
            "Pause" => ", takes no new tasks",
            "Drain" => ", drained",
            other => other,
        };
        let says = format!("{} — {}, {role}{availability}", self.name, self.status.to_lowercase());
        match (self.is_ready(), self.manager, availability) {
            (true, "" | "Leader" | "Reachable", "") => Note::fine(&says),
            (true, "" | "Leader" | "Reachable", _) => Note::doubtful(&says),
            _ => Note::wrong(&says),
        }
    }
}

/// Prints the engine's version, and its nodes.
pub(super) fn about() -> String {
    format!("{LIMITED}limited docker version -f '{{{{.Server.Version}}}}' && limited {LIST}")
}

/// Reads what [`about`] printed.
pub(super) fn read_about(printed: &[&str]) -> About {
    let notes: Vec<Note> = printed.iter().filter_map(|line| Some(Node::read(line)?.note())).collect();
    let version = About::version(printed).version;
    if notes.is_empty() { About { version, ..About::silent(printed) } } else { About { version, notes } }
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
        assert_eq!(read_about(&["29.0.1", no_manager]).notes, [Note::wrong(&format!("does not answer: {no_manager}"))]);
        assert_eq!(read_about(&["sh: docker: not found"]).version, None);
    }
}
