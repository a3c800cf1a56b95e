//! Services that are found on a host and are in no config.

use std::time::Duration;

use opsroom_lab::{Message, containing, notice, page, where_};

use crate::stage::Stage;

/// What runs on, and ends with the status in `/code` once that is there.
const APP: &str = "echo hello; trap 'exit 0' TERM; while [ ! -e /code ]; do sleep 0.1; done; exit $(cat /code)";

fn container(stage: &Stage, name: &str) {
    let app = APP.replace('\'', "'\\''");
    stage.host.run(&format!("docker run -d --network host --name {name} opsroom-lab/base sh -c '{app}'"));
}

#[test]
fn what_runs_on_a_host_is_served_without_a_word_in_the_config() {
    let stage = Stage::set();
    let cloud = stage.host.project("cloud").neighbour("db", "echo tables; sleep 1000", "no").healthy();
    let web = stage.lab.unique("web");
    let [one, two] = ["1", "2"].map(|number| format!("{web}-{number}"));
    let other = stage.lab.unique("other");
    container(&stage, &one);
    container(&stage, &other);
    let policy = format!(
        "[host.discover]\nallow = [\"{web}-*\", {:?}]\ngone_after = \"3s\"\nmay = \"read\"\n[watch]\nquiet = \"3s\"\n",
        cloud.compose_name()
    );
    let bot = stage.bot().host(&stage.host).config(&policy).start();
    let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(60));
    let found = reads.next_from(&bot, containing("services found").and(notice()));
    assert_eq!(found.mentions(), [""; 0]);
    let head = format!("🔎 2 services found on {}, read-only", stage.host.name());
    assert!(found.text().starts_with(&head), "{}", found.text());
    assert!(!found.text().contains(&other), "{}", found.text());
    let status = stage.ask(&bot, "!status");
    for line in [format!("{} — 2 of 2 up", cloud.compose_name()), format!("{one} — up")] {
        assert!(status.text().contains(&line), "no {line:?} in {}", status.text());
    }
    assert!(stage.ask(&bot, &format!("!logs {}/db", cloud.compose_name())).text().contains("tables"));

    // What comes up is noticed when it does: the next look of its own would be in ten minutes.
    container(&stage, &two);
    let found = reads.next_from(&bot, containing(&format!("🔎 {two} found on")));
    assert!(found.text().ends_with(" — container, read-only"), "{}", found.text());
    let refused = stage.ask(&bot, &format!("!restart {two}"));
    assert!(refused.text().contains("it can only be looked at — not restarted"), "{}", refused.text());

    // It is watched as any other is.
    stage.host.run(&format!("docker exec {two} sh -c 'echo 7 >/code'"));
    let alert = reads.next_from(&bot, page(&stage.alice).and(containing(&format!("{two} is down"))));
    assert!(alert.text().contains("exit 7"), "{}", alert.text());

    // What is gone is said once and is no trouble.
    stage.host.run(&format!("docker rm -f {two} {one}"));
    let gone = reads.next_from(&bot, where_("that both are gone", gone_of(&[&one, &two])).and(notice()));
    assert_eq!(gone.mentions(), [""; 0]);
    let alerts = reads.messages_from(&bot).iter().filter(|message| message.history()[0].starts_with("🔴")).count();
    assert_eq!(alerts, 1, "{}", reads.transcript());
    assert!(stage.ask(&bot, "!alerts").text().contains("No alert is open"), "{}", reads.transcript());

    // Another process has the same services, and says nothing of it.
    bot.stop();
    bot.change_config(|config| config.replace("may = \"read\"", "may = \"restart\""));
    bot.start_again();
    stage.result_of(&bot, &format!("!restart {}/db", cloud.compose_name()), "✅");
    let refused = stage.ask(&bot, &format!("!update {}", cloud.compose_name()));
    assert!(refused.text().contains("opsroom discover prints the lines"), "{}", refused.text());
    let found = reads.messages_from(&bot).iter().filter(|message| message.text().starts_with("🔎")).count();
    assert_eq!(found, 2, "{}", reads.transcript());
    stage.host.run(&format!("docker rm -f {other}"));
}

fn gone_of(names: &[&str]) -> impl Fn(&Message) -> bool + 'static {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    move |message: &Message| {
        message.text().starts_with("➖ Gone from") && names.iter().all(|name| message.text().contains(name))
    }
}
