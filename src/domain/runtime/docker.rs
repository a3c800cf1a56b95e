//! Docker Engine through its command line.
//!
//! Parsed by line, never by position: `docker inspect` of several names prints
//! the known ones, complains about each unknown one on standard error, and
//! exits with 1. Both streams are read together so that each name gets its own
//! answer.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{ContainerEvent, EventKind};
use crate::domain::{
    inventory::Service,
    names::{ContainerName, LoginName},
    observation::{Death, Disk, Health, HostFacts, Observation, SnapshotError, State},
    output::{CommandOutput, LogError, LogTail},
    shell,
};

/// What `docker inspect -f` prints per container: fields that hold no `|`.
pub(super) const FORMAT: &str = "{{.Name}}|{{.ID}}|{{.State.Status}}|{{.State.StartedAt}}|{{.State.FinishedAt}}|{{.RestartCount}}|\
                      {{.State.ExitCode}}|{{.State.OOMKilled}}|{{if .State.Health}}{{.State.Health.Status}}{{end}}";

/// The same for a look, and what the engine does when it ends.
const LOOK: &str = "|{{.HostConfig.RestartPolicy.Name}}";

/// Marks where one login's answers begin in a snapshot's output.
const GROUP: &str = "::opsroom-as ";

/// One command line that looks at all the services of a host, however many
/// logins they need.
pub fn snapshot<'a>(services: impl IntoIterator<Item = &'a Service>) -> String {
    let mut groups: Vec<(Option<&LoginName>, Vec<&ContainerName>)> = Vec::new();
    for service in services {
        let login = service.run_as.as_ref();
        match groups.iter_mut().find(|(of, _)| *of == login) {
            Some((_, names)) => names.push(&service.container),
            None => groups.push((login, vec![&service.container])),
        }
    }
    let parts: Vec<String> = groups
        .iter()
        .map(|(login, names)| {
            let mark = shell::quote(&format!("{GROUP}{}", login.map_or("", |l| l.as_str())));
            format!("echo {mark}; {} 2>&1", shell::script(*login, &inspect(names)))
        })
        .collect();
    format!("{}; {FACTS}", parts.join("; "))
}

/// What a host says of itself, without asking its engine.
const FACTS: &str = "echo '::opsroom-as :host'; cat /proc/sys/kernel/random/boot_id 2>/dev/null; \
                     df -P -k / /var/lib/docker 2>/dev/null; true";

/// Reads what a host says of itself in the output of [`snapshot`].
pub fn read_facts(output: &str) -> HostFacts {
    let mut facts = HostFacts::default();
    for line in section(output, ":host") {
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields[..] {
            // A login is no `:host`, and df's heading has no number here.
            [boot] if boot.len() == 36 => facts.boot = Some(boot.to_owned()),
            [_, _, _, free, used, mount] => {
                let percent = used.strip_suffix('%').and_then(|n| n.parse().ok());
                if let (Some(percent), Ok(free)) = (percent, free.parse::<u64>()) {
                    facts.disks.push(Disk { mount: mount.to_owned(), percent, free: free / 1_024 });
                }
            }
            _ => {}
        }
    }
    facts
}

/// `docker inspect` of some containers, one line each.
pub fn inspect(names: &[&ContainerName]) -> String {
    let names: Vec<String> = names.iter().map(|n| shell::quote(n.as_str())).collect();
    format!("docker inspect --type container -f {} {}", shell::quote(&format!("{FORMAT}{LOOK}")), names.join(" "))
}

/// Reads what [`snapshot`] printed. A service that is neither shown nor named
/// as unknown is [`State::Unknown`] with what was printed instead; when that is
/// so of all of them, the engine is to blame.
pub fn read_snapshot<'a>(
    output: &str,
    services: impl IntoIterator<Item = &'a Service>,
    at: Timestamp,
) -> Result<Vec<Observation>, SnapshotError> {
    let services: Vec<&Service> = services.into_iter().collect();
    let mut seen = Vec::new();
    for service in &services {
        let login = service.run_as.as_ref().map_or("", |l| l.as_str());
        seen.push(observe(service, section(output, login), at));
    }
    let blind = |o: &Observation| matches!(o.state, State::Unknown(_));
    match seen.first() {
        Some(Observation { state: State::Unknown(why), .. }) if seen.iter().all(blind) => {
            Err(SnapshotError::Engine(why.clone()))
        }
        Some(_) | None => Ok(seen),
    }
}

