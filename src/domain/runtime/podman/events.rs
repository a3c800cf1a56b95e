//! What happens to containers, as it happens: `podman events`.
//!
//! It tells that one died, and not whether somebody stopped it: a stop sends no
//! event of its own. So a death and a start are reasons to look, which the
//! restart count and the state then explain.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::SURROUNDINGS;
use crate::domain::runtime::{EventKind, RuntimeEvent};

/// `podman events` from a time on: it tells again what came after it, from the
/// journal or its own file.
pub(super) fn events(since: Option<Timestamp>) -> String {
    // What happened at that moment is known already.
    let after = since.and_then(|at| at.checked_add(SignedDuration::from_nanos(1)).ok());
    let since = after.map_or(String::new(), |at| format!("--since {at:.9} "));
    let kinds = ["start", "died", "restart", "remove", "pause", "unpause", "health_status"]
        .map(|kind| format!("--filter event={kind}"))
        .join(" ");
    format!("{{ {SURROUNDINGS}exec podman events {since}--filter type=container {kinds} --format json; }}")
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "Status")]
    status: String,
    /// Up to 4.
    #[serde(rename = "Time")]
    time: Option<Timestamp>,
    /// From 5 on.
    #[serde(rename = "timeNano")]
    nanos: Option<i64>,
    /// Of one that died.
    #[serde(rename = "ContainerExitCode")]
    code: Option<i64>,
    /// Written in two ways.
    #[serde(rename = "health_status", alias = "HealthStatus")]
    health: Option<String>,
}

/// Reads one line of [`events`]. Lines about anything else are none.
pub(super) fn read_event(line: &str) -> Option<RuntimeEvent> {
    let line: Line = serde_json::from_str(line).ok()?;
    let kind = match (line.status.as_str(), line.health.as_deref()) {
        ("died", _) => EventKind::Changed { code: line.code },
        ("start" | "restart", _) => EventKind::Changed { code: None },
        ("remove", _) => EventKind::Removed,
        ("pause", _) => EventKind::Paused,
        ("unpause", _) => EventKind::Resumed,
        ("health_status", Some("healthy")) => EventKind::Healthy,
        ("health_status", Some("unhealthy")) => EventKind::Unhealthy,
        _other => return None,
    };
    let at = line.time.or_else(|| Timestamp::from_nanosecond(line.nanos?.into()).ok())?;
    Some(RuntimeEvent { id: line.id, name: line.name, of: None, at, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As 4.3.1 and 5.4.2 printed them.
    #[test]
    fn both_ways_of_writing_them_are_read() {
        let four = r#"{"ContainerExitCode":7,"ID":"aeae","Image":"localhost/base:latest","Name":"once","Status":"died","Time":"2026-11-27T02:59:57.316618492Z","Type":"container","Attributes":null}"#;
        let five = r#"{"ContainerExitCode":3,"ID":"9d59","Image":"localhost/base:latest","Name":"crash","Status":"died","time":1795748439,"timeNano":1795748439411374966,"Type":"container","Attributes":null}"#;
        let (four, five) = (read_event(four).unwrap(), read_event(five).unwrap());
        assert_eq!((four.kind, four.name.as_str()), (EventKind::Changed { code: Some(7) }, "once"));
        assert_eq!(four.at, "2026-11-27T02:59:57.316618492Z".parse().unwrap());
        assert_eq!(five.at.as_nanosecond(), 1_795_748_439_411_374_966);
        let sick = r#"{"ID":"a932","Name":"sick","Status":"health_status","Time":"2026-11-27T03:00:00.211878602Z","Type":"container","health_status":"unhealthy"}"#;
        assert_eq!(read_event(sick).unwrap().kind, EventKind::Unhealthy);
        assert!(events(Some(four.at)).contains("--since 2026-11-27T02:59:57.316618493Z "));
    }
}
