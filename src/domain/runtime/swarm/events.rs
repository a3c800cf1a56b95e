//! What happens to tasks, as far as a manager tells.

use jiff::Timestamp;

use super::look::part;
use crate::domain::{
    member::Member,
    names::{MemberName, StackName},
    runtime::{EventKind, RuntimeEvent, Workload},
    shell,
};

/// A command that prints what changes in tasks, from now on: what was before, a
/// look shows.
pub(super) fn events() -> String {
    format!("{{\n{}}}", shell::terse(include_str!("events.sh")))
}

/// Reads one line of [`events`]. Lines about anything else are none.
pub(super) fn read_event(line: &str) -> Option<RuntimeEvent> {
    let [at, service, stack, task, node, desired, state, error] = serde_json::from_str::<[String; 8]>(line).ok()?;
    let slot = task.strip_prefix(&service)?.strip_prefix('.')?;
    let short = part(&service, &stack);
    let member = match slot.parse() {
        Ok(number) => Member { part: MemberName::parse(short).ok()?, number },
        // Where each node runs one, its name ends with the node's ID.
        Err(_) => Member { part: MemberName::parse(&format!("{short}.{node}")).ok()?, number: 1 },
    };
    let kind = match state.as_str() {
        "Running" if matches!(desired.as_str(), "Running" | "Ready" | "Complete") => EventKind::Started,
        // It was not seen to run, so how long it did is not known; a look counts it.
        "Failed" if desired == "Unseen" => EventKind::Changed { code: status(&error) },
        "Failed" => status(&error).map_or(EventKind::Changed { code: None }, |code| EventKind::Died { code }),
        _other => EventKind::Changed { code: None },
    };
    let at = Timestamp::from_second(at.parse().ok()?).ok()?;
    let of = if stack.is_empty() { service.clone() } else { stack };
    Some(RuntimeEvent { id: task, name: service, of: Some((of, member)), at, kind })
}

/// The exit status in the engine's words: "task: non-zero exit (7)".
fn status(error: &str) -> Option<i64> {
    let (_, code) = error.split_once("non-zero exit (")?;
    code.split(')').next()?.parse().ok()
}

/// What an event is about: its stack, or the service that no stack has.
pub(super) fn could_be(event: &RuntimeEvent) -> Option<Workload> {
    let (of, _) = event.of.as_ref()?;
    let name = StackName::parse(of).ok()?;
    Some(if *of == event.name { Workload::Swarm(name) } else { Workload::Stack(name) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_in_a_task_is_an_event_of_its_slot() {
        let event = |line: &str| read_event(line).unwrap();
        let died = event(
            r#"["1795767787","shop_web","shop","shop_web.2","m1","Shutdown","Failed","task: non-zero exit (7)"]"#,
        );
        assert_eq!((died.kind, died.id.as_str()), (EventKind::Died { code: 7 }, "shop_web.2"));
        let (of, member) = died.of.clone().unwrap();
        assert_eq!((of.as_str(), member.part.as_str(), member.number), ("shop", "web", 2));
        assert_eq!(could_be(&died), Some(Workload::Stack(StackName::parse("shop").unwrap())));
        let runs = event(r#"["1795767787","agent","","agent.irhddelqn9eq","m1","Running","Running",""]"#);
        assert_eq!(runs.kind, EventKind::Started);
        assert_eq!(runs.of.as_ref().unwrap().1.part.as_str(), "agent.m1");
        assert_eq!(could_be(&runs), Some(Workload::Swarm(StackName::parse("agent").unwrap())));
        let unseen = r#"["1795767787","web","","web.1","m1","Unseen","Failed","task: non-zero exit (7)"]"#;
        assert_eq!(event(unseen).kind, EventKind::Changed { code: Some(7) });
        for (desired, state, error) in [
            ("Ready", "Preparing", ""),
            ("Shutdown", "Rejected", "No such image: x"),
            ("Shutdown", "Running", ""),
            ("Running", "Gone", ""),
        ] {
            let line = format!(r#"["1795767787","web","","web.1","m1","{desired}","{state}","{error}"]"#);
            assert_eq!(event(&line).kind, EventKind::Changed { code: None }, "{line}");
        }
        assert!(read_event("Error response from daemon").is_none());
    }
}
