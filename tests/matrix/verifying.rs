//! People verify the bot from their client, and it goes along.

use opsroom::matrix::Notice;
use opsroom_lab::{Lab, Speaker, containing, wait::PATIENCE, wait_until};
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
        "msgtype": "m.key.verification.request", "body": "verify me", "to": bot.user(),
        "from_device": mallory.device(), "methods": ["m.sas.v1"],
    });
    mallory.sends(&room, request);
    let chat = mallory.opens_direct_chat(&bot);
    wait_until(PATIENCE, "the chat to be declined", || (mallory.membership(&chat, &bot) == "leave").then_some(()));
    bot.hears(&alice.says(&room, "hello"));
    let answered = alice.saw_events(&room).into_iter().any(|event| event.kind.starts_with("m.key.verification."));
    assert!(!answered);
}

#[test]
fn an_operator_with_a_new_identity_neither_silences_the_bot_nor_is_silenced() {
    let lab = Lab::connect();
    let (alice, bob) = (lab.person("alice"), lab.person("bob"));
    let room = lab.room("ops").encrypted().member(&alice).member(&bob).create();
    let mut bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice).operator(&bob).start();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "hello"));
    alice.verifies(&room, &bot);
    let session = bot.session();
    let token = session["access_token"].as_str();
    wait_until(PATIENCE, "the bot to sign alice's identity", || {
        let query = json!({ "device_keys": { alice.user(): [] } });
        let keys = lab.homeserver().call("POST", "/_matrix/client/v3/keys/query", token, &query).expect("an answer");
        keys["master_keys"][alice.user()]["signatures"][bot.user()].is_object().then_some(())
    });
    // The SDK learns of its own signature when it next asks for alice's keys.
    bot.stops();
    bot.starts();
    bot.listens();

    alice.resets_identity();
    // The SDK would refuse to encrypt for anybody in the room now.
    let answer = bot.answers(&room, &bob.says(&room, "!status"), "all is well");
    room.reads(&bob).until(&answer, containing("all is well"));
    let command = alice.says(&room, "!status");
    bot.hears(&command);
    let answer = bot.answers(&room, &command, "for alice too");
    room.reads(&alice).until(&answer, containing("for alice too"));
    let changed = |notice: &Notice| matches!(notice, Notice::IdentityChanged { .. });
    wait_until(PATIENCE, "the new identity to be said", || bot.notices().iter().any(changed).then_some(()));
}
