//! Away, cut off, killed: nothing is lost and nothing comes twice.

use std::time::Duration;

use opsroom::{
    domain::{
        inbound::Arrival,
        message::{Body, MessageClass},
        names::RoomId,
    },
    matrix::Notice,
    ports::{ChatError, Content},
};
use opsroom_lab::{Lab, Person, Room, containing, wait::PATIENCE, wait_until};

use crate::{
    bot::Bot,
    proxy::{Mood, Proxy},
};

/// What the bot gives a request that is not answered.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

fn say_many(alice: &Person, room: &Room, count: usize) -> Vec<String> {
    let texts: Vec<_> = (0..count).map(|number| format!("message {number}")).collect();
    for text in &texts {
        alice.says(room, text);
    }
    texts
}

#[test]
fn more_than_a_sync_holds_is_caught_up_after_an_absence() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let mut bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "before"));
    let device = bot.device();
    bot.stops();

    let said = say_many(&alice, &room, 130);
    bot.starts();
    let live = alice.says(&room, "after");
    bot.hears(&live);
    let expected: Vec<_> = ["before".to_owned()].into_iter().chain(said).chain(["after".to_owned()]).collect();
    assert_eq!(bot.heard(), expected, "all of them, once, in order");
    assert!(bot.inbox.messages()[1..=130].iter().all(|message| message.arrival == Arrival::CatchUp));
    assert_eq!(bot.device(), device, "the same device");
    assert_eq!(alice.sees_devices_of(&bot), [(device, true)].into(), "and the only one");
}

#[test]
fn a_long_silence_of_the_sync_alone_is_filled_as_well() {
    let lab = Lab::connect();
    let server = lab.own_homeserver().start();
    let alice = server.person("alice");
    let room = server.room("ops").encrypted().member(&alice).create();
    let bot = Bot::new(&server).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "before"));

    // While the inbox is stuck the sync fills its queue and stops asking.
    bot.inbox.hang(true);
    let said = say_many(&alice, &room, 40);
    wait_until(PATIENCE, "the inbox to be stuck", || (bot.inbox.hung() > 0).then_some(()));
    assert_eq!(bot.heard(), ["before"]);
    let mut bot = bot;
    bot.dies();
    bot.inbox.hang(false);
    bot.starts();
    bot.hears(&alice.says(&room, "after"));
    assert_eq!(bot.heard().len(), said.len() + 2, "{:?}", bot.heard());
}

#[test]
fn killed_between_the_sync_and_the_inbox_a_command_is_not_lost() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let mut bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "before"));

    bot.inbox.hang(true);
    let command = alice.says(&room, "!restart bridge");
    // The SDK has stored its sync token by now; the inbox has nothing yet.
    wait_until(PATIENCE, "the command at the inbox's door", || (bot.inbox.hung() == 1).then_some(()));
    bot.dies();
    assert_eq!(bot.heard(), ["before"]);

    bot.inbox.hang(false);
    bot.starts();
    assert_eq!(bot.hears(&command).arrival, Arrival::CatchUp);
    bot.hears(&alice.says(&room, "after"));
    assert_eq!(bot.heard(), ["before", "!restart bridge", "after"], "once");
}

#[test]
fn a_homeserver_that_is_killed_and_comes_back_is_heard_again() {
    let lab = Lab::connect();
    let mut server = lab.own_homeserver().start();
    let alice = server.person("alice");
    let room = server.room("ops").encrypted().member(&alice).create();
    let bot = Bot::new(&server).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "before"));

    server.kill();
    wait_until(PATIENCE, "the loss to be said", || {
        bot.notices().iter().any(|notice| matches!(notice, Notice::ConnectionLost { .. })).then_some(())
    });
    server.start_again();
    bot.hears(&alice.says(&room, "after"));
    assert_eq!(bot.heard(), ["before", "after"]);
    wait_until(PATIENCE, "the return to be said", || {
        bot.notices().iter().any(|notice| matches!(notice, Notice::ConnectionRestored { .. })).then_some(())
    });
    assert_eq!(bot.notices().len(), 2, "once each: {:?}", bot.notices());
}