fn section<'a>(output: &'a str, login: &str) -> impl Iterator<Item = &'a str> {
    let mark = format!("{GROUP}{login}");
    output.lines().skip_while(move |line| *line != mark).skip(1).take_while(|line| !line.starts_with(GROUP))
}

fn observe<'a>(service: &Service, lines: impl Iterator<Item = &'a str>, at: Timestamp) -> Observation {
    let mut complaint = None;
    let mut missing = false;
    for line in lines {
        if let Some(observation) = read_inspect(line, service, at) {
            return observation;
        }
        // The engine also takes the beginning of an ID for a name, and shows another container for one that is gone.
        let another = || line.split('|').nth(1).is_some_and(|id| id.starts_with(service.container.as_str()));
        missing |= names_missing(line, &service.container) || another();
        if !line.trim().is_empty() && !line.contains('|') {
            complaint = Some(line.trim());
        }
    }
    let why = complaint.unwrap_or("docker inspect printed nothing about it").to_owned();
    Observation {
        service: service.name.clone(),
        at,
        state: if missing { State::NotDeployed } else { State::Unknown(why) },
        health: Health::None,
        restarts: 0,
        since: None,
        id: None,
        kept_up: false,
    }
}

/// "Error: No such object: x" (up to 27), "error: no such object: x" (28 on),
/// "No such container: x".
pub fn names_missing(line: &str, container: &ContainerName) -> bool {
    let line = line.to_ascii_lowercase();
    ["no such object: ", "no such container: "].iter().any(|said| {
        line.split_once(said).is_some_and(|(_, name)| name.trim() == container.as_str().to_ascii_lowercase())
    })
}

/// Reads one line of [`inspect`], if it is about this service's container.
pub fn read_inspect(line: &str, service: &Service, at: Timestamp) -> Option<Observation> {
    let fields: Vec<&str> = line.trim().split('|').collect();
    // A job prints one field less: what came after it was added, it does not ask.
    let (fields, policy) = match fields[..] {
        [.., policy] if fields.len() == 10 => (&fields[..9], policy),
        _ => (&fields[..], ""),
    };
    let [name, id, status, started, finished, restarts, code, oom, health] = *fields else { return None };
    if name.trim_start_matches('/') != service.container.as_str() {
        return None;
    }
    let death = Death { code: code.parse().unwrap_or(255), oom: oom == "true" };
    let started = moment(started);
    let finished = moment(finished);
    let (state, since) = match status {
        "running" => (State::Running, started),
        "restarting" => (State::Restarting { last: death }, finished),
        "exited" | "dead" => (State::Exited(death), finished),
        "paused" => (State::Paused, started),
        "created" => (State::Created, None),
        "removing" => (State::Removing, None),
        other => (State::Unknown(format!("docker calls its state {other:?}")), None),
    };
    let health = match health {
        "starting" => Health::Starting,
        "healthy" => Health::Healthy,
        "unhealthy" => Health::Unhealthy,
        _none => Health::None,
    };
    Some(Observation {
        service: service.name.clone(),
        at,
        state,
        health,
        restarts: restarts.parse().unwrap_or(0),
        since,
        id: Some(id.to_owned()),
        kept_up: matches!(policy, "always" | "unless-stopped"),
    })
}

/// Docker writes a time that never was as year 1.
fn moment(text: &str) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().filter(|t| t.as_second() > 0)
}

/// The last lines a container printed, both streams.
pub fn logs(service: &Service, lines: u32) -> String {
    let name = shell::quote(service.container.as_str());
    // By the beginning of its ID, another container could be meant.
    let command = format!(
        "said=$(docker inspect --type container -f '{{{{.Name}}}}' {name} 2>&1)\n\
         case $said in\n\
         {name} | /{name}) docker logs --tail {lines} {name} 2>&1 ;;\n\
         /*) echo \"Error: No such container: \"{name}; exit 1 ;;\n\
         *) printf '%s\\n' \"$said\"; exit 1 ;;\n\
         esac"
    );
    shell::script(service.run_as.as_ref(), &command)
}

