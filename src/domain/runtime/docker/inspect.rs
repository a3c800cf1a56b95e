//! How containers are: `docker inspect`.
//!
//! Read by line, never by position: `docker inspect` of several names prints
//! the known ones, complains about each unknown one on standard error, and
//! exits with 1. Both streams are read together so that each name gets its own
//! answer.

use jiff::Timestamp;

use crate::domain::{
    inventory::Service,
    observation::{Death, Health, Observation, State},
    shell,
};

/// What `docker inspect -f` prints per container: fields that hold no `|`.
pub(super) const FORMAT: &str = "{{.Name}}|{{.ID}}|{{.State.Status}}|{{.State.StartedAt}}|{{.State.FinishedAt}}|{{.RestartCount}}|\
                      {{.State.ExitCode}}|{{.State.OOMKilled}}|{{if .State.Health}}{{.State.Health.Status}}{{end}}";

/// The same for a snapshot, and what the engine does when it ends.
const SNAPSHOT: &str = "|{{.HostConfig.RestartPolicy.Name}}";

/// `docker inspect` of some containers, one line each.
pub fn inspect(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| shell::quote(name)).collect();
    format!("docker inspect --type container -f {} {}", shell::quote(&format!("{FORMAT}{SNAPSHOT}")), names.join(" "))
}

/// Reads how a service's container is from what [`inspect`] printed.
pub(super) fn observe(lines: &[&str], service: &Service, at: Timestamp) -> Observation {
    let mut complaint = None;
    let mut missing = false;
    for line in lines {
        if let Some(observation) = read_inspect(line, service, at) {
            return observation;
        }
        // The engine also takes the beginning of an ID for a name, and shows another container for one that is gone.
        let another = || line.split('|').nth(1).is_some_and(|id| id.starts_with(service.workload.name()));
        missing |= names_missing(line, service.workload.name()) || another();
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
        asked: None,
    }
}

/// "Error: No such object: x" (up to 27), "error: no such object: x" (28 on),
/// "No such container: x".
pub fn names_missing(line: &str, container: &str) -> bool {
    let line = line.to_ascii_lowercase();
    ["no such object: ", "no such container: "]
        .iter()
        .any(|said| line.split_once(said).is_some_and(|(_, name)| name.trim() == container.to_ascii_lowercase()))
}

/// Reads one line of [`inspect`], if it is about this service's container.
pub(super) fn read_inspect(line: &str, service: &Service, at: Timestamp) -> Option<Observation> {
    let fields: Vec<&str> = line.trim().split('|').collect();
    // A job prints one field less: what came after it was added, it does not ask.
    let (fields, policy) = match fields[..] {
        [.., policy] if fields.len() == 10 => (&fields[..9], policy),
        _ => (&fields[..], ""),
    };
    let [name, id, status, started, finished, restarts, code, oom, health] = *fields else { return None };
    if name.trim_start_matches('/') != service.workload.name() {
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
        asked: None,
    })
}

/// Docker writes a time that never was as year 1.
fn moment(text: &str) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().filter(|t| t.as_second() > 0)
}
