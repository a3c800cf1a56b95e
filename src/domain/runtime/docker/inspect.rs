//! How containers are: `docker inspect`.
//!
//! Read by line, never by position: `docker inspect` of several names prints
//! the known ones, complains about each unknown one on standard error, and
//! exits with 1. Both streams are read together so that each name gets its own
//! answer.

use jiff::Timestamp;

use crate::domain::{
    inventory::Service,
    observation::{Observation, State},
    runtime::container::Fields,
    shell,
};

/// What `docker inspect -f` prints per container: fields that hold no `|`.
pub(super) const FORMAT: &str = "{{.Name}}|{{.ID}}|{{.State.Status}}|{{.State.StartedAt}}|{{.State.FinishedAt}}|{{.RestartCount}}|\
                      {{.State.ExitCode}}|{{.State.OOMKilled}}|{{if .State.Health}}{{.State.Health.Status}}{{end}}";

/// The same for a snapshot, and what the engine does when it ends.
pub(super) const POLICY: &str = "|{{.HostConfig.RestartPolicy.Name}}";

/// What tells to which part of which project it belongs. As JSON: a label may
/// hold anything, and so it is at least on one line.
pub(super) const LABELS: &str = "|{{json (index .Config.Labels \"com.docker.compose.project\")}}\
                      |{{json (index .Config.Labels \"com.docker.compose.service\")}}\
                      |{{json (index .Config.Labels \"com.docker.compose.container-number\")}}";

/// `docker inspect` of some containers, one line each.
pub fn inspect(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| shell::quote(name)).collect();
    format!("docker inspect --type container -f {} {}", shell::quote(&format!("{FORMAT}{POLICY}")), names.join(" "))
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
    let state = if missing { State::NotDeployed } else { State::Unknown(why) };
    Observation::bare(service.name.clone(), at, state)
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
    let fields = Fields::of(line)?;
    (fields.name == service.workload.name()).then(|| fields.observation(service, at))
}
