//! One trouble, one message: what people say to it, and what outlives the bot and the homeserver.

use std::time::Duration;

use opsroom_lab::{Message, Project, containing, message::reply_to, page, where_};

use crate::{chaos::has_run, ledger::records_incidents, stage::Stage};

const QUIET: &str = "[watch]\nquiet = \"3s\"\nunhealthy_after = \"0s\"\n";

/// Dies, and nothing starts it again.
fn dies(project: &Project) {
    die([project]);
}

/// They die at the same moment: what comes three seconds later is told in a message of its own.
fn die<const N: usize>(projects: [&Project; N]) {
    for project in projects {
        project.host().run(&format!("docker update --restart no {}", project.container()));
    }
    std::thread::scope(|scope| {
        for project in projects {
            scope.spawn(|| project.crash_now(7));
        }
    });
    for project in projects {
        project.wait_for_state("exited");
    }
}

#[test]
fn an_alert_is_answered_outlives_the_bot_and_is_over_once() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).config(QUIET).start();
    stage.ask(&bot, "!status");
    let reads = || stage.room.reads(&stage.alice).within(Duration::from_secs(60));
    dies(&bridge);
    let alert = reads().next_from(&bot, page(&stage.alice).and(containing("🔴 bridge is down")));
    assert!(alert.text().contains("Reply ack, logs or silence 1h · alert 1"), "{}", alert.text());
    let ack = stage.alice.replies_to(&stage.room, &alert.id, "ack");
    reads().next_from(&bot, containing("👀 You are on bridge").and(reply_to(&ack)));
    reads().until(&alert.id, containing("is on it"));
    let logs = stage.alice.replies_to(&stage.room, &alert.id, "logs 5");
    reads().next_from(&bot, containing("bridge — last").and(reply_to(&logs)));

    bot.kill();
    bot.start_again();
    let alerts = stage.ask(&bot, "!alerts");
    assert!(alerts.text().starts_with("🔴 1 alert is open") && alerts.text().contains("· 👀"), "{}", alerts.text());
    let answer = stage.ask(&bot, "!start bridge");
    reads().until(&answer.id, containing("✅ bridge started"));
    reads().next_from(&bot, page(&stage.alice).and(containing("✅ bridge recovered")));
    reads().until(&alert.id, containing("✅ Over: bridge — down"));
    assert!(stage.ask(&bot, "!alerts").text().starts_with("🟢 No alert is open"));
    let told = reads().messages_from(&bot);
    assert_eq!(told.iter().filter(|m| page(&stage.alice).holds(m)).count(), 2, "{}", reads().transcript());
}

#[test]
fn a_death_that_somebody_mended_is_soon_over_and_a_relapse_notifies_again() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).config(QUIET).start();
    stage.ask(&bot, "!status");
    let reads = || stage.room.reads(&stage.alice).within(Duration::from_secs(60));
    let down = |head: &str| reads().next_from(&bot, page(&stage.alice).and(containing(head)));
    let start = || {
        stage.host.run(&format!("docker start {}", bridge.container()));
        bridge.wait_for_state("running");
    };
    has_run(&bridge, 20);
    dies(&bridge);
    down("🔴 bridge is down on");
    start();
    let over = reads().next_from(&bot, page(&stage.alice).and(containing("✅ bridge recovered")));
    // It had run for 20 s before it died: of a loop, twice that would be waited for.
    let well = over.text().split("well for ").nth(1).and_then(|rest| rest.split(' ').next());
    assert!(well.and_then(|well| well.parse::<u32>().ok()).is_some_and(|well| well < 30), "{}", over.text());

    dies(&bridge);
    down("🔴 bridge is down on");
    start();
    dies(&bridge);
    down("🔴 bridge is down again on");
}

