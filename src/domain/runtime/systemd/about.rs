//! What systemd says of a host: whether it is well, and which units have failed.

use crate::domain::runtime::about::{About, LIMITED, Note};

/// Failed units that are named: one less than are asked for, so that it shows when there are more.
const SHOWN: usize = 5;

/// Prints the version, the state of the whole, and a line for each unit that has
/// failed.
pub(super) fn about() -> String {
    format!(
        "{LIMITED}limited systemctl --version | head -n 1; limited systemctl is-system-running; \
         limited systemctl list-units --failed --plain --no-legend --full | head -n 6 | cut -d ' ' -f 1"
    )
}

/// Reads what [`about`] printed.
pub(super) fn read_about(printed: &[&str]) -> About {
    let mut lines = printed.iter().map(|line| line.trim()).filter(|line| !line.is_empty());
    let version = lines.find_map(|line| line.strip_prefix("systemd ")?.split_whitespace().next());
    let Some(version) = version else { return About::silent(printed) };
    let state = lines.next().unwrap_or("unknown");
    let mut failed: Vec<&str> = lines.collect();
    if failed.len() > SHOWN {
        failed.truncate(SHOWN);
        failed.push("and more");
    }
    let note = match state {
        "running" => Note::fine("running"),
        "degraded" if !failed.is_empty() => Note::doubtful(&format!("failed: {}", failed.join(", "))),
        other => Note::doubtful(other),
    };
    About { version: Some(version.to_owned()), notes: vec![note] }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As 252 prints it.
    #[test]
    fn units_that_have_failed_are_named() {
        let version = "systemd 252 (252.39-1~deb12u1)";
        let about = read_about(&[version, "running"]);
        assert_eq!((about.version.as_deref(), &about.notes[..]), (Some("252"), &[Note::fine("running")][..]));
        let about = read_about(&[version, "degraded", "backup.service", "app@1.service"]);
        assert_eq!(about.notes, [Note::doubtful("failed: backup.service, app@1.service")]);
        assert_eq!(read_about(&["sh: 1: systemctl: not found"]).version, None);
        assert_eq!(read_about(&[version, "offline"]).notes, [Note::doubtful("offline")]);
    }
}
