//! Many at once.

use std::fmt::Write as _;

use opsroom_lab::docker::BASE_IMAGE;

use super::scene::{LIMITS, Scene};
use crate::stage::Stage;

const CROWD: usize = 50;

/// Not fifty pushes: the first is told at once, the others together.
#[test]
fn fifty_containers_that_die_at_once_are_two_alarms_at_most() {
    let stage = Stage::set();
    let name = stage.lab.unique("crowd");
    let names: Vec<String> = (1..=CROWD).map(|nth| format!("{name}-c{nth}")).collect();
    let all = names.join(" ");
    let run = format!("docker run -d --network none --name $c {BASE_IMAGE} sleep 100000");
    stage.host.run(&format!("for c in {all}; do {run} >/dev/null || exit 1; done"));
    let services = names.iter().enumerate().fold(String::new(), |mut toml, (nth, container)| {
        let host = stage.host.name();
        let _ = write!(
            toml,
            "[[service]]\nname = \"c{nth}\"\nhost = {host:?}\nruntime = \"docker\"\ncontainer = {container:?}\n"
        );
        toml
    });
    let scene = Scene::quietly(stage, &[], &format!("{LIMITS}{services}"));
    let processes = scene.host().run(&format!("docker inspect -f '{{{{.State.Pid}}}}' {all} | tr '\\n' ' '"));
    scene.host().run(&format!("docker run --rm --pid host --network none {BASE_IMAGE} kill -9 {processes}"));
    // Each of them is told of before the canary's turn comes.
    scene.paged("in trouble at once");
    scene.ends_for("fifty containers of a host die at once", |alarms| alarms <= 2, &first_of_many);
    let told: usize = scene.unasked().iter().map(|m| told_of(m.history()[0])).sum();
    assert_eq!(told, CROWD, "{}", scene.reads().transcript());
    scene.host().run(&format!("docker rm -f {all} >/dev/null"));
}

/// Which of them is the first is luck.
fn first_of_many(head: &str) -> String {
    let first = head
        .split(' ')
        .map(|word| if word.starts_with('c') && word[1..].parse::<u8>().is_ok() { "bridge" } else { word });
    first.collect::<Vec<_>>().join(" ")
}

/// How many services a message is about.
fn told_of(text: &str) -> usize {
    let head = text.lines().next().unwrap_or_default();
    if head.contains("canary") {
        return 0;
    }
    let number = head.split_whitespace().nth(1).and_then(|word| word.parse().ok());
    number.filter(|_| head.contains("in trouble at once")).unwrap_or(1)
}