#[test]
fn a_reaction_of_an_operator_acknowledges_an_alert_and_a_strangers_does_not() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).config(QUIET).start();
    stage.ask(&bot, "!status");
    let mallory = stage.lab.person("mallory");
    stage.alice.invites(&stage.room, &mallory);
    mallory.joins(&stage.room);
    let reads = || stage.room.reads(&stage.alice).within(Duration::from_secs(60));
    dies(&bridge);
    let alert = reads().next_from(&bot, page(&stage.alice).and(containing("🔴 bridge is down")));
    mallory.reacts(&stage.room, &alert.id, "👍");
    stage.alice.reacts(&stage.room, &alert.id, "🎉");
    // Answered after what came before it.
    let alerts = stage.ask(&bot, "!alerts");
    assert!(!alerts.text().contains("👀"), "{}", alerts.text());
    stage.alice.reacts(&stage.room, &alert.id, "👍");
    let alert = reads().until(&alert.id, containing("👀"));
    assert!(alert.text().contains("is on it"), "{}", alert.text());
    assert!(stage.ask(&bot, "!alerts").text().contains("· 👀"));
    assert_eq!(reads().messages_from(&bot).len(), 4, "{}", reads().transcript());
}

#[test]
fn what_is_silenced_notifies_nobody_and_notifies_afterwards() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).config(QUIET).start();
    let reads = || stage.room.reads(&stage.alice).within(Duration::from_secs(60));
    assert!(stage.ask(&bot, "!silence bridge 1h new disks").text().starts_with("🔕 bridge (1 service)"));
    dies(&bridge);
    let quiet = reads().next_from(&bot, containing("🔴 bridge is down"));
    assert!(!page(&stage.alice).holds(&quiet) && quiet.text().contains("🔕 Silenced"), "{}", quiet.text());
    // Also over a restart.
    assert!(bot.stop().success());
    bot.start_again();
    assert!(stage.ask(&bot, "!alerts").text().contains("🔕 bridge is silent for"));
    stage.ask(&bot, "!unsilence bridge");
    reads().next_from(&bot, page(&stage.alice).and(containing("🔴 bridge is down")));
}

#[test]
fn what_happened_while_the_bot_was_away_is_told_once() {
    let stage = Stage::set();
    let (again, down) = (stage.host.project("again").healthy(), stage.host.project("down").healthy());
    let bot = stage.bot().service(&again).service(&down).config(QUIET).start();
    stage.ask(&bot, "!status");
    assert!(bot.stop().success());
    again.crash_now(7);
    again.wait_for_restarts(1);
    dies(&down);
    bot.start_again();
    let reads = || stage.room.reads(&stage.alice).within(Duration::from_secs(60));
    let away = reads().next_from(&bot, containing("ℹ️ While I was away"));
    assert!(away.text().contains("again died and was started again"), "{}", away.text());
    reads().next_from(&bot, page(&stage.alice).and(containing("🔴 down is down")));
    bot.kill();
    bot.start_again();
    stage.ask(&bot, "!ping");
    let told = reads().messages_from(&bot);
    let count = |what: &str| told.iter().filter(|m| m.text().contains(what)).count();
    assert_eq!((count("While I was away"), count("🔴 down is down")), (1, 1), "{}", reads().transcript());
}

#[test]
fn while_the_homeserver_is_away_nothing_is_lost_and_the_order_is_kept() {
    let lab = opsroom_lab::Lab::connect();
    let mut synapse = lab.own_homeserver().start();
    let alice = synapse.person("alice");
    let room = synapse.room("ops").encrypted().member(&alice).create();
    let host = lab.host("spark-1");
    let stage = Stage { lab, alice, room, host };
    let projects = ["one", "two", "three"].map(|name| stage.host.project(name).healthy());
    let plan = projects.iter().fold(stage.bot().config(QUIET), |plan, project| plan.service(project));
    let bot = plan.start();
    stage.ask(&bot, "!status");
    let [one, two, three] = &projects;
    synapse.kill();
    dies(one);
    records_incidents(&bot, 1);
    die([two, three]);
    records_incidents(&bot, 3);
    // A death of the bot in between loses nothing either.
    bot.kill();
    synapse.start_again();
    bot.start_again();
    let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(90));
    let about = |name: &'static str| where_(format!("about {name}"), move |m: &Message| m.text().contains(name));
    let first = reads.next_from(&bot, page(&stage.alice).and(about("one")));
    reads.next_from(&bot, page(&stage.alice).and(about("two")).and(about("three")));
    let pages: Vec<Message> = reads.messages_from(&bot).into_iter().filter(|m| page(&stage.alice).holds(m)).collect();
    assert_eq!(pages[0].id, first.id, "{}", reads.transcript());
    assert_eq!(pages.len(), 2, "each is told once, and those that came together, together: {}", reads.transcript());
}
