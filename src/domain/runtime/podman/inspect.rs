//! How containers are: `podman inspect`.
//!
//! Of several names it prints those it knows, complains about each other one on
//! standard error, and exits with 125.

use jiff::Timestamp;

use crate::domain::{
    inventory::Service,
    observation::{Observation, State},
    runtime::container::{Fields, places},
    shell,
};

/// What is asked of each container.
pub(super) const FORMAT: &str = "{{.Name}}|{{.ID}}|{{.State.Status}}|{{json .State.StartedAt}}|{{json .State.FinishedAt}}|{{.RestartCount}}|\
     {{.State.ExitCode}}|{{.State.OOMKilled}}|{{if .State.Health}}{{.State.Health.Status}}{{end}}|{{.HostConfig.RestartPolicy.Name}}";
/// Printed before whether somebody stopped it: only Podman 5 knows.
const STOPPED: &str = "stopped=";

/// `podman inspect` of some containers, two lines each. A version that does not
/// know what it is asked is asked for less.
pub(super) fn inspect(services: &[&Service]) -> String {
    let names: Vec<String> = services.iter().map(|service| shell::quote(service.workload.name())).collect();
    let ask = |by_whom: &str| {
        // Podman ends no line by itself that has a line end in it.
        let end = "{{\"\\n\"}}";
        let format = shell::quote(&format!("{FORMAT}{end}{STOPPED}{by_whom}{end}"));
        format!("podman inspect --type container -f {format} {}", names.join(" "))
    };
    format!(
        "t=$({} 2>&1)\ncase $t in *StoppedByUser*) {} ;; *) printf '%s\\n' \"$t\" ;; esac",
        ask("{{.State.StoppedByUser}}"),
        ask("")
    )
}

/// Reads how services' containers are from what [`inspect`] printed.
pub(super) fn observe_all(printed: &[&str], services: &[&Service], at: Timestamp) -> Vec<Observation> {
    let places = places(printed);
    // About one that is not there, all lines may have something to say.
    let from = |service: &Service| places.get(service.workload.name()).copied().unwrap_or(0);
    services.iter().map(|service| observe(&printed[from(service)..], service, at)).collect()
}

/// Reads how one of them is: the first line about it tells.
fn observe(printed: &[&str], service: &Service, at: Timestamp) -> Observation {
    let name = service.workload.name();
    let mut lines = printed.iter().copied().peekable();
    let (mut missing, mut complaint) = (false, None);
    while let Some(line) = lines.next() {
        if let Some(seen) = read(line, service, at) {
            // Without a word of who stopped it, its end tells.
            let asked = lines.peek().and_then(|line| line.strip_prefix(STOPPED)?.parse().ok());
            let seen = Observation { asked, ..seen };
            // It has no state for that: what nobody stopped is about to be started again.
            return match seen.state.death() {
                Some(last) if seen.kept_up && asked == Some(false) => {
                    Observation { state: State::Restarting { last }, ..seen }
                }
                Some(_) | None => seen,
            };
        }
        // It also takes the beginning of an ID for a name.
        let another = || Fields::of(line).is_some() && line.split('|').nth(1).is_some_and(|id| id.starts_with(name));
        missing |= names_missing(line, name) || another();
        if !line.trim().is_empty() && !line.contains('|') && !line.starts_with(STOPPED) && !line.contains("no such ") {
            complaint = Some(line.trim());
        }
    }
    let why = complaint.unwrap_or("podman inspect printed nothing about it").to_owned();
    let state = if missing { State::NotDeployed } else { State::Unknown(why) };
    Observation::bare(service.name.clone(), at, state)
}

/// Reads the line with the fields, if it is about this service's container.
pub(super) fn read(line: &str, service: &Service, at: Timestamp) -> Option<Observation> {
    let fields = Fields::of(line)?;
    // Podman starts what it restarts at once: a status that passes.
    (fields.name == service.workload.name()).then(|| fields.observation(service, at))
}

/// "Error: inspecting object: no such container x" (4 and 5); of logs and
/// changes "Error: no container with name or ID "x" found: no such container".
pub(super) fn names_missing(line: &str, name: &str) -> bool {
    let of_inspect =
        line.split_once("no such container ").is_some_and(|(_, said)| said.trim().trim_matches('"') == name);
    of_inspect || (line.ends_with("no such container") && line.contains(&format!("\"{name}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        names::{ContainerName, HostName, ServiceName},
        observation::{Death, Health},
        runtime::Workload,
    };

    fn service(name: &str) -> Service {
        Service::new(
            ServiceName::parse("app").unwrap(),
            HostName::parse("spark").unwrap(),
            Workload::Podman(ContainerName::parse(name).unwrap()),
        )
    }

    /// As 4.3.1 and 5.4.2 print it.
    const PRINTED: &str = r#"web|0634f6158a67|running|"2026-11-27T02:59:44.413832738Z"|"0001-01-01T00:00:00Z"|0|0|false||always
stopped=
sick|a9322e7f9d10|running|"2026-11-27T02:59:57.480012379Z"|"0001-01-01T00:00:00Z"|2|0|false|unhealthy|
stopped=false
shot|e99ce5cdc2c3|exited|"2026-11-27T02:59:57.94300553Z"|"2026-11-27T03:00:02.100708536Z"|0|137|false||
stopped=false
hand|ce027483eb3b|exited|"2026-11-27T03:00:39.209715726Z"|"2026-11-27T03:00:41.228707426Z"|0|0|false||
stopped=true
over|d10de5cc3231|exited|"2026-11-27T03:00:03.893005872Z"|"2026-11-27T03:00:04.196708476Z"|15|3|false||always
stopped=false
loop|d10de5cc3230|stopped|"2026-11-27T03:00:03.893005872Z"|"2026-11-27T03:00:04.196708476Z"|15|3|false||always
stopped=
Error: inspecting object: no such container gone
"#;

    fn seen(name: &str) -> Observation {
        observe(&PRINTED.lines().collect::<Vec<_>>(), &service(name), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn containers_are_what_podman_says() {
        let exited = |code| State::Exited(Death::exit(code));
        for (name, state, asked) in [
            ("web", State::Running, None),
            ("shot", exited(137), Some(false)),
            ("hand", exited(0), Some(true)),
            ("loop", exited(3), None),
            ("over", State::Restarting { last: Death::exit(3) }, Some(false)),
            ("gone", State::NotDeployed, None),
        ] {
            assert_eq!((seen(name).state, seen(name).asked), (state, asked), "{name}");
        }
        assert_eq!((seen("sick").health, seen("sick").restarts), (Health::Unhealthy, 2));
        assert_eq!(seen("web").since, "2026-11-27T02:59:44.413832738Z".parse().ok());
        assert!(seen("web").kept_up);
        // The beginning of another's ID.
        assert!(matches!(seen("0634").state, State::NotDeployed));
        assert!(matches!(seen("other").state, State::Unknown(_)));
    }

    #[test]
    fn what_is_not_there_is_told_in_two_ways() {
        assert!(names_missing("Error: no container with name or ID \"gone\" found: no such container", "gone"));
        assert!(!names_missing("Error: no container with name or ID \"gone\" found: no such container", "go"));
    }
}
