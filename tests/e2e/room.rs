//! Who is heard, and how.

use opsroom_lab::{Speaker as _, anything, containing, notice, wait_until};
use std::time::Duration;

use crate::stage::Stage;

#[test]
fn an_operator_is_answered_across_a_verified_device() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).start();
    let pong = stage.ask(&bot, "!ping");
    assert_eq!(pong.text(), "🏓 pong");
    assert!(pong.encrypted && pong.device_signed, "{pong:?}");
    assert!(notice().holds(&pong), "no phone rings for an answer");
    assert_eq!(pong.mentions(), Vec::<&str>::new());
    let devices = stage.alice.sees_devices_of(&bot);
    assert!(devices.len() == 1 && devices.values().all(|signed| *signed), "{devices:?}");
    let status = stage.ask(&bot, "!status");
    assert!(status.text().contains("bridge — up"), "{}", status.text());
    assert!(stage.ask(&bot, "!whoami").text().contains(stage.alice.user()));
    assert!(stage.ask(&bot, "!help").text().contains("!restart <service>"));
    assert!(stage.ask(&bot, "!restrat bridge").text().contains("did you mean !restart?"));
    assert!(stage.ask(&bot, "!Status").text().contains("bridge"), "phones write capitals");
}

#[test]
fn a_stranger_and_another_room_get_nothing() {
    let stage = Stage::set();
    let mallory = stage.lab.person("mallory");
    let bot = stage.bot().start();
    stage.alice.invites(&stage.room, &mallory);
    mallory.joins(&stage.room);
    mallory.says(&stage.room, "!status");
    let other = stage.lab.room("other").encrypted().member(&stage.alice).create();
    stage.alice.invites(&other, &bot);
    wait_until(Duration::from_secs(30), "the invite to be declined", || {
        (stage.alice.membership(&other, &bot) == "leave").then_some(())
    });
    // The stranger's command was before this one, and the bot reads in order.
    stage.ask(&bot, "!ping");
    assert_eq!(stage.room.reads(&stage.alice).messages_from(&bot).len(), 1);
}

#[test]
fn a_restart_keeps_the_device_and_answers_what_came_meanwhile_once() {
    let stage = Stage::set();
    let bot = stage.bot().start();
    stage.ask(&bot, "!ping");
    let before = stage.alice.sees_devices_of(&bot);
    bot.stop();
    let asked: Vec<_> = (0..3).map(|_| stage.alice.says(&stage.room, "!ping")).collect();
    bot.start_again();
    for event in &asked {
        stage.room.reads(&stage.alice).reply_to(event, containing("pong"));
    }
    assert_eq!(stage.alice.sees_devices_of(&bot), before, "the same device");
    bot.kill();
    bot.start_again();
    stage.ask(&bot, "!ping");
    assert_eq!(
        stage.room.reads(&stage.alice).messages_from(&bot).len(),
        5,
        "{}",
        stage.room.reads(&stage.alice).transcript()
    );
}

#[test]
fn an_old_command_is_answered_and_not_run() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).config("[commands]\nstale_after = \"1s\"\n").start();
    bot.stop();
    let started = bridge.inspect("{{.State.StartedAt}}");
    let asked = stage.alice.says(&stage.room, "!restart bridge");
    let said = std::time::Instant::now();
    wait_until(Duration::from_secs(10), "the command to grow old", || {
        (said.elapsed() > Duration::from_secs(2)).then_some(())
    });
    bot.start_again();
    let answer = stage.room.reads(&stage.alice).reply_to(&asked, anything());
    assert!(answer.text().contains("while I was away — not run"), "{}", answer.text());
    assert_eq!(bridge.inspect("{{.State.StartedAt}}"), started);
}

#[test]
fn a_command_without_encryption_is_refused_and_one_whose_key_is_late_is_run() {
    let stage = Stage::set();
    let bot = stage.bot().start();
    stage.ask(&bot, "!ping");
    let clear = stage.alice.says_unencrypted(&stage.room, "!ping");
    let answer = stage.room.reads(&stage.alice).reply_to(&clear, anything());
    assert!(answer.text().contains("not encrypted"), "{}", answer.text());
    let late = stage.alice.says_key_late(&stage.room, "!whoami");
    // The bot has seen it, and cannot read it, when it answers what came after.
    let second = stage.alice.second_device();
    let after = second.says(&stage.room, "!ping");
    stage.room.reads(&stage.alice).reply_to(&after, containing("pong"));
    stage.alice.shares_key(&stage.room);
    stage.room.reads(&stage.alice).reply_to(&late, containing(stage.alice.user()));
    assert!(!bot.log().contains("ERROR"), "a key that comes late is no failure: {}", bot.log());
}

#[test]
fn the_homeserver_may_go_and_come_back() {
    let lab = opsroom_lab::Lab::connect();
    let mut home = lab.own_homeserver().start();
    let alice = home.person("alice");
    let room = home.room("ops").encrypted().member(&alice).create();
    let bot = lab.bot().binary(crate::stage::OPSROOM).room(&room).operator(&alice).start();
    let asked = alice.says(&room, "!ping");
    room.reads(&alice).reply_to(&asked, containing("pong"));
    home.kill();
    home.start_again();
    let asked = alice.says(&room, "!whoami");
    room.reads(&alice).reply_to(&asked, containing(alice.user()));
    assert_eq!(room.reads(&alice).messages_from(&bot).len(), 2);
}

#[test]
fn a_copy_of_an_encrypted_command_is_not_run() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).start();
    let asked = stage.alice.says(&stage.room, "!restart bridge");
    let reads = || stage.room.reads(&stage.alice).within(Duration::from_secs(60));
    reads().reply_to(&asked, containing("✅ bridge restarted"));
    let started = bridge.inspect("{{.State.StartedAt}}");
    // Somebody with alice's password, at a device nobody signed, sends what the room has once more.
    let thief = stage.alice.unsigned_device();
    let path = format!("/_matrix/client/v3/rooms/{}", stage.room.id());
    let stolen = thief.asks("GET", &format!("{path}/event/{}", asked.0), serde_json::Value::Null);
    let copy = thief.asks("PUT", &format!("{path}/send/m.room.encrypted/copy"), stolen["content"].clone());
    let copy = opsroom_lab::EventId(copy["event_id"].as_str().expect("an event ID").to_owned());
    reads().reply_to(&copy, containing("🔁 That is a copy of an earlier message — not run."));
    assert_eq!(bridge.inspect("{{.State.StartedAt}}"), started);
    assert!(bot.log().contains("a copy of an earlier command"));
}
