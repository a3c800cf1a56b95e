//! Where the bot goes, at whose invite, and what it reads there.

use opsroom_lab::{Lab, wait::PATIENCE, wait_until};
use serde_json::json;

use crate::bot::Bot;

#[test]
fn invites_of_strangers_and_to_other_rooms_are_declined() {
    let lab = Lab::connect();
    let (alice, mallory) = (lab.person("alice"), lab.person("mallory"));
    let room = lab.room("ops").encrypted().member(&alice).create();
    let mut bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice);
    // One of each waits before the bot ever starts, and one of each comes live.
    let (hers, other) = (lab.room("hers").member(&mallory).create(), lab.room("other").member(&alice).create());
    mallory.invites(&hers, &bot);
    alice.invites(&other, &bot);
    bot.starts();
    bot.listens();
    alice.waits_for_member(&room, &bot);
    let (hers_too, other_too) = (lab.room("hers").member(&mallory).create(), lab.room("other").member(&alice).create());
    mallory.invites(&hers_too, &bot);
    alice.invites(&other_too, &bot);
    for (person, room) in [(&mallory, &hers), (&alice, &other), (&mallory, &hers_too), (&alice, &other_too)] {
        wait_until(PATIENCE, "the invite to be declined", || (person.membership(room, &bot) == "leave").then_some(()));
    }
    assert_eq!(alice.membership(&room, &bot), "join");
}

#[test]
fn an_invite_cannot_take_the_bot_out_of_its_room() {
    let lab = Lab::connect();
    let (alice, mallory) = (lab.person("alice"), lab.person("mallory"));
    let room = lab.room("ops").encrypted().member(&alice).create();
    let bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "before"));

    // The SDK's `leave` would leave a room's predecessors too, and mallory says which those are.
    let successor = json!({
        "preset": "private_chat",
        "creation_content": { "predecessor": { "room_id": room.id(), "event_id": "$nothing" } },
    });
    let successor = mallory.asks("POST", "/_matrix/client/v3/createRoom", successor);
    let successor = successor["room_id"].as_str().expect("a room ID");
    let body = json!({ "user_id": opsroom_lab::Speaker::user(&bot) });
    mallory.asks("POST", &format!("/_matrix/client/v3/rooms/{successor}/invite"), body);
    let path = format!("/_matrix/client/v3/rooms/{successor}/state/m.room.member/{}", opsroom_lab::Speaker::user(&bot));
    wait_until(PATIENCE, "the invite to be declined", || {
        (mallory.asks("GET", &path, serde_json::Value::Null)["membership"] == "leave").then_some(())
    });
    bot.hears(&alice.says(&room, "after"));
    assert_eq!(alice.membership(&room, &bot), "join");
}

#[test]
fn what_was_said_before_the_bot_came_is_not_heard() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").member(&alice).create();
    let mut bot = Bot::new(&lab.homeserver()).uninvited_room(&room).operator(&alice).start();
    alice.says(&room, "!restart all");
    alice.invites(&room, &bot);
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "after"));
    assert_eq!(bot.heard(), ["after"]);

    // Nor by a bot that comes back, with or without its memory.
    bot.stops();
    bot.starts();
    bot.hears(&alice.says(&room, "again"));
    assert_eq!(bot.heard(), ["after", "again"]);
}

#[test]
fn a_first_start_in_a_room_it_is_in_already_begins_with_now() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").member(&alice).create();
    let bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice);
    bot.joins_as_somebody_else(&room);
    alice.says(&room, "!restart all");
    let bot = bot.start();
    bot.hears(&alice.says(&room, "!status"));
    assert_eq!(bot.heard(), ["!status"]);
}

#[test]
fn a_bot_that_was_removed_comes_back_at_the_next_invite() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "before"));

    alice.kicks(&room, &bot);
    alice.says(&room, "behind its back");
    alice.invites(&room, &bot);
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "after"));
    assert_eq!(bot.heard(), ["before", "after"]);
}
