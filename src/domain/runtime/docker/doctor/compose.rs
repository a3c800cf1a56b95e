//! What Compose and the engine said about a service.

use super::{TIMED_OUT, instead, needs_compose};
use crate::domain::{
    doctor::answers::{AboutService, Answer},
    inventory::Service,
    message::{code, escape},
    runtime::{RuntimeCheck, docker::names_missing},
    suggest,
};

/// What was found about a service's compose file and its container. Where the
/// engine cannot be used there is nothing.
pub(super) fn read(asked: &AboutService<'_, '_>, service: &Service) -> Vec<RuntimeCheck> {
    let project = Project::read(asked);
    let file = asked.get("file").map(|file| match file.code {
        0 if file.value().is_empty() => RuntimeCheck::fine("compose", "the compose file is right"),
        0 => RuntimeCheck::doubtful(
            "compose",
            format!("compose warns: {}", code(&unquoted(&file.words()))),
            "set what is missing in `.env`, or give it a default",
        ),
        TIMED_OUT => unusable("no answer within 20 s"),
        _failed => unusable(&file.words()),
    });
    let there = container(asked, service, project.as_ref()).or_else(|| whole(asked, service, project.as_ref()));
    file.into_iter().chain(there).chain(asked.get("kept").map(gone)).collect()
}

/// Images that were kept for a roll-back are gone.
fn gone(answer: Answer<'_>) -> RuntimeCheck {
    let versions: Vec<String> = answer.value().split_whitespace().map(code).collect();
    let then = if answer.is_good() { "going back there takes a build" } else { "there is no going back there" };
    RuntimeCheck::doubtful(
        "rollback",
        format!("the images kept of {} are gone: {then}", versions.join(", ")),
        format!("{} spares them, without {}", code("docker image prune"), code("-a")),
    )
}

fn unusable(said: &str) -> RuntimeCheck {
    RuntimeCheck::wrong(
        "compose",
        format!("compose cannot use the file: {}", code(said)),
        format!("{} there as that login", code("docker compose config -q")),
    )
}

/// A message of Compose's log, which writes it as a quoted string.
fn unquoted(message: &str) -> String {
    message.trim_matches('"').replace("\\\"", "\"")
}

/// What the compose file in the service's directory makes.
struct Project {
    name: String,
    containers: Vec<String>,
}

impl Project {
    fn read(asked: &AboutService<'_, '_>) -> Option<Self> {
        let names = |question: &str| -> Vec<String> {
            let answer = asked.get(question);
            answer.map(|answer| answer.value().split_whitespace().map(str::to_owned).collect()).unwrap_or_default()
        };
        let name = asked.get("project")?.value().trim_matches('"').to_owned();
        let mut containers = names("makes");
        // Compose v2's own names, where the file gives none.
        containers.extend(names("services").iter().map(|service| format!("{name}-{service}-1")));
        Some(Self { name, containers })
    }
}

/// The project as a whole: what the file in its directory is called, and what
/// of it is there.
fn whole(asked: &AboutService<'_, '_>, service: &Service, project: Option<&Project>) -> Option<RuntimeCheck> {
    let (answer, ours) = (asked.get("members")?, service.workload.name());
    if let Some(other) = project.filter(|project| project.name != ours) {
        return Some(RuntimeCheck::wrong(
            "project",
            format!("the compose file makes the project {}, not {}", code(&other.name), code(ours)),
            format!("in the config: {}", code(&format!("project = \"{}\"", other.name))),
        ));
    }
    if !answer.is_good() {
        let next = format!("run {} there as that login", code("docker ps -a"));
        return Some(RuntimeCheck::wrong(
            "project",
            format!("docker does not list containers{}", instead(&answer.words())),
            next,
        ));
    }
    if answer.value().trim().is_empty() {
        if project.is_some() {
            return Some(RuntimeCheck::doubtful("project", "not deployed yet", "a start or an update makes it"));
        }
        let others = asked.get("projects").map(|others| others.value().to_owned()).unwrap_or_default();
        let near = suggest::nearest(ours, others.split_whitespace().map(str::to_owned));
        let near = near.map_or(String::new(), |near| format!(" — did you mean {}?", code(&near)));
        let next = "deploy it, or correct `project` in the config";
        return Some(RuntimeCheck::wrong("project", format!("there is no container of {}{near}", code(ours)), next));
    }
    let words: Vec<&str> = answer.value().split_whitespace().collect();
    let states: Vec<String> = words.chunks(2).map(|state| escape(&state.join(" "))).collect();
    Some(RuntimeCheck::fine("project", states.join(", ")))
}

