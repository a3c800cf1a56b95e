//! Services and stacks of a swarm of three nodes.

use std::time::Duration;

use opsroom_lab::{
    Lab, Message,
    bot::BotPlan,
    containing,
    host::Host,
    message::Expected,
    page,
    swarm::{RUNS, Swarm},
    wait::{PATIENCE, wait_until},
    where_,
};

use crate::stage::Stage;

const WATCH: &str = "[watch]\nquiet = \"15s\"\nabsent_after = \"3s\"\n";

/// An ops room and a swarm of so many.
pub(crate) fn swarm_of(count: u8) -> (Stage, Swarm) {
    let mut swarm = None;
    let stage = Stage::on(|lab: &Lab| -> Host {
        let all = Swarm::of(lab, count);
        let host = all.node(0).host().clone();
        swarm = Some(all);
        host
    });
    (stage, swarm.expect("it was made"))
}

fn known(plan: BotPlan, host: &Host, name: &str, lines: &str) -> BotPlan {
    plan.config(&format!("[[service]]\nname = {name:?}\nhost = {:?}\nruntime = \"swarm\"\n{lines}\n", host.name()))
}

fn alert(stage: &Stage, head: &str) -> Expected {
    let head = head.to_owned();
    page(&stage.alice)
        .and(where_("whose first version begins so", move |m: &Message| m.history()[0].starts_with(&head)))
}

#[test]
fn a_service_of_a_swarm_is_as_good_as_a_container() {
    let (stage, swarm) = swarm_of(3);
    swarm.service("web", RUNS, &["--replicas", "3", "--restart-delay", "1s"]);
    swarm.service("agent", RUNS, &["--mode", "global"]);
    swarm.service("nowhere", RUNS, &["--constraint", "node.labels.disk==fast"]);
    swarm.service("migrate", "echo migrated", &["--mode", "replicated-job"]);
    for (name, replicas) in [("web", "3/3"), ("agent", "3/3")] {
        swarm.waits_for(name, replicas);
    }
    let host = &stage.host;
    let mut plan = stage.bot().host(host).config(WATCH);
    for name in ["web", "agent", "migrate", "gone"] {
        plan = known(plan, host, name, "");
    }
    plan = known(plan, host, "nowhere", "update = { healthy_within = \"5s\" }");
    let bot = plan.start();
    let status = stage.ask(&bot, "!status");
    for text in
        ["web — 3 of 3 up", "agent — 3 of 3 up", "nowhere — 0 of 1 up", "no suitable node", "gone — not deployed"]
    {
        assert!(status.text().contains(text), "{text:?}: {}", status.text());
    }
    let alone = stage.ask(&bot, "!status web");
    for place in 0..3 {
        assert!(alone.text().contains(&format!("on {}", swarm.node(place).name())), "{}", alone.text());
    }
    let job = stage.ask(&bot, "!status migrate");
    assert!(job.text().contains("done"), "{}", job.text());
    let all = stage.ask(&bot, "!logs web");
    assert!(all.text().contains("web.1@") && all.text().contains(" | hello"), "{}", all.text());
    let one = stage.ask(&bot, "!logs web/web-2");
    assert!(one.text().contains("\nhello") && !one.text().contains(" | "), "{}", one.text());
    assert!(stage.ask(&bot, "!logs nowhere").text().contains("no suitable node"));
    assert!(stage.ask(&bot, "!logs gone").text().contains("not deployed"));

    stage.result_of(&bot, "!restart web", "✅ web restarted");
    stage.result_of(&bot, "!stop web", "✅ web stopped");
    swarm.waits_for("web", "0/0");
    assert!(stage.ask(&bot, "!status web").text().contains("stopped by alice"));
    stage.result_of(&bot, "!start web", "✅ web started");
    swarm.waits_for("web", "3/3");
    stage.result_of(&bot, "!scale web 2", "✅ web scaled");
    swarm.waits_for("web", "2/2");
    assert!(stage.ask(&bot, "!status web").text().contains("2 of 2 up"));
    let told = stage.result_of(&bot, "!scale nowhere=2", "🔴 scale of nowhere failed");
    assert!(told.text().contains("no suitable node"), "{}", told.text());
    let told = stage.result_of(&bot, "!scale agent 2", "🔴 scale of agent failed");
    assert!(told.text().contains("runs on every node"), "{}", told.text());
    let [leader, drained] = [0, 1].map(|place| swarm.node(place).name());
    swarm.docker(&["node", "update", "--availability", "drain", drained]);
    let card = stage.ask(&bot, &format!("!hosts {}", host.name()));
    for line in [format!("{leader} — ready, manager, leads"), format!("{drained} — ready, manager, drained")] {
        assert!(card.text().contains(&line), "no {line:?} in {}", card.text());
    }
    swarm.docker(&["node", "update", "--availability", "active", drained]);
    let doctor = bot.tool(&["doctor"]);
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(said.contains("3 nodes, 3 of them managers") && said.contains("there is no service gone"), "{said}");
    let told = stage.result_of(&bot, "!restart web/web-2", "✋ restart of web/web-2 was not begun");
    assert!(told.text().contains("one of several tasks"), "{}", told.text());
    let told = stage.result_of(&bot, "!stop agent", "🔴 stop of agent failed");
    assert!(told.text().contains("runs on every node"), "{}", told.text());
    swarm.waits_for("agent", "3/3");
}

