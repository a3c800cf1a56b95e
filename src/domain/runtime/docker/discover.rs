//! What runs on an engine: its Compose projects, and containers of none.

use std::collections::{BTreeMap, HashSet};

use crate::domain::{
    discovery::{Found, Shown, Sought},
    names::{ContainerName, ProjectName, RemoteDir},
    runtime::{Workload, container},
    shell,
};

/// One container as JSON: name, state, project, its directory, whether it was
/// made by `docker compose run`, and the service of a swarm that it is a task of.
/// A label may hold anything.
const FORMAT: &str = "[{{json .Names}},{{json .State}},{{json (.Label \"com.docker.compose.project\")}},\
                      {{json (.Label \"com.docker.compose.project.working_dir\")}},\
                      {{json (.Label \"com.docker.compose.oneoff\")}},{{json (.Label \"com.docker.swarm.service.id\")}}]";

/// Printed before the names of those that have the label that is sought.
const LABELLED: &str = "::opsroom-labelled";

/// A command that prints each container on a line; nothing where there is no Docker.
///
/// `docker ps` alone, since an inspect of what it named fails for a container
/// that was removed in between. Not with `--no-trunc`: then a name is followed
/// by those that links give it.
pub(super) fn list(sought: &Sought) -> String {
    let list = format!("command -v docker >/dev/null || exit 0\ndocker ps -a --format {}", shell::quote(FORMAT));
    // A project is shown whole, whichever of its containers has the label.
    let labelled = sought.label.as_ref().map(|_| {
        let only = container::labelled(sought);
        format!(" || exit\necho {LABELLED}\ndocker ps -a{only} --format '{{{{json .Names}}}}'")
    });
    list + labelled.unwrap_or_default().as_str()
}

/// Reads what [`list`] printed.
pub(super) fn read(printed: &str) -> Shown {
    let mut shown = Shown { logins_own: true, ..Shown::default() };
    let mut projects: BTreeMap<String, Vec<(String, String, String)>> = BTreeMap::new();
    let mut alone: BTreeMap<String, String> = BTreeMap::new();
    let lines = printed.lines().filter(|line| !line.trim().is_empty());
    let sought = printed.lines().any(|line| line == LABELLED).then(|| {
        let names = printed.lines().skip_while(|line| *line != LABELLED).skip(1);
        names.filter_map(|name| serde_json::from_str(name).ok()).collect::<HashSet<String>>()
    });
    let is_sought = |name: &str| sought.as_ref().is_none_or(|names| names.contains(name));
    for line in lines.take_while(|line| *line != LABELLED) {
        let Ok([name, state, project, dir, oneoff, service]) = serde_json::from_str::<[String; 6]>(line) else {
            shown.refused.push(line.to_owned());
            continue;
        };
        if oneoff == "True" || !service.is_empty() {
            continue;
        }
        if project.is_empty() {
            if is_sought(&name) {
                alone.insert(name, state);
            }
        } else {
            projects.entry(project).or_default().push((name, state, dir));
        }
    }
    for (project, containers) in projects {
        if !containers.iter().any(|(name, ..)| is_sought(name)) {
            continue;
        }
        let Ok(name) = ProjectName::parse(&project) else {
            shown.refused.push(project);
            continue;
        };
        let mut states: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, state, _) in &containers {
            *states.entry(state).or_default() += 1;
        }
        let state: Vec<String> = states.iter().rev().map(|(state, count)| format!("{count} {state}")).collect();
        // Where containers of one name were deployed from several places, none is proposed.
        let dir = containers
            .first()
            .map(|(_, _, dir)| dir)
            .filter(|dir| containers.iter().all(|(_, _, other)| other == *dir));
        shown.found.push(Found {
            workload: Workload::Project(name),
            parts: containers.iter().filter_map(|(name, ..)| ContainerName::parse(name).ok()).collect(),
            dir: dir.and_then(|dir| RemoteDir::parse(dir).ok()),
            state: state.join(", "),
        });
    }
    for (name, state) in alone {
        match ContainerName::parse(&name) {
            Ok(container) => {
                let (parts, dir) = (Vec::new(), None);
                shown.found.push(Found { workload: Workload::Docker(container), parts, dir, state });
            }
            Err(_) => shown.refused.push(name),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_and_lone_containers_are_found_and_hostile_names_are_not() {
        let shown = read(concat!(
            r#"["cloud-db-1","running","cloud","/srv/cloud","False",""]"#,
            "\n",
            r#"["cloud-web-1","exited","cloud","/srv/cloud","False",""]"#,
            "\n",
            r#"["cloud-run-1","running","cloud","/srv/cloud","True",""]"#,
            "\n",
            r#"["lone","running","","","",""]"#,
            "\n",
            r#"["web.1.x","running","","","","ffe5"]"#,
            "\n",
            r#"["x","running","Up\n[evil]","/","False",""]"#,
            "\n",
            r#"["twice-1","running","twice","/a","False",""]"#,
            "\n",
            r#"["twice-2","running","twice","/b","False",""]"#,
            "\n",
            "Cannot connect\n",
        ));
        let told: Vec<(&str, &str, Option<&str>)> = shown
            .found
            .iter()
            .map(|f| (f.workload.name(), f.state.as_str(), f.dir.as_ref().map(RemoteDir::as_str)))
            .collect();
        assert_eq!(
            told,
            [
                ("cloud", "1 running, 1 exited", Some("/srv/cloud")),
                ("twice", "2 running", None),
                ("lone", "running", None),
            ]
        );
        assert_eq!(shown.refused, ["Cannot connect", "Up\n[evil]"]);
    }

    #[test]
    fn of_what_has_the_label_a_project_is_shown_whole() {
        let shown = read(concat!(
            r#"["cloud-db-1","running","cloud","/srv/cloud","False",""]"#,
            "\n",
            r#"["cloud-web-1","running","cloud","/srv/cloud","False",""]"#,
            "\n",
            r#"["other-1","running","other","/srv/other","False",""]"#,
            "\n",
            r#"["lone","running","","","",""]"#,
            "\n::opsroom-labelled\n",
            r#""cloud-web-1""#,
            "\n",
        ));
        let told: Vec<_> = shown.found.iter().map(|f| (f.workload.name(), f.parts.len())).collect();
        assert_eq!((told, shown.refused), (vec![("cloud", 2)], vec![]));
    }
}
