//! What reaches the inbox, from whom, and how often.

use opsroom::{
    domain::inbound::{Arrival, Protection},
    matrix::{Notice, Unreadable},
};
use opsroom_lab::{EventId, Lab, Speaker, containing, notice, wait::PATIENCE, wait_until};
use serde_json::json;

use crate::bot::Bot;

#[test]
fn an_encrypted_command_is_read_and_its_answer_is_read_by_the_sender() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);

    let command = alice.says(&room, "!status");
    let heard = bot.hears(&command);
    assert_eq!(
        (heard.body.as_str(), heard.protection, heard.arrival, heard.mentions_bot),
        ("!status", Protection::Encrypted, Arrival::Live, false)
    );

    let answer = bot.answers(&room, &command, "🟢 **all** is well");
    let read = room.reads(&alice).until(&answer, containing("all is well").and(notice()));
    assert!(read.encrypted && read.device_signed, "{read:?}");
    assert_eq!(read.reply_to.as_ref(), Some(&command));
    assert!(read.mentions().is_empty());
    assert_eq!(read.device.as_deref(), Some(bot.device().as_str()));

    let reply = alice.replies_to(&room, &answer, "logs 50");
    assert_eq!(bot.hears(&reply).reply_to.map(|id| id.as_str().to_owned()), Some(answer.0));
    let mention = alice.says_mentioning(&room, &bot, "are you there?");
    assert!(bot.hears(&mention).mentions_bot);
}

#[test]
fn a_room_without_encryption_works_and_is_known_as_such() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").member(&alice).create();
    let bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);

    let command = alice.says(&room, "!status");
    assert_eq!(bot.hears(&command).protection, Protection::PlainRoom);
    let answer = bot.answers(&room, &command, "fine");
    assert!(!room.reads(&alice).until(&answer, containing("fine")).encrypted);
}

#[test]
fn only_texts_and_reactions_of_operators_are_heard() {
    let lab = Lab::connect();
    let (alice, mallory) = (lab.person("alice"), lab.person("mallory"));
    let room = lab.room("ops").encrypted().member(&alice).member(&mallory).create();
    let bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);

    let first = alice.says(&room, "first");
    bot.hears(&first);
    mallory.says(&room, "!restart all");
    alice.notices(&room, "a notice");
    alice.edits(&room, &first, "edited");
    alice.reacts(&room, &first, "👍");
    mallory.reacts(&room, &first, "👎");
    alice.sends(&room, json!({ "msgtype": "m.emote", "body": "waves" }));
    alice.sends_event(&room, "m.sticker", json!({ "body": "a sticker", "info": {}, "url": "mxc://lab.test/x" }));
    bot.answers(&room, &first, "the bot's own");
    let last = alice.says(&room, "last");
    bot.hears(&last);
    assert_eq!(bot.heard(), ["first", "👍", "last"]);
}

#[test]
fn plaintext_in_an_encrypted_room_is_told_apart() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);

    let forged = alice.says_unencrypted(&room, "!restart all");
    assert_eq!(bot.hears(&forged).protection, Protection::PlainInEncryptedRoom);
}

#[test]
fn a_message_whose_key_comes_late_is_heard_late() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);

    let command = alice.says_key_late(&room, "!status");
    wait_until(PATIENCE, "the event to be parked", || (bot.inbox.parked_now().len() == 1).then_some(()));
    assert!(bot.heard().is_empty());
    alice.shares_key(&room);
    let heard = bot.hears(&command);
    assert_eq!((heard.arrival, heard.protection), (Arrival::LateKey, Protection::Encrypted));
    assert!(bot.inbox.parked_now().is_empty());
}

#[test]
fn a_key_that_comes_while_the_bot_is_away_opens_what_was_parked() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let mut bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);

    let command = alice.says_key_late(&room, "!status");
    wait_until(PATIENCE, "the event to be parked", || (bot.inbox.parked_now().len() == 1).then_some(()));
    bot.stops();
    alice.shares_key(&room);
    bot.starts();
    assert_eq!(bot.hears(&command).arrival, Arrival::LateKey);
}

#[test]
fn a_device_that_nobody_signed_is_not_obeyed_and_the_room_can_be_told() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "hello"));

    let thief = alice.unsigned_device();
    let command = thief.says(&room, "!restart all");
    let (event, sender, why) = wait_until(PATIENCE, "a notice", || {
        bot.notices().into_iter().find_map(|notice| match notice {
            Notice::Unreadable { event, sender, why, .. } => Some((event, sender, why)),
            Notice::ConnectionLost { .. }
            | Notice::ConnectionRestored { .. }
            | Notice::DeviceReplaced { .. }
            | Notice::IdentityChanged { .. }
            | Notice::HistoryTooLong { .. } => None,
        })
    });
    assert_eq!((event.as_str(), sender.as_str()), (command.0.as_str(), alice.user()));
    assert_eq!(why, Unreadable::UnsignedDevice);

    let command = alice.says(&room, "!status");
    bot.hears(&command);
    let answer = bot.answers(&room, &command, "a secret");
    room.reads(&alice).until(&answer, containing("a secret"));
    let seen =
        room.reads(&thief).until(&answer, opsroom_lab::where_("that is sealed", |message| message.undecryptable));
    assert_eq!(seen.text(), "");
    assert_eq!(bot.heard(), ["hello", "!status"]);
}

#[test]
fn a_copy_of_an_encrypted_command_carries_the_seal_of_the_first() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);
    let first = alice.says(&room, "!restart bridge");
    let second = alice.says(&room, "!restart bridge");

    // A thief with alice's password at a device nobody signed has what the room has.
    let thief = alice.unsigned_device();
    let path = format!("/_matrix/client/v3/rooms/{}", room.id());
    let stolen = thief.asks("GET", &format!("{path}/event/{}", first.0), serde_json::Value::Null);
    let copy = thief.asks("PUT", &format!("{path}/send/m.room.encrypted/copy"), stolen["content"].clone());
    let copy = EventId(copy["event_id"].as_str().expect("an event ID").to_owned());

    let keys = [&first, &second, &copy]
        .map(|event| bot.replay_key(&bot.hears(event)).expect("an answer").expect("a key of its own"));
    assert_ne!(keys[0], keys[1], "said twice is two commands");
    assert_eq!(keys[0], keys[2], "copied is one");
}
