//! What the watch says by itself.

use opsroom_lab::{containing, page, wait_until};
use std::time::Duration;

use crate::stage::Stage;

#[test]
fn a_crash_loop_is_one_page_and_one_recovery() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).config("[watch]\nquiet = \"3s\"\n").start();
    stage.ask(&bot, "!status");
    for _ in 0..3 {
        let restarts = bridge.inspect("{{.RestartCount}}").and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
        bridge.crash_now(7);
        bridge.wait_for_restarts(restarts + 1);
        bridge.wait_for_state("running");
    }
    let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(60));
    let alert = reads.next_from(&bot, page(&stage.alice).and(containing("crash loop")));
    let head = format!("🔴 bridge crash loop on {} — exit 7", stage.host.name());
    assert!(alert.text().starts_with(&head), "{}", alert.text());
    reads.next_from(&bot, containing("✅ bridge recovered"));
    // By now, the alert may be edited into its end.
    let told = |m: &opsroom_lab::Message| m.history().iter().any(|text| text.contains("crash loop on"));
    let alerts = reads.messages_from(&bot).iter().filter(|m| told(m)).count();
    assert_eq!(alerts, 1);
}

#[test]
fn a_restart_through_the_bot_or_outside_is_no_alert() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).config("[watch]\nquiet = \"3s\"\n").start();
    for _ in 0..4 {
        stage.host.run(&format!("docker restart -t 0 {}", bridge.container()));
    }
    let ack = stage.ask(&bot, "!restart bridge");
    let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(60));
    reads.until(&ack.id, containing("✅ bridge restarted"));
    assert_eq!(reads.messages_from(&bot).len(), 1, "{}", reads.transcript());
}

#[test]
fn each_trouble_is_one_page_with_its_cause() {
    let stage = Stage::set();
    let host = &stage.host;
    let (down, sick) = (host.project("down").healthy(), host.project("sick").with_health_check().healthy());
    let (gone, shot) = (host.project("gone").healthy(), host.project("shot").healthy());
    for project in [&down, &shot] {
        host.run(&format!("docker update --restart no {}", project.container()));
    }
    let limits = "[watch]\nquiet = \"3s\"\nabsent_after = \"3s\"\nunhealthy_after = \"1s\"\n";
    let bot = stage.bot().service(&down).service(&sick).service(&gone).service(&shot).config(limits).start();
    assert!(stage.ask(&bot, "!status").text().contains("nothing needs attention"));
    let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(60));
    let paged = |what: &str| reads.next_from(&bot, page(&stage.alice).and(containing(what)));
    down.crash_now(3);
    assert!(paged("down is down").text().contains("exit 3 after"));
    shot.sigkill();
    assert!(paged("shot is down").text().contains("exit 137"));
    sick.become_unhealthy();
    paged("sick is unhealthy");
    sick.become_healthy();
    reads.next_from(&bot, containing("✅ sick recovered"));
    host.run(&format!("docker rm -f {}", gone.container()));
    paged("gone is not deployed any more");
    gone.deploy();
    reads.next_from(&bot, containing("✅ gone recovered"));
    assert_eq!(reads.messages_from(&bot).len(), 7, "{}", reads.transcript());
}

#[test]
fn what_people_do_outside_of_the_bot_is_no_alert() {
    let stage = Stage::set();
    let host = &stage.host;
    let bridge = host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).config("[watch]\nsnapshot_every = \"1s\"\n").start();
    stage.ask(&bot, "!status");
    let container = bridge.container();
    host.run(&format!("docker kill -s HUP {container}; docker stop {container}; docker start {container}"));
    host.run(&format!("docker pause {container}; docker unpause {container}; docker kill {container}"));
    bridge.push_commit("hello again");
    host.run(&format!("cd {} && git pull -q", bridge.dir().display()));
    bridge.deploy();
    bridge.wait_for_state("running");
    host.run(&format!("docker update --restart no {container}"));
    bridge.crash_now(3);
    let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(60));
    let alert = reads.next_from(&bot, page(&stage.alice));
    assert!(alert.text().starts_with("🔴 bridge is down"), "{}", alert.text());
    assert!(alert.text().contains("after another container took its place, outside of me"), "{}", alert.text());
    assert_eq!(reads.messages_from(&bot).len(), 2, "{}", reads.transcript());
}

