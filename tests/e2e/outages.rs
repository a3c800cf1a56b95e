//! The homeserver does not answer, or does not know the bot any more.

use opsroom_lab::{Lab, containing, message::reply_to, wait_until};
use serde_json::Value;

use crate::{
    outcome::outcome,
    stage::{LIMIT, Stage},
    survives::reaches,
};

#[test]
fn a_homeserver_that_hangs_is_noticed_asked_again_and_nothing_is_said_twice() {
    let lab = Lab::connect();
    let synapse = lab.own_homeserver().start();
    let alice = synapse.person("alice");
    let room = synapse.room("ops").encrypted().member(&alice).create();
    let host = lab.host("spark-1");
    let stage = Stage { lab, alice, room, host };
    let bridge = stage.host.project("bridge").healthy();
    // How often it tries is told at `debug`.
    let plan = stage.bot().service(&bridge).environment("RUST_LOG", "info,opsroom::matrix=debug,matrix_sdk=warn");
    let bot = plan.start();
    stage.ask(&bot, "!ping");
    bridge.slow_build(3);
    let asked = stage.alice.says(&stage.room, "!update bridge");
    reaches(&stage.host, "build");

    // Connections stay open, and what is sent lies in their buffers: it arrives later, though it was given up.
    synapse.stall();
    let logs = |what: &str| {
        wait_until(LIMIT, format_args!("the bot to log {what:?}: {}", bot.log()), || {
            bot.log().contains(what).then_some(())
        });
    };
    logs("the homeserver is out of reach");
    logs("the sync still fails");
    logs("/progress#last");
    synapse.go_on();
    logs("the homeserver is back");

    let pinged = stage.alice.says(&stage.room, "!ping");
    let reads = || stage.room.reads(&stage.alice).within(LIMIT);
    reads().reply_to(&pinged, containing("pong"));
    let told = reads().next_from(&bot, outcome().and(reply_to(&asked)));
    assert!(told.text().starts_with("✅ bridge updated"), "{}", told.text());
    assert_eq!(bridge.commit(), bridge.remote_commit());
    stage.ask(&bot, "!whoami");
    let said = reads().messages_from(&bot);
    let to = |event| said.iter().filter(|m| reply_to(event).holds(m)).count();
    assert_eq!(to(&pinged), 1, "{}", reads().transcript());
    assert_eq!(said.iter().filter(|m| outcome().and(reply_to(&asked)).holds(m)).count(), 1, "{}", reads().transcript());
    // This edit was sent into the stall and once more after it.
    let last = |m: &&str| m.starts_with("✅ bridge updated") && m.contains("✅ verify");
    let edits = said.iter().flat_map(|m| m.history()).filter(last).count();
    assert_eq!(edits, 1, "{}", reads().transcript());
    let apart = usize::from(told.history().len() == 1);
    assert_eq!(said.len(), 4 + apart, "the update and three answers: {}", reads().transcript());
}

#[test]
fn a_device_that_was_deleted_is_noticed_and_replaced() {
    let stage = Stage::set();
    let bot = stage.bot().start();
    stage.ask(&bot, "!ping");
    assert!(!bot.log().contains("ERROR"), "a first start is no failure: {}", bot.log());
    let before = stage.alice.sees_devices_of(&bot);
    let device = before.keys().next().expect("a device");
    let homeserver = stage.lab.homeserver();
    let path = format!("/_synapse/admin/v2/users/{}/devices/{device}", opsroom_lab::Speaker::user(&bot));
    homeserver.call("DELETE", &path, Some(&homeserver.admin_token()), &Value::Null).expect("the device is deleted");
    wait_until(LIMIT, "the bot to have a new device", || bot.log().contains("the bot has a new device").then_some(()));
    let devices = wait_until(LIMIT, "the new device to be signed", || {
        let devices = stage.alice.sees_devices_of(&bot);
        (devices != before && devices.len() == 1 && devices.values().all(|signed| *signed)).then_some(devices)
    });
    let answer = stage.ask(&bot, "!whoami");
    assert!(answer.encrypted && answer.device_signed, "{answer:?}");
    assert_eq!(answer.device.as_ref(), devices.keys().next());
    assert_eq!(stage.room.reads(&stage.alice).messages_from(&bot).len(), 2);
    // The device that is gone and its keys are put aside, not thrown away, and the next start goes on with the new one.
    assert!(bot.stop().success());
    bot.start_again();
    stage.ask(&bot, "!ping");
    assert_eq!(stage.alice.sees_devices_of(&bot), devices);
}