#[test]
fn what_dies_in_a_swarm_is_told_and_what_is_scaled_down_is_not() {
    let (stage, swarm) = swarm_of(1);
    let loops = "sleep 2; echo 'fatal: no database' >&2; exit 3";
    swarm.service("loop", loops, &["--restart-delay", "1s", "--replicas", "0"]);
    let bot = known(stage.bot().host(&stage.host).config(WATCH), &stage.host, "loop", "").start();
    stage.ask(&bot, "!status");
    let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(120));
    swarm.docker(&["service", "scale", "-d", "loop=1"]);
    let told = reads.next_from(&bot, alert(&stage, &format!("🔴 loop crash loop on {}", stage.host.name())));
    let text = told.history()[0];
    assert!(text.contains("exit 3") && text.contains("fatal: no database"), "{text}");
    // Scaled down by hand: stopped, and not gone.
    swarm.docker(&["service", "scale", "-d", "loop=0"]);
    reads.next_from(&bot, containing("loop was stopped outside of me"));
    assert!(stage.ask(&bot, "!status loop").text().contains("stopped by hand"));
}

#[test]
fn the_manager_that_is_asked_may_be_lost() {
    let (stage, mut swarm) = swarm_of(3);
    swarm.service("web", RUNS, &["--replicas", "3", "--restart-delay", "1s"]);
    swarm.waits_for("web", "3/3");
    let managers: Vec<String> = (0..3).map(|place| swarm.node(place).host().name().to_owned()).collect();
    let hosts = (0..3).fold(stage.bot(), |plan, place| plan.host(swarm.node(place).host()));
    let bot = hosts
        .config(&format!(
            "{WATCH}[[host]]\nname = \"prod\"\nany_of = {managers:?}\n[[service]]\nname = \"web\"\nhost = \"prod\"\nruntime = \"swarm\"\n"
        ))
        .start();
    assert!(stage.ask(&bot, "!status web").text().contains("3 of 3 up"));

    // With what ran on it: that runs elsewhere soon, and the next manager is asked.
    let lost = swarm.node(0).name().to_owned();
    swarm.kill(0);
    wait_until(PATIENCE * 3, "the swarm to miss the node", || {
        // Until the others have a leader, they say that they have none.
        let nodes = swarm.node(1).engine().try_docker(&["node", "ls", "--format", "{{.Hostname}} {{.Status}}"]);
        String::from_utf8_lossy(&nodes.stdout).contains(&format!("{lost} Down")).then_some(())
    });
    wait_until(PATIENCE * 3, "what ran there to run elsewhere", || {
        let format = ["--format", "{{.Node}} {{.CurrentState}}"];
        let filter = ["service", "ps", "--filter", "desired-state=running", "web"];
        let tasks = swarm.node(1).engine().try_docker(&[&filter[..], &format[..]].concat());
        let tasks = String::from_utf8_lossy(&tasks.stdout).into_owned();
        let runs = |line: &&str| line.contains(" Running ") && !line.starts_with(&lost);
        (tasks.lines().filter(runs).count() == 3).then_some(())
    });
    let status = stage.ask(&bot, "!status web");
    assert!(status.text().contains("3 of 3 up") && !status.text().contains(&format!("on {lost}")), "{}", status.text());
    let card = stage.ask(&bot, "!hosts prod");
    assert!(card.text().contains(&format!("{lost} — down")), "{}", card.text());
    stage.result_of(&bot, "!restart web", "✅ web restarted");
}