#[test]
fn a_crash_that_nobody_saw_is_told_from_a_stop_that_nobody_saw() {
    let stage = Stage::set();
    let host = &stage.host;
    let (shot, stopped) = (host.project("shot").healthy(), host.project("stopped").healthy());
    for project in [&shot, &stopped] {
        host.run(&format!("docker update --restart no {}", project.container()));
    }
    let bot = stage.bot().service(&shot).service(&stopped).start();
    stage.ask(&bot, "!status");
    host.kill_sshd();
    shot.sigkill();
    host.run(&format!("docker stop -t 0 {}", stopped.container()));
    shot.wait_for_state("exited");
    host.start_sshd();
    let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(60));
    let alert = reads.next_from(&bot, page(&stage.alice));
    assert!(alert.text().starts_with("🔴 shot is down"), "{}", alert.text());
    let status = stage.ask(&bot, "!status");
    assert!(status.text().contains("stopped"), "{}", status.text());
    assert_eq!(reads.messages_from(&bot).len(), 3, "{}", reads.transcript());
}

#[test]
fn a_host_that_is_gone_is_one_page_and_its_return_tells_what_was_missed() {
    let stage = Stage::set();
    let (one, two) = (stage.host.project("one").healthy(), stage.host.project("two").healthy());
    let limits = "[watch]\nsnapshot_every = \"2s\"\nunreachable_after = \"3s\"\n";
    let bot = stage.bot().service(&one).service(&two).config(limits).start();
    stage.ask(&bot, "!status");
    stage.host.link_down();
    let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(120));
    let alert = reads.next_from(&bot, page(&stage.alice));
    assert!(alert.text().contains("unreachable") && alert.text().contains("its 2 services"), "{}", alert.text());
    let before = two.inspect("{{.State.StartedAt}}");
    stage.host.run(&format!("docker restart -t 0 {}", two.container()));
    assert_ne!(two.inspect("{{.State.StartedAt}}"), before);
    stage.host.link_up();
    let back = reads.next_from(&bot, containing("is back"));
    assert!(back.text().contains("two was started anew"), "{}", back.text());
    assert_eq!(reads.messages_from(&bot).len(), 3, "{}", reads.transcript());
}

#[test]
fn a_stream_of_events_that_lives_and_tells_nothing_is_taken_up_anew() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).config("[watch]\nsnapshot_every = \"2s\"\n").start();
    stage.ask(&bot, "!status");
    let streams = || stage.host.run("pgrep -f '[d]ocker events' || true");
    wait_until(Duration::from_secs(30), "the stream", || (!streams().is_empty()).then_some(()));
    let deaf = streams();
    stage.host.run("pkill -STOP -f '[d]ocker events'");
    bridge.crash_now(7);
    bridge.wait_for_restarts(1);
    wait_until(Duration::from_secs(30), "the bot to notice", || {
        bot.log().contains("the event stream told nothing of it").then_some(())
    });
    // What it was told by then, and what it is told now, is one death each.
    wait_until(Duration::from_secs(30), "another stream", || {
        let now = streams();
        now.lines().any(|pid| !deaf.lines().any(|old| old == pid)).then_some(())
    });
    stage.host.run("pkill -KILL -o -f '[d]ocker events'; true");
    for restarts in [1, 2] {
        bridge.wait_for_restarts(restarts);
        bridge.wait_for_state("running");
        bridge.crash_now(7);
    }
    let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(60));
    let alert = reads.next_from(&bot, page(&stage.alice).and(containing("crash loop")));
    assert!(alert.text().contains("3× in"), "{}", alert.text());
}
