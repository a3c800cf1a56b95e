//! What the bot says, as another client shows it.

use opsroom::{
    domain::{
        message::{Body, MessageClass},
        names::{EventId, UserId},
    },
    ports::{ChatError, Content},
};
use opsroom_lab::{Lab, Speaker, containing, page, wait::PATIENCE, wait_until, where_};

use crate::bot::Bot;

fn id(event: &opsroom_lab::EventId) -> EventId {
    EventId::parse(&event.0).expect("an event ID")
}

#[test]
fn edits_reactions_files_and_pages_look_as_they_should() {
    for encrypted in [true, false] {
        let lab = Lab::connect();
        let alice = lab.person("alice");
        let room = lab.room("ops").member(&alice);
        let room = if encrypted { room.encrypted() } else { room }.create();
        let bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice).start();
        alice.waits_for_member(&room, &bot);
        let command = alice.says(&room, "!update bridge");
        bot.hears(&command);

        let progress = bot.sends(
            &room,
            Content::Message {
                class: MessageClass::Progress,
                body: Body::from_markdown("⏳ fetch"),
                reply_to: Some(id(&command)),
                mentions: vec![],
            },
        );
        let body = Body::from_markdown("✅ **done**");
        bot.sends(&room, Content::Edit { target: id(&progress), class: MessageClass::Progress, body });
        let edited = room.reads(&alice).until(&progress, containing("✅"));
        assert_eq!(edited.history(), ["⏳ fetch", "✅ done"]);
        assert_eq!(edited.html(), "<p>✅ <strong>done</strong></p>");
        assert!(edited.mentions().is_empty() && edited.edits[0].mentions.is_empty());
        assert_eq!(edited.encrypted, encrypted);

        bot.sends(&room, Content::Reaction { target: id(&command), key: "👀".to_owned() });
        let reacted = where_("with a reaction", |message| !message.reactions.is_empty());
        assert_eq!(room.reads(&alice).until(&command, reacted).reactions[0].1, "👀");

        let text = "a line of log\n".repeat(4000);
        let file = Content::File { name: "bridge.log".to_owned(), text: text.clone(), reply_to: Some(id(&command)) };
        let file = bot.sends(&room, file);
        let file = room.reads(&alice).until(&file, where_("with a file", |message| message.is_file()));
        assert_eq!(String::from_utf8(alice.downloads(&file)).expect("text"), text);
        assert_eq!(file.content["file"].is_object(), encrypted, "the file itself is encrypted where the room is");

        let alice_id = UserId::parse(alice.user()).expect("a user ID");
        let class = MessageClass::Page;
        let body = Body::from_markdown("🔴 **bridge** is down");
        let alert = bot.sends(&room, Content::Message { class, body, reply_to: None, mentions: vec![alice_id] });
        room.reads(&alice).until(&alert, page(&alice));
    }
}

#[test]
fn the_same_transaction_is_one_message() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "hello"));

    let said = |text: &str| Content::Message {
        class: MessageClass::Answer,
        body: Body::from_markdown(text),
        reply_to: None,
        mentions: vec![],
    };
    let file = Content::File { name: "log".to_owned(), text: "log".to_owned(), reply_to: None };
    for (transaction, content) in [("once", said("only once")), ("file", file)] {
        let first = bot.delivers(&room, transaction, content.clone()).expect("taken");
        let second = bot.delivers(&room, transaction, content).expect("taken again");
        assert_eq!(first, second);
    }
    let last = bot.delivers(&room, "other", said("another")).expect("taken");
    room.reads(&alice).until(&opsroom_lab::EventId(last.as_str().to_owned()), containing("another"));
    assert_eq!(room.reads(&alice).messages_from(&bot).len(), 3, "{}", room.reads(&alice).transcript());
}

#[test]
fn a_rate_limit_is_reported_and_not_slept_through() {
    let lab = Lab::connect();
    let server = lab.own_homeserver().default_message_limits().start();
    let alice = server.person("alice");
    let room = server.room("ops").encrypted().member(&alice).create();
    let bot = Bot::new(&server).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);
    let hello = alice.says(&room, "hello");
    bot.hears(&hello);

    let refused = wait_until(PATIENCE, "the limit", || {
        let transaction = bot.transaction();
        let content = Content::Reaction { target: id(&hello), key: transaction.clone() };
        bot.delivers(&room, &transaction, content).err()
    });
    let ChatError::RateLimited(pause) = refused else { panic!("{refused:?}") };
    assert!(pause.as_millis() > 100, "{pause:?}");
}

#[test]
fn what_can_never_be_delivered_is_refused() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let elsewhere = lab.room("elsewhere").member(&alice).create();
    let bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "hello"));

    let said = |text: &str| Content::Message {
        class: MessageClass::Answer,
        body: Body::from_markdown(text),
        reply_to: None,
        mentions: vec![],
    };
    let nowhere = bot.delivers(&elsewhere, "1", said("hello")).expect_err("not a member");
    assert!(matches!(nowhere, ChatError::Refused(_)), "{nowhere:?}");
    let huge = bot.delivers(&room, "2", said(&"x".repeat(60_000))).expect_err("too large");
    assert!(matches!(huge, ChatError::Refused(_)), "{huge:?}");
    assert!(bot.user().starts_with("@bot"));
}