fn container(asked: &AboutService<'_, '_>, service: &Service, project: Option<&Project>) -> Option<RuntimeCheck> {
    let answer = asked.get("container")?;
    let container = service.workload.name();
    if answer.is_good() {
        let (state, label) = answer.value().rsplit_once('|')?;
        // Without a label docker prints nothing, or this.
        let theirs = Some(label).filter(|label| !label.is_empty() && *label != "<no value>");
        return Some(match project {
            Some(project) if theirs != Some(project.name.as_str()) => foreign(container, theirs, &project.name),
            Some(_) | None => RuntimeCheck::fine("container", escape(state)),
        });
    }
    if !names_missing(answer.value(), container) {
        return Some(RuntimeCheck::wrong(
            "container",
            format!("docker does not say how it is{}", instead(&answer.words())),
            format!("run {} there as that login", code("docker inspect")),
        ));
    }
    match project {
        Some(project) if project.containers.iter().any(|made| made == container) => {
            Some(RuntimeCheck::doubtful("container", "not deployed yet", "a start or an update makes it"))
        }
        Some(project) => Some(others(container, &project.containers)),
        // A compose file that cannot be read is told already.
        None if needs_compose(service) => None,
        None => Some(no_container(asked, container)),
    }
}

/// The container is another project's, or nobody's.
fn foreign(container: &str, theirs: Option<&str>, ours: &str) -> RuntimeCheck {
    match theirs {
        Some(theirs) => RuntimeCheck::wrong(
            "container",
            format!("{} belongs to the compose project {}, not to {}", code(container), code(theirs), code(ours)),
            "correct `dir` or `container` in the config, or take the other project down",
        ),
        None => RuntimeCheck::wrong(
            "container",
            format!("{} was not made by Compose, which cannot replace it then", code(container)),
            format!(
                "when it may be down for a moment, in its directory: {}",
                code(&format!("docker rm -f {container} && docker compose up -d"))
            ),
        ),
    }
}

/// The project makes other containers than this one.
fn others(container: &str, makes: &[String]) -> RuntimeCheck {
    match makes {
        [] => RuntimeCheck::wrong(
            "container",
            format!("there is no {}, and the compose file makes no container", code(container)),
            "give the compose file a service",
        ),
        [first, ..] => RuntimeCheck::wrong(
            "container",
            format!("there is no {}; the compose file makes {}", code(container), code(&makes.join(", "))),
            format!("in the config: {}", code(&format!("container = \"{first}\""))),
        ),
    }
}

/// There is no such container, and nothing that makes it.
fn no_container(asked: &AboutService<'_, '_>, container: &str) -> RuntimeCheck {
    let others = asked.get("others").map(|others| others.value().to_owned()).unwrap_or_default();
    match suggest::nearest(container, others.split_whitespace().map(str::to_owned)) {
        Some(nearest) => RuntimeCheck::wrong(
            "container",
            format!("there is no {} — did you mean {}?", code(container), code(&nearest)),
            format!("in the config: {}", code(&format!("container = \"{nearest}\""))),
        ),
        None => RuntimeCheck::wrong(
            "container",
            format!("there is no {}, and no compose file to make it from", code(container)),
            "deploy it, or correct `container` in the config",
        ),
    }
}