#[test]
fn a_homeserver_that_stalls_is_noticed_and_heard_again() {
    let lab = Lab::connect();
    let server = lab.own_homeserver().start();
    let alice = server.person("alice");
    let room = server.room("ops").encrypted().member(&alice).create();
    let mut bot = Bot::new(&server).room(&room).operator(&alice);
    bot.settings.sync_timeout = Duration::from_secs(1);
    bot.starts();
    bot.listens();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "before"));

    server.stall();
    wait_until(REQUEST_LIMIT + PATIENCE, "the loss to be said", || {
        bot.notices().iter().any(|notice| matches!(notice, Notice::ConnectionLost { .. })).then_some(())
    });
    let stalled = bot.last_good_sync().expect("it has synced");
    server.go_on();
    bot.hears(&alice.says(&room, "after"));
    assert!(bot.last_good_sync().expect("it has synced") > stalled);
    assert_eq!(bot.heard(), ["before", "after"]);
}

#[test]
fn too_long_a_silence_takes_everything_up_anew() {
    let lab = Lab::connect();
    let server = lab.own_homeserver().start();
    let alice = server.person("alice");
    let room = server.room("ops").encrypted().member(&alice).create();
    let mut bot = Bot::new(&server).room(&room).operator(&alice);
    bot.settings.sync_timeout = Duration::from_secs(1);
    bot.settings.reconnect_after = Duration::from_secs(3);
    bot.starts();
    bot.listens();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "before"));

    server.stall();
    wait_until(REQUEST_LIMIT + PATIENCE, "the loss to be said", || {
        bot.notices().iter().any(|notice| matches!(notice, Notice::ConnectionLost { .. })).then_some(())
    });
    server.go_on();
    let device = bot.device();
    bot.hears(&alice.says(&room, "after"));
    assert_eq!(bot.heard(), ["before", "after"]);
    assert_eq!(bot.device(), device);
}

#[test]
fn a_ledger_that_fails_ends_the_bot() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let mut bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "before"));

    bot.inbox.fail(true);
    let command = alice.says(&room, "!status");
    let ended = wait_until(PATIENCE, "the bot to end", || bot.ended());
    assert_eq!(ended, Err("the ledger could not be written: the disk is full".to_owned()));
    bot.dies();
    bot.inbox.fail(false);
    bot.starts();
    bot.hears(&command);
    assert!(bot.inbox.position_now(&RoomId::parse(room.id()).expect("a room ID")).is_some());
}

#[test]
fn a_gateway_without_a_homeserver_is_an_outage_like_any_other() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let proxy = Proxy::to(lab.homeserver().url());
    let mut bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice);
    bot.settings.homeserver = proxy.url.parse().expect("a URL");
    bot.settings.sync_timeout = Duration::from_secs(1);
    bot.starts();
    bot.listens();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "before"));

    proxy.is(Mood::BadGateway);
    wait_until(PATIENCE, "the loss to be said", || {
        bot.notices().iter().any(|notice| matches!(notice, Notice::ConnectionLost { .. })).then_some(())
    });
    let page = Content::Reaction { target: bot.last_heard(), key: "👀".to_owned() };
    let failed = bot.delivers(&room, "page", page.clone()).expect_err("there is no homeserver");
    assert!(matches!(failed, ChatError::Unavailable(_)), "{failed:?}");
    proxy.is(Mood::Fair);
    bot.hears(&alice.says(&room, "after"));
    bot.delivers(&room, "page", page).expect("there is one again");
    assert_eq!(bot.heard(), ["before", "after"]);
}

#[test]
fn an_answer_lost_on_its_way_back_does_not_double_the_message() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let proxy = Proxy::to(lab.homeserver().url());
    let mut bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice);
    bot.settings.homeserver = proxy.url.parse().expect("a URL");
    bot.starts();
    bot.listens();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "hello"));

    let body = Body::from_markdown("only once");
    let said = Content::Message { class: MessageClass::Answer, body, reply_to: None, mentions: vec![] };
    proxy.is(Mood::LosesAnAnswer);
    let lost = bot.delivers(&room, "once", said.clone()).expect_err("the answer is lost");
    assert!(matches!(lost, ChatError::Unavailable(_)), "{lost:?}");
    let taken = bot.delivers(&room, "once", said).expect("taken");
    room.reads(&alice).until(&opsroom_lab::EventId(taken.as_str().to_owned()), containing("only once"));
    assert_eq!(room.reads(&alice).messages_from(&bot).len(), 1, "{}", room.reads(&alice).transcript());
}
