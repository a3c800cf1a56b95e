//! What runs on an engine: its Compose projects, and containers of none.

use std::collections::BTreeMap;

use crate::domain::{
    discovery::{Found, Shown, Sought},
    names::{ContainerName, ProjectName, RemoteDir},
    runtime::{Workload, container},
    shell,
};

/// One container as JSON: name, state, project, its directory, whether it was
/// made by `docker compose run`. A label may hold anything.
const FORMAT: &str = "[{{json .Names}},{{json .State}},{{json (.Label \"com.docker.compose.project\")}},\
                      {{json (.Label \"com.docker.compose.project.working_dir\")}},\
                      {{json (.Label \"com.docker.compose.oneoff\")}}]";

/// A command that prints each container on a line; nothing where there is no Docker.
///
/// `docker ps` alone, since an inspect of what it named fails for a container
/// that was removed in between. Not with `--no-trunc`: then a name is followed
/// by those that links give it.
pub(super) fn list(sought: &Sought) -> String {
    let only = container::labelled(sought);
    format!("command -v docker >/dev/null || exit 0\ndocker ps -a{only} --format {}", shell::quote(FORMAT))
}

/// Reads what [`list`] printed.
pub(super) fn read(printed: &str) -> Shown {
    let mut shown = Shown::default();
    let mut projects: BTreeMap<String, Vec<(String, String, String)>> = BTreeMap::new();
    let mut alone: BTreeMap<String, String> = BTreeMap::new();
    for line in printed.lines().filter(|line| !line.trim().is_empty()) {
        let Ok([name, state, project, dir, oneoff]) = serde_json::from_str::<[String; 5]>(line) else {
            shown.refused.push(line.to_owned());
            continue;
        };
        if oneoff == "True" {
            continue;
        }
        if project.is_empty() {
            alone.insert(name, state);
        } else {
            projects.entry(project).or_default().push((name, state, dir));
        }
    }
    for (project, containers) in projects {
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
            r#"["cloud-db-1","running","cloud","/srv/cloud","False"]"#,
            "\n",
            r#"["cloud-web-1","exited","cloud","/srv/cloud","False"]"#,
            "\n",
            r#"["cloud-run-1","running","cloud","/srv/cloud","True"]"#,
            "\n",
            r#"["lone","running","","",""]"#,
            "\n",
            r#"["x","running","Up\n[evil]","/","False"]"#,
            "\n",
            r#"["twice-1","running","twice","/a","False"]"#,
            "\n",
            r#"["twice-2","running","twice","/b","False"]"#,
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
}
