//! What `docker/verify.sh` says of a container.

use std::process::Output;

use opsroom_lab::{BotContainer, Dock};

/// The facts it denies. Fails when it could not look, and when its exit code and its words differ.
#[track_caller]
pub(crate) fn denied(dock: &Dock, container: &str) -> Vec<String> {
    let Output { status, stdout, stderr } = BotContainer::verified(dock, container);
    let (said, complaints) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(complaints.is_empty(), "{complaints}");
    assert_eq!(said.lines().count(), FACTS.len(), "{said}");
    let denied = said.lines().zip(FACTS).filter_map(|(line, fact)| {
        let mut words = line.split_whitespace();
        let (verdict, name) = (words.next(), words.next());
        assert_eq!(name, Some(fact), "{said}");
        match verdict {
            Some("ok") => None,
            Some("FAIL") => Some(fact.to_owned()),
            _ => panic!("neither ok nor FAIL: {line}"),
        }
    });
    let denied: Vec<_> = denied.collect();
    assert_eq!(status.code(), Some(i32::from(!denied.is_empty())), "{said}");
    denied
}

/// All of them, in the order in which they are told.
pub(crate) const FACTS: [&str; 14] = [
    "not-root",
    "read-only-root",
    "capabilities",
    "no-new-privs",
    "seccomp",
    "pids-limit",
    "memory-limit",
    "no-socket",
    "state-volume",
    "config-mount",
    "own-namespaces",
    "one-program",
    "healthy",
    "stop-time",
];
