//! People verify the bot from their client, and it goes along.

use opsroom_lab::{Lab, wait::PATIENCE, wait_until};
use serde_json::json;

use crate::bot::Bot;

#[test]
fn an_operator_verifies_the_bot_in_the_room_and_in_a_direct_chat() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "hello"));

    alice.verifies(&room, &bot);

    // Where clients do it: a direct chat, which is joined for this and read for nothing else.
    let chat = alice.opens_direct_chat(&bot);
    alice.waits_for_member(&chat, &bot);
    alice.says(&chat, "!restart all");
    alice.verifies(&chat, &bot);
    bot.hears(&alice.says(&room, "bye"));
    assert_eq!(bot.heard(), ["hello", "bye"]);
}

#[test]
fn a_stranger_is_not_answered() {
    let lab = Lab::connect();
    let (alice, mallory) = (lab.person("alice"), lab.person("mallory"));
    let room = lab.room("ops").encrypted().member(&alice).member(&mallory).create();
    let bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);

    let request = json!({
        "msgtype": "m.key.verification.request", "body": "verify me", "to": opsroom_lab::Speaker::user(&bot),
        "from_device": mallory.device(), "methods": ["m.sas.v1"],
    });
    mallory.sends(&room, request);
    let chat = mallory.opens_direct_chat(&bot);
    wait_until(PATIENCE, "the chat to be declined", || (mallory.membership(&chat, &bot) == "leave").then_some(()));
    bot.hears(&alice.says(&room, "hello"));
    let answered = alice.saw_events(&room).into_iter().any(|event| event.kind.starts_with("m.key.verification."));
    assert!(!answered);
}
