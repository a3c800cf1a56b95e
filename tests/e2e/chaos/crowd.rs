//! Many at once.

use std::fmt::Write as _;

use opsroom_lab::{Host, Lab, Message, containing, docker::BASE_IMAGE, page};

use super::scene::{LIMITS, Scene};
use crate::{
    ledger::records_incidents,
    stage::{LIMIT, Stage},
};

const CROWD: usize = 50;

/// Containers that do nothing, until all are killed in one moment.
struct Crowd {
    host: Host,
    all: String,
}

impl Crowd {
    /// Runs it. Gives the services in the config's words, too.
    fn gather(stage: &Stage) -> (Self, String) {
        let name = stage.lab.unique("crowd");
        let names: Vec<String> = (1..=CROWD).map(|nth| format!("{name}-c{nth}")).collect();
        let all = names.join(" ");
        let run = format!("docker run -d --network host --name $c {BASE_IMAGE} sleep 100000");
        stage.host.run(&format!("for c in {all}; do {run} >/dev/null || exit 1; done"));
        let services = names.iter().enumerate().fold(String::new(), |mut toml, (nth, container)| {
            let host = stage.host.name();
            let _ = write!(
                toml,
                "[[service]]\nname = \"c{nth}\"\nhost = {host:?}\nruntime = \"docker\"\ncontainer = {container:?}\n"
            );
            toml
        });
        (Self { host: stage.host.clone(), all }, services)
    }

    fn dies(&self) {
        let all = &self.all;
        let processes = self.host.run(&format!("docker inspect -f '{{{{.State.Pid}}}}' {all} | tr '\\n' ' '"));
        self.host.run(&format!("docker run --rm --pid host --network host {BASE_IMAGE} kill -9 {processes}"));
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.host.run(&format!("docker rm -f {} >/dev/null", self.all));
    }
}

/// Not fifty pushes: the first is told at once, the others together.
#[test]
fn fifty_containers_that_die_at_once_are_two_alarms_at_most() {
    let stage = Stage::set();
    let (crowd, services) = Crowd::gather(&stage);
    let scene = Scene::quietly(stage, &[], &format!("{LIMITS}{services}"));
    crowd.dies();
    // Each of them is told of before the canary's turn comes.
    scene.paged("in trouble at once");
    scene.ends_for("fifty containers of a host die at once", |alarms| alarms <= 2, &first_of_many);
    let told: usize = scene.unasked().iter().map(|m| told_of(m.history()[0])).sum();
    assert_eq!(told, CROWD, "{}", scene.reads().transcript());
}

/// With Synapse's own limits on messages, so that what it takes afterwards is little.
#[test]
fn fifty_deaths_while_the_homeserver_is_away_are_told_once_it_is_back() {
    let lab = Lab::connect();
    let mut synapse = lab.own_homeserver().default_message_limits().start();
    let alice = synapse.person("alice");
    let room = synapse.room("ops").encrypted().member(&alice).create();
    let host = lab.host("spark-1");
    let stage = Stage { lab, alice, room, host };
    let (crowd, services) = Crowd::gather(&stage);
    let bot = stage.bot().host(&stage.host).config(&format!("{LIMITS}{services}")).start();
    assert!(stage.ask(&bot, "!status").text().contains("nothing needs attention"));
    synapse.kill();
    crowd.dies();
    records_incidents(&bot, CROWD);
    synapse.start_again();
    let reads = stage.room.reads(&stage.alice).within(LIMIT);
    reads.next_from(&bot, page(&stage.alice).and(containing("in trouble at once")));
    stage.ask(&bot, "!ping");
    let pages: Vec<Message> = reads.messages_from(&bot).into_iter().filter(|m| page(&stage.alice).holds(m)).collect();
    let told: usize = pages.iter().map(|m| told_of(m.history()[0])).sum();
    assert_eq!(told, CROWD, "{}", reads.transcript());
    assert!(pages.len() <= 3, "{}", reads.transcript());
    assert!(pages[0].history()[0].contains(" is down on "), "the first came first: {}", reads.transcript());
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
