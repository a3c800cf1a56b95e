//! Runtimes are known by their folder and where they are registered, and
//! nowhere else: what runs a service can be added without the rest of the house.

use crate::source::{code, files, within};

/// A runtime's name, and where it may stand: its folder, its registration, its
/// config. What only reads alike is no runtime.
struct Runtime {
    name: &'static str,
    own: &'static [&'static str],
}

const RUNTIMES: &[Runtime] = &[
    Runtime {
        name: "docker",
        own: &["src/domain/runtime/docker", "src/config/workload/docker", "src/domain/runtime/swarm"],
    },
    Runtime { name: "podman", own: &["src/domain/runtime/podman", "src/config/workload/podman"] },
    Runtime { name: "systemd", own: &["src/domain/runtime/systemd", "src/config/workload/systemd"] },
    Runtime { name: "swarm", own: &["src/domain/runtime/swarm", "src/config/workload/swarm"] },
];

/// Where all of them are registered.
const REGISTRATION: &[&str] = &["src/domain/runtime/mod", "src/domain/runtime/workload", "src/config/workload/mod"];

/// The lines of a file that name a runtime which is not theirs, strings
/// included: a sentence about one runtime is that runtime's.
fn named(file: &str, source: &str) -> Vec<String> {
    if REGISTRATION.iter().any(|own| within(file, own)) {
        return Vec::new();
    }
    let is_shell = file.ends_with(".sh");
    let lines = source.split("#[cfg(test)]\nmod ").next().unwrap_or(source).lines();
    let told = lines.filter(|line| !line.trim_start().starts_with(if is_shell { "#" } else { "//" }));
    told.flat_map(|line| {
        let lower = line.to_lowercase();
        RUNTIMES
            .iter()
            .filter(|runtime| !runtime.own.iter().any(|own| within(file, own)))
            .filter(move |runtime| lower.contains(runtime.name))
            .map(move |runtime| format!("{file}: {}: {}", runtime.name, line.trim()))
            .collect::<Vec<_>>()
    })
    .collect()
}

/// What else speaks of them, each for a reason of its own.
const SPOKEN_OF: &[(&str, &str, &str)] = &[
    ("src/config/mod.rs", "systemd", "where the bot's own service keeps its state (StateDirectory=)"),
    ("src/domain/doctor/host.sh", "docker", "names that compose files have, in which secrets are looked for"),
    ("src/domain/job/detach.sh", "systemd", "jobs on the bot's own machine outlive the bot's own service"),
    ("src/domain/runtime/docker/discover.rs", "swarm", "the label of what is no container of anybody's own"),
    ("src/domain/runtime/podman/discover.rs", "systemd", "the label that Podman itself gives to what a unit starts"),
    ("src/domain/runtime/systemd/change/pull.sh", "podman", "whose images a unit runs that was made from its files"),
    ("src/domain/runtime/systemd/change/update_pull.sh", "podman", "the same"),
    ("src/domain/runtime/systemd/change/rollback_pull.sh", "podman", "the same"),
    ("src/local/scope.rs", "systemd", "whether they do"),
];

#[test]
fn no_runtime_is_named_outside_of_its_folder() {
    let sources = files(&["src"], &["rs", "sh"]);
    let spoken = |line: &str| SPOKEN_OF.iter().any(|(file, name, _)| line.starts_with(&format!("{file}: {name}: ")));
    let broken: Vec<String> = sources
        .iter()
        .filter(|(file, _)| !file.ends_with("/tests.rs") && !file.contains("/tests/"))
        .flat_map(|(file, source)| named(file, source))
        .filter(|line| !spoken(line))
        .collect();
    assert!(broken.is_empty(), "a runtime is known by its folder alone:\n{}", broken.join("\n"));
}

#[test]
fn a_runtime_that_is_named_elsewhere_is_found() {
    let rust = "use crate::domain::runtime::docker;\n// docker is fine here\nlet text = \"Docker does not answer\";\n";
    assert_eq!(named("src/engine/run.rs", rust).len(), 2);
    assert_eq!(named("src/domain/doctor/host.sh", "# docker\ndocker version\n").len(), 1);
    assert_eq!(named("src/domain/runtime/docker/logs.rs", rust), [""; 0]);
    assert_eq!(named("src/domain/runtime/systemd/mod.rs", rust).len(), 2, "one knows nothing of another");
    assert_eq!(named("src/domain/runtime/mod.rs", rust), [""; 0]);
    assert!(code(rust).contains("docker"));
}
