//! What goes wrong between the bot and its hosts.

use opsroom_lab::{containing, message::reply_to, wait_until};
use std::time::Duration;

use crate::{outcome::outcome, stage::Stage};

#[test]
fn a_wrong_host_key_is_refused_with_the_next_step() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let plan = stage.bot().service(&bridge);
    let bot = plan.start();
    assert!(stage.ask(&bot, "!status").text().contains("bridge — up"));
    bot.stop();
    stage.host.change_host_key();
    bot.start_again();
    let status = stage.ask(&bot, "!status");
    assert!(
        status.text().contains(&format!("{} unreachable", stage.host.name())) && status.text().contains("SHA256:"),
        "{}",
        status.text()
    );
}

#[test]
fn sshd_may_restart_and_an_update_goes_on_without_it() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).start();
    stage.ask(&bot, "!status");
    stage.host.restart_sshd();
    wait_until(Duration::from_secs(30), "the host to be seen again", || {
        stage.ask(&bot, "!status").text().contains("bridge — up").then_some(())
    });
    bridge.slow_build(8);
    let asked = stage.alice.says(&stage.room, "!update bridge");
    let reads = || stage.room.reads(&stage.alice).within(Duration::from_secs(180));
    reads().reply_to(&asked, containing("⏳ build"));
    stage.host.kill_sshd();
    stage.host.start_sshd();
    reads().next_from(&bot, containing("✅ bridge updated").and(outcome()).and(reply_to(&asked)));
    assert!(reads().reply_to(&asked, containing("✅ verify")).text().contains("✅ build"));
}

#[test]
fn an_unfinished_update_is_followed_on_by_the_next_process() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).start();
    bridge.slow_build(8);
    let asked = stage.alice.says(&stage.room, "!update bridge");
    let reads = || stage.room.reads(&stage.alice).within(Duration::from_secs(180));
    reads().reply_to(&asked, containing("⏳ build"));
    bot.kill();
    bot.start_again();
    reads().next_from(&bot, containing("✅ bridge updated").and(reply_to(&asked)));
}

#[test]
fn a_second_process_on_the_same_state_is_refused() {
    let stage = Stage::set();
    let bot = stage.bot().start();
    let second = bot.tool(&["run"]);
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("state"), "{said}");
}
