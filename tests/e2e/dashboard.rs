//! The pinned message that shows how everything is.

use std::time::Duration;

use opsroom_lab::{Bot, Speaker as _, containing, notice, page, wait_until};
use serde_json::{Value, json};

use crate::stage::Stage;

fn state_of(stage: &Stage, kind: &str) -> Value {
    let path = format!("/_matrix/client/v3/rooms/{}/state/{kind}", stage.room.id());
    stage.alice.tries("GET", &path, Value::Null).unwrap_or_default()
}

fn may_pin(stage: &Stage, bot: &Bot) {
    let mut powers = state_of(stage, "m.room.power_levels");
    powers["users"][bot.user()] = json!(50);
    stage.room.set_state("m.room.power_levels", powers);
}

#[test]
fn a_dashboard_is_pinned_where_that_is_allowed_and_kept_true_over_a_restart() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    stage.host.run(&format!("docker update --restart no {}", bridge.container()));
    let bot = stage.bot().service(&bridge).config("[watch]\nsnapshot_every = \"2s\"\nquiet = \"3s\"\n").start();
    let theirs = stage.alice.says(&stage.room, "the runbook is in the wiki");
    stage.room.set_state("m.room.pinned_events", json!({ "pinned": [theirs.0] }));
    wait_until(Duration::from_secs(30), "the bot to say that it may not", || {
        bot.log().contains("no dashboard: the bot may not pin messages there").then_some(())
    });
    assert_eq!(stage.room.reads(&stage.alice).messages_from(&bot).len(), 0);

    may_pin(&stage, &bot);
    let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(90));
    let board = reads.next_from(&bot, notice().and(containing("🟢 the one service is well")));
    let pinned = || state_of(&stage, "m.room.pinned_events")["pinned"].clone();
    wait_until(Duration::from_secs(30), "the board to be pinned, beside what was", || {
        (pinned() == json!([theirs.0, board.id.0])).then_some(())
    });

    bridge.crash_now(3);
    reads.next_from(&bot, page(&stage.alice).and(containing("bridge is down")));
    reads.until(&board.id, containing("🔴 1 of 1 needs attention\n🔴 bridge — down, exit 3, since "));

    bot.stop();
    bot.start_again();
    bridge.deploy();
    reads.next_from(&bot, containing("✅ bridge recovered"));
    let board = reads.until(&board.id, containing("🟢 the one service is well"));
    assert!(board.edits.iter().all(|edit| edit.mentions.is_empty() && edit.encrypted));
    assert_eq!(pinned(), json!([theirs.0, board.id.0]));
    assert_eq!(reads.messages_from(&bot).len(), 3, "{}", reads.transcript());
}
