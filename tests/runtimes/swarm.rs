//! Services and stacks of a swarm of three nodes.

use opsroom_lab::{
    Lab,
    bot::BotPlan,
    host::Host,
    swarm::{RUNS, Swarm},
};

use crate::stage::Stage;

const WATCH: &str = "[watch]\nquiet = \"15s\"\nabsent_after = \"3s\"\n";

/// An ops room and a swarm of three.
fn set() -> (Stage, Swarm) {
    let mut swarm = None;
    let stage = Stage::on(|lab: &Lab| -> Host {
        let three = Swarm::of(lab, 3);
        let host = three.node(0).host().clone();
        swarm = Some(three);
        host
    });
    (stage, swarm.expect("it was made"))
}

fn known(plan: BotPlan, host: &Host, name: &str, lines: &str) -> BotPlan {
    plan.config(&format!("[[service]]\nname = {name:?}\nhost = {:?}\nruntime = \"swarm\"\n{lines}\n", host.name()))
}

#[test]
fn a_service_of_a_swarm_is_as_good_as_a_container() {
    let (stage, swarm) = set();
    swarm.service("web", RUNS, &["--replicas", "3", "--restart-delay", "1s"]);
    swarm.service("agent", RUNS, &["--mode", "global"]);
    swarm.service("nowhere", RUNS, &["--constraint", "node.labels.disk==fast"]);
    swarm.service("migrate", "echo migrated", &["--mode", "replicated-job"]);
    for (name, replicas) in [("web", "3/3"), ("agent", "3/3")] {
        swarm.waits_for(name, replicas);
    }
    let host = &stage.host;
    let mut plan = stage.bot().host(host).config(WATCH);
    for name in ["web", "agent", "nowhere", "migrate", "gone"] {
        plan = known(plan, host, name, "");
    }
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
    assert!(stage.ask(&bot, "!logs web").text().contains("hello"));
    assert!(stage.ask(&bot, "!logs web/web-2").text().contains("hello"));
    assert!(stage.ask(&bot, "!logs nowhere").text().contains("no suitable node"));
    assert!(stage.ask(&bot, "!logs gone").text().contains("not deployed"));

    stage.result_of(&bot, "!restart web", "✅ web restarted");
    stage.result_of(&bot, "!stop web", "✅ web stopped");
    swarm.waits_for("web", "0/0");
    assert!(stage.ask(&bot, "!status web").text().contains("stopped by alice"));
    stage.result_of(&bot, "!start web", "✅ web started");
    swarm.waits_for("web", "3/3");
    let told = stage.result_of(&bot, "!restart web/web-2", "✋ restart of web/web-2 was not begun");
    assert!(told.text().contains("one of several tasks"), "{}", told.text());
    let told = stage.result_of(&bot, "!stop agent", "🔴 stop of agent failed");
    assert!(told.text().contains("runs on every node"), "{}", told.text());
    swarm.waits_for("agent", "3/3");
}
