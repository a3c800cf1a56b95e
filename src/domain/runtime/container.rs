//! How a container is, as a line of an engine's `inspect` tells it. The engines
//! differ in the command, not in the fields.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::{
    discovery::Sought,
    inventory::Service,
    observation::{Death, Health, Observation, State},
    shell,
};

/// The options of a list that is to show what is sought alone.
pub(in crate::domain::runtime) fn labelled(sought: &Sought) -> String {
    let filter = |label| format!(" --filter {}", shell::quote(&format!("label={label}")));
    sought.label.as_ref().map(filter).unwrap_or_default()
}

/// Which line is the first about each container, by its name. Whoever is about
/// to look for many need not take all lines apart for each.
pub(in crate::domain::runtime) fn places<'a>(printed: &[&'a str]) -> BTreeMap<&'a str, usize> {
    let mut places = BTreeMap::new();
    for (place, line) in printed.iter().enumerate() {
        if let Some(fields) = Fields::of(line) {
            places.entry(fields.name).or_insert(place);
        }
    }
    places
}

/// One container, as a line tells it.
pub(in crate::domain::runtime) struct Fields<'a> {
    /// Its name, without the mark that some engines put before it.
    pub(in crate::domain::runtime) name: &'a str,
    whole: [&'a str; 8],
    policy: &'a str,
    /// Project, service and number, each as JSON.
    pub(in crate::domain::runtime) labels: Option<[&'a str; 3]>,
}

impl<'a> Fields<'a> {
    /// The parts of a line, if it is one.
    pub(in crate::domain::runtime) fn of(line: &'a str) -> Option<Self> {
        // What is behind the last mark is a label's own, and may hold more of them.
        let fields: Vec<&str> = line.trim().splitn(13, '|').collect();
        // A job prints one field less: what came after it was added, it does not ask.
        let (base, policy, labels) = match fields[..] {
            [ref base @ .., policy, project, part, number] if base.len() == 9 => {
                (base, policy, Some([project, part, number]))
            }
            [ref base @ .., policy] if base.len() == 9 => (base, policy, None),
            ref base => (base, "", None),
        };
        let [name, id, status, started, finished, restarts, code, oom, health] = *base else { return None };
        let whole = [id, status, started, finished, restarts, code, oom, health];
        Some(Self { name: name.trim_start_matches('/'), whole, policy, labels })
    }

    /// How that container is.
    pub(in crate::domain::runtime) fn observation(&self, service: &Service, at: Timestamp) -> Observation {
        let [id, status, started, finished, restarts, code, oom, health] = self.whole;
        let death = Death { oom: oom == "true", ..Death::exit(code.parse().unwrap_or(255)) };
        let started = moment(started);
        let finished = moment(finished);
        let (state, since) = match status {
            "running" => (State::Running, started),
            "restarting" => (State::Restarting { last: death }, finished),
            "exited" | "dead" | "stopped" => (State::Exited(death), finished),
            "paused" => (State::Paused, started),
            // On its way to an end it still runs.
            "stopping" => (State::Running, started),
            "created" | "configured" | "initialized" => (State::Created, None),
            "removing" => (State::Removing, None),
            other => (State::Unknown(format!("the engine calls its state {other:?}")), None),
        };
        let health = match health {
            "starting" => Health::Starting,
            "healthy" => Health::Healthy,
            "unhealthy" => Health::Unhealthy,
            _none => Health::None,
        };
        Observation {
            health,
            restarts: restarts.parse().unwrap_or(0),
            since,
            id: Some(id.to_owned()),
            kept_up: matches!(self.policy, "always" | "unless-stopped"),
            ..Observation::bare(service.name.clone(), at, state)
        }
    }
}

/// A time that never was is written as year 1.
fn moment(text: &str) -> Option<Timestamp> {
    text.trim_matches('"').parse::<Timestamp>().ok().filter(|t| t.as_second() > 0)
}