/// Reads what [`logs`] printed.
pub fn read_log(output: CommandOutput, service: &Service) -> Result<LogTail, LogError> {
    let CommandOutput { exit, text, truncated } = output;
    if exit.is_success() {
        return Ok(LogTail { text, truncated });
    }
    let said = CommandOutput::last_line(&text);
    if names_missing(said, &service.container) {
        return Err(LogError::NotDeployed);
    }
    Err(LogError::Failed { exit, said: said.to_owned() })
}

/// A stream of what happens to containers, for as long as standard input stays
/// open: `docker events` would outlive the connection otherwise, because it
/// notices a closed pipe only at the next event.
///
/// `since` is the time of the last event that is known, by the host's clock:
/// the engine tells again what came after it, as far as it remembers (256
/// events of all kinds, and none after its own restart). The first line is that
/// clock, for when nothing has happened before the stream breaks.
pub fn events(login: Option<&LoginName>, since: Option<Timestamp>) -> String {
    let kinds = ["start", "die", "oom", "kill", "stop", "destroy", "pause", "unpause", "health_status"]
        .map(|e| format!("--filter event={e}"))
        .join(" ");
    // The engine tells what happened at that moment, too: it is known already.
    let after = since.and_then(|at| at.checked_add(SignedDuration::from_nanos(1)).ok());
    let since = after.map_or(String::new(), |at| {
        format!("--since {}.{:09} ", at.as_second(), at.subsec_nanosecond().unsigned_abs())
    });
    shell::script(
        login,
        &format!(
            "echo \"{CLOCK}$(date +%s)\"; {}",
            shell::until_hung_up(&format!(
                "docker events {since}--filter type=container {kinds} --format '{{{{json .}}}}'"
            ))
        ),
    )
}

/// Marks the host's clock in the output of [`events`].
const CLOCK: &str = "::opsroom-clock ";

/// Reads the host's clock, if this is the line that tells it.
pub fn read_clock(line: &str) -> Option<Timestamp> {
    Timestamp::from_second(line.strip_prefix(CLOCK)?.trim().parse().ok()?).ok()
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
pub fn read_event(line: &str) -> Option<ContainerEvent> {
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
    Some(ContainerEvent {
        id: line.actor.id.clone(),
        name: ContainerName::parse(attribute("name")?).ok()?,
        at: Timestamp::from_nanosecond(line.time_nano.into()).ok()?,
        kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_says_of_itself_stands_behind_its_containers() {
        let output = "::opsroom-as \n/web|c1|running|2027-01-15T07:00:00Z|0001-01-01T00:00:00Z|0|0|false||always\n\
                      ::opsroom-as :host\n2f0c2f9e-6b1d-4b52-9f3e-0a8a1c1f7a55\n\
                      Filesystem 1024-blocks Used Available Capacity Mounted on\n\
                      /dev/vda1 264212084 66060288 29360128 70% /\n";
        let facts = read_facts(output);
        assert_eq!(facts.boot.as_deref(), Some("2f0c2f9e-6b1d-4b52-9f3e-0a8a1c1f7a55"));
        assert_eq!(facts.disks, [Disk { mount: "/".into(), percent: 70, free: 28_672 }]);
        assert_eq!(read_facts("::opsroom-as \nCannot connect to the Docker daemon\n"), HostFacts::default());
    }

    #[test]
    fn a_stream_that_goes_on_asks_for_what_came_after_the_last_event() {
        let line = r#"{"Action":"kill","Actor":{"ID":"c1","Attributes":{"name":"web","signal":"15"}},"timeNano":1800000000000000007}"#;
        let event = read_event(line).unwrap();
        assert_eq!(event.kind, EventKind::Killed { signal: Some(15) });
        assert!(events(None, Some(event.at)).contains("--since 1800000000.000000008 "));
        assert!(!events(None, None).contains("--since"));
        assert_eq!(read_clock("::opsroom-clock 1800000000"), Timestamp::from_second(1_800_000_000).ok());
        assert_eq!(read_clock(line), None);
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
