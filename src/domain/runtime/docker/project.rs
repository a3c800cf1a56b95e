//! Compose projects as a whole: their containers are known by the labels that
//! Compose gives them, so that no file has to be read and no Compose has to be
//! there to look at one.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::inspect::{FORMAT, LABELS, POLICY, observe};
use crate::domain::{
    inventory::Service,
    member::Member,
    names::MemberName,
    observation::{Observation, State},
    output::{CommandOutput, Exit, LogError, LogTail},
    project::fold,
    runtime::{
        Workload,
        container::{Fields, places},
    },
    shell,
};

/// Printed once the containers of all projects were listed: one that is not
/// among them then is not there.
const LISTED: &str = "::opsroom-listed";
/// The status with which [`logs`] ends when there is no such member.
const NO_MEMBER: u32 = 4;

/// Looks at containers by their names, and at all those of some projects.
pub(super) fn snapshot(services: &[&Service]) -> String {
    let of = |project: bool| {
        let named = services.iter().filter(move |service| service.workload.is_project() == project);
        named.map(|service| shell::quote(service.workload.name())).collect::<Vec<String>>()
    };
    let (containers, projects) = (of(false).join(" "), of(true).join(" | "));
    let inspect = |format: &str| format!("docker inspect --type container -f {}", shell::quote(format));
    if projects.is_empty() {
        return format!("{} {containers}", inspect(&format!("{FORMAT}{POLICY}")));
    }
    // Containers that `docker compose run` made belong to nobody's deployment.
    format!(
        "l=$(docker ps -a --no-trunc --filter label=com.docker.compose.oneoff=False \\\n\
         --format '{{{{.ID}}}} {{{{.Label \"com.docker.compose.project\"}}}}' 2>&1) && echo {LISTED} || echo \"$l\"\n\
         set -- {containers} $(echo \"$l\" | while read -r i p; do case $i in *[!0-9a-f]*) continue ;; esac; case $p in {projects}) echo \"$i\" ;; esac; done)\n\
         [ $# = 0 ] || {} \"$@\"",
        inspect(&format!("{FORMAT}{POLICY}{LABELS}"))
    )
}

/// Reads how services are from what [`snapshot`] printed about all of them.
pub(super) fn observe_all(printed: &[&str], services: &[&Service], at: Timestamp) -> Vec<Observation> {
    let places = places(printed);
    let mut members: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    if services.iter().any(|service| service.workload.is_project()) {
        for line in printed {
            if let Some(project) = Fields::of(line).and_then(|fields| text(fields.labels?[0])) {
                members.entry(project).or_default().push(line);
            }
        }
    }
    let observe_any = |service: &&Service| {
        let name = service.workload.name();
        if service.workload.is_project() {
            return observe_project(printed, members.get(name).map_or(&[], Vec::as_slice), service, at);
        }
        // About one that is not there, all lines may have something to say.
        observe(&printed[places.get(name).copied().unwrap_or(0)..], service, at)
    };
    services.iter().map(observe_any).collect()
}

/// Reads how a project is from the lines about it, or what else was printed.
fn observe_project(printed: &[&str], about: &[&str], service: &Service, at: Timestamp) -> Observation {
    let members = members(about.iter().copied(), service, at);
    if !members.is_empty() {
        return fold(service.name.clone(), at, members);
    }
    // That another one is not there says nothing about this.
    let blames = |line: &&str| {
        !line.is_empty() && !line.contains('|') && *line != LISTED && !line.to_lowercase().contains("no such ")
    };
    let complaint = printed.iter().map(|line| line.trim()).find(blames);
    if printed.contains(&LISTED) && complaint.is_none() {
        return fold(service.name.clone(), at, members);
    }
    let why = complaint.unwrap_or("docker ps printed nothing about it").to_owned();
    Observation::bare(service.name.clone(), at, State::Unknown(why))
}

/// Reads what a job told of a project: its containers' lines as one.
pub(super) fn seen(line: &str, service: &Service, at: Timestamp) -> Option<Observation> {
    let members = members(line.split(";;"), service, at);
    (!members.is_empty()).then(|| fold(service.name.clone(), at, members))
}

/// The containers of a project. A deployment that was cut off can leave two that
/// are the same member: the one that runs is meant, or the newer.
fn members<'a>(lines: impl Iterator<Item = &'a str>, service: &Service, at: Timestamp) -> Vec<(Member, Observation)> {
    let mut found: BTreeMap<Member, Observation> = BTreeMap::new();
    let worth = |seen: &Observation| (seen.state == State::Running, seen.since);
    for (member, seen) in lines.filter_map(|line| read_member(line, service, at)) {
        match found.get(&member) {
            Some(other) if worth(other) >= worth(&seen) => {}
            Some(_) | None => drop(found.insert(member, seen)),
        }
    }
    found.into_iter().collect()
}

/// A label, which is written as JSON.
fn text(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

/// One container, if it is this project's.
fn read_member(line: &str, service: &Service, at: Timestamp) -> Option<(Member, Observation)> {
    let fields = Fields::of(line)?;
    let [project, part, number] = fields.labels?;
    if text(project)? != service.workload.name() {
        return None;
    }
    let part = MemberName::parse(&text(part)?).ok()?;
    let number = text(number)?.parse().ok()?;
    Some((Member { part, number }, fields.observation(service, at)))
}

/// The last lines that the containers of a project printed, or those of one
/// member, each with its name before it where there are several.
pub(super) fn logs(service: &Service, member: Option<&MemberName>, lines: u32) -> String {
    let Workload::Project(project) = &service.workload else {
        return super::logs::logs(service.workload.name(), lines);
    };
    let (project, member) =
        (shell::quote(project.as_str()), member.map_or("''".to_owned(), |m| shell::quote(m.as_str())));
    format!("p={project} m={member} n={lines}\n{}", shell::terse(include_str!("project_logs.sh")))
}

/// Reads what [`logs`] printed.
pub(super) fn read_log(output: CommandOutput, service: &Service) -> Result<LogTail, LogError> {
    if !service.workload.is_project() {
        return super::logs::read_log(output, service.workload.name());
    }
    output.into_log(|exit, _| *exit == Exit::Code(NO_MEMBER))
}
