//! What happens to containers, as it happens: `docker events`.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::domain::{
    member::Member,
    names::{MemberName, ProjectName},
    runtime::{EventKind, RuntimeEvent},
};

/// `docker events` from a time on: the engine tells again what came after it, as
/// far as it remembers (256 events of all kinds, and none after its own
/// restart).
pub(super) fn events(since: Option<Timestamp>) -> String {
    let kinds = ["start", "die", "oom", "kill", "stop", "destroy", "pause", "unpause", "health_status"]
        .map(|e| format!("--filter event={e}"))
        .join(" ");
    // The engine tells what happened at that moment, too: it is known already.
    let after = since.and_then(|at| at.checked_add(SignedDuration::from_nanos(1)).ok());
    let since = after.map_or(String::new(), |at| {
        format!("--since {}.{:09} ", at.as_second(), at.subsec_nanosecond().unsigned_abs())
    });
    format!("docker events {since}--filter type=container {kinds} --format '{{{{json .}}}}'")
}

#[derive(Deserialize)]
struct EventLine {
    #[serde(rename = "Action")]
    action: String,
    #[serde(rename = "Actor")]
    actor: Actor,
    #[serde(rename = "timeNano")]
    time_nano: i64,
}

#[derive(Deserialize)]
struct Actor {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "Attributes", default)]
    attributes: std::collections::BTreeMap<String, String>,
}

/// Reads one line of [`events`]. Lines about anything else are none.
pub(super) fn read_event(line: &str) -> Option<RuntimeEvent> {
    let line: EventLine = serde_json::from_str(line).ok()?;
    let attribute = |key: &str| line.actor.attributes.get(key).map(String::as_str);
    let kind = match line.action.as_str() {
        "start" => EventKind::Started,
        "die" => EventKind::Died { code: attribute("exitCode").and_then(|c| c.parse().ok()).unwrap_or(255) },
        "oom" => EventKind::OutOfMemory,
        "kill" => EventKind::Killed { signal: attribute("signal").and_then(|s| s.parse().ok()) },
        "stop" => EventKind::Stopped,
        "destroy" => EventKind::Removed,
        "pause" => EventKind::Paused,
        "unpause" => EventKind::Resumed,
        "health_status: healthy" => EventKind::Healthy,
        "health_status: unhealthy" => EventKind::Unhealthy,
        _other => return None,
    };
    let label = |key: &str| attribute(&format!("com.docker.compose.{key}"));
    let of = || {
        let part = MemberName::parse(label("service")?).ok()?;
        let member = Member { part, number: label("container-number")?.parse().ok()? };
        let deployed = label("oneoff").is_none_or(|oneoff| oneoff != "True");
        let project = ProjectName::parse(label("project")?).ok().filter(|_| deployed)?;
        Some((project.as_str().to_owned(), member))
    };
    Some(RuntimeEvent {
        id: line.actor.id.clone(),
        name: attribute("name")?.to_owned(),
        of: of(),
        at: Timestamp::from_nanosecond(line.time_nano.into()).ok()?,
        kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_goes_on_asks_for_what_came_after_the_last_event() {
        let line = r#"{"Action":"kill","Actor":{"ID":"c1","Attributes":{"name":"web","signal":"15"}},"timeNano":1800000000000000007}"#;
        let event = read_event(line).unwrap();
        assert_eq!(event.kind, EventKind::Killed { signal: Some(15) });
        assert!(events(Some(event.at)).contains("--since 1800000000.000000008 "));
        assert!(!events(None).contains("--since"));
    }

    #[test]
    fn health_and_a_frozen_container_are_told() {
        let kind = |action: &str| {
            let line = format!(
                r#"{{"Action":"{action}","Actor":{{"ID":"c1","Attributes":{{"name":"web"}}}},"timeNano":1800000000000000000}}"#
            );
            read_event(&line).map(|event| event.kind)
        };
        assert_eq!(kind("health_status: unhealthy"), Some(EventKind::Unhealthy));
        assert_eq!(kind("health_status: healthy"), Some(EventKind::Healthy));
        assert_eq!(kind("pause"), Some(EventKind::Paused));
        assert_eq!(kind("exec_start: sh"), None);
    }
}
