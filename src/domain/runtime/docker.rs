//! Docker Engine through its command line.
//!
//! Parsed by line, never by position: `docker inspect` of several names prints
//! the known ones, complains about each unknown one on standard error, and
//! exits with 1. Both streams are read together so that each name gets its own
//! answer.

use jiff::Timestamp;
use serde::Deserialize;

use super::{ContainerEvent, EventKind};
use crate::domain::{
    inventory::Service,
    names::{ContainerName, LoginName},
    observation::{Death, Health, HostTrouble, Observation, State},
    shell,
};

/// What `docker inspect -f` prints per container: fields that hold no `|`.
pub(super) const FORMAT: &str = "{{.Name}}|{{.ID}}|{{.State.Status}}|{{.State.StartedAt}}|{{.State.FinishedAt}}|{{.RestartCount}}|\
                      {{.State.ExitCode}}|{{.State.OOMKilled}}|{{if .State.Health}}{{.State.Health.Status}}{{end}}";

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
    parts.join("; ")
}

/// `docker inspect` of some containers, one line each.
pub fn inspect(names: &[&ContainerName]) -> String {
    let names: Vec<String> = names.iter().map(|n| shell::quote(n.as_str())).collect();
    format!("docker inspect --type container -f {} {}", shell::quote(FORMAT), names.join(" "))
}

/// Reads what [`snapshot`] printed. A service that is neither shown nor named
/// as unknown is [`State::Unknown`] with what was printed instead; when that is
/// so of all of them, the engine is to blame.
pub fn read_snapshot<'a>(
    output: &str,
    services: impl IntoIterator<Item = &'a Service>,
    at: Timestamp,
) -> Result<Vec<Observation>, HostTrouble> {
    let services: Vec<&Service> = services.into_iter().collect();
    let mut seen = Vec::new();
    for service in &services {
        let login = service.run_as.as_ref().map_or("", |l| l.as_str());
        seen.push(observe(service, section(output, login), at));
    }
    let blind = |o: &Observation| matches!(o.state, State::Unknown(_));
    match seen.first() {
        Some(Observation { state: State::Unknown(why), .. }) if seen.iter().all(blind) => {
            Err(HostTrouble::Engine(why.clone()))
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
    let [name, id, status, started, finished, restarts, code, oom, health] = fields[..] else { return None };
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

/// A stream of what happens to containers, for as long as standard input stays
/// open: `docker events` would outlive the connection otherwise, because it
/// notices a closed pipe only at the next event.
pub fn events(login: Option<&LoginName>) -> String {
    let kinds = ["start", "die", "oom", "kill", "stop", "destroy"].map(|e| format!("--filter event={e}")).join(" ");
    shell::script(
        login,
        &shell::until_hung_up(&format!("docker events --filter type=container {kinds} --format '{{{{json .}}}}'")),
    )
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
        "kill" => EventKind::Killed,
        "stop" => EventKind::Stopped,
        "destroy" => EventKind::Removed,
        _other => return None,
    };
    Some(ContainerEvent {
        id: line.actor.id.clone(),
        name: ContainerName::parse(attribute("name")?).ok()?,
        at: Timestamp::from_nanosecond(line.time_nano.into()).ok()?,
        kind,
    })
}
