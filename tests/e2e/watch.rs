//! What the watch says by itself.

use opsroom_lab::{containing, page};
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
    let alerts = reads.messages_from(&bot).into_iter().filter(|m| m.text().contains("crash loop on")).count();
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
