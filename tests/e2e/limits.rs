//! A homeserver that limits the bot as Synapse does by default: ten messages at once, then one in five seconds.

use opsroom_lab::{EventId, Lab, Message, Speaker as _, containing, message::reply_to};
use serde_json::json;

use crate::stage::{LIMIT, Stage};

#[test]
fn many_commands_at_once_are_all_answered_in_order_and_once() {
    let lab = Lab::connect();
    let synapse = lab.own_homeserver().default_message_limits().start();
    let (alice, bob) = (synapse.person("alice"), synapse.person("bob"));
    let room = synapse.room("ops").encrypted().member(&alice).member(&bob).create();
    let host = lab.host("spark-1");
    let stage = Stage { lab, alice, room, host };
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().operator(&bob).service(&bridge).start();

    // Each of the two is limited like the bot, and together they ask for more than it may say at once.
    let before = bridge.inspect("{{.State.StartedAt}}");
    let restarted = stage.alice.says(&stage.room, "!restart bridge");
    let mut asked: Vec<EventId> = Vec::new();
    for _ in 0..6 {
        asked.push(stage.alice.says(&stage.room, "!ping"));
        asked.push(bob.says(&stage.room, "!ping"));
    }
    let reads = || stage.room.reads(&stage.alice).within(LIMIT);
    for event in &asked {
        reads().reply_to(event, containing("pong"));
    }
    reads().reply_to(&restarted, containing("✅ bridge restarted"));
    assert_ne!(bridge.inspect("{{.State.StartedAt}}"), before);

    // What comes after the limit is over shows that nothing else was still to come.
    stage.ask(&bot, "!ping");
    let said = reads().messages_from(&bot);
    let answers = |event: &EventId| -> Vec<&Message> { said.iter().filter(|m| reply_to(event).holds(m)).collect() };
    for event in &asked {
        assert_eq!(answers(event).len(), 1, "{}", reads().transcript());
    }
    // They take turns, so the order is each one's own.
    for person in 0..2 {
        let asked: Vec<&EventId> = asked.iter().skip(person).step_by(2).collect();
        let answered = said.iter().filter_map(|m| m.reply_to.as_ref()).filter(|e| asked.contains(e));
        assert_eq!(answered.collect::<Vec<_>>(), asked, "{}", reads().transcript());
    }
    let results = answers(&restarted).iter().filter(|m| m.text().contains("✅ bridge restarted")).count();
    assert_eq!(results, 1, "{}", reads().transcript());
    let (first, last) = (said.first().expect("it spoke").sent_ms, said.last().expect("it spoke").sent_ms);
    assert!(last - first >= 10_000, "the limit was never met: {} ms\n{}", last - first, reads().transcript());
}

#[test]
fn who_asks_once_does_not_wait_for_the_answers_to_who_asks_sixty_times() {
    let lab = Lab::connect();
    let synapse = lab.own_homeserver().default_message_limits().start();
    let (alice, vera) = (synapse.person("alice"), synapse.person("vera"));
    // Only the bot is limited: sixty commands would else take five minutes to send.
    for person in [&alice, &vera] {
        let path = format!("/_synapse/admin/v1/users/{}/override_ratelimit", person.user());
        let none = json!({ "messages_per_second": 0, "burst_count": 0 });
        synapse.call("POST", &path, Some(&synapse.admin_token()), &none).expect("no limit");
    }
    let room = synapse.room("ops").encrypted().member(&alice).member(&vera).create();
    let host = lab.host("spark-1");
    let stage = Stage { lab, alice, room, host };
    let bot = stage.bot().operator_as(&vera, "viewer").start();
    stage.ask(&bot, "!ping");

    let often: Vec<EventId> = (0..60).map(|_| vera.says(&stage.room, "!ping")).collect();
    let once = stage.alice.says(&stage.room, "!whoami");
    let reads = stage.room.reads(&stage.alice).within(LIMIT);
    let answer = reads.reply_to(&once, containing("You are @"));

    let timeline = reads.messages();
    let at = |event: &EventId| timeline.iter().position(|m| m.id == *event).expect("it is in the room");
    let to_vera =
        |part: &[Message]| part.iter().filter(|m| m.reply_to.as_ref().is_some_and(|e| often.contains(e))).count();
    let (asked, answered) = (at(&once), at(&answer.id));
    assert!(to_vera(&timeline[..asked]) < 50, "nothing waited any more: {}", reads.transcript());
    // One may be on its way when it is asked, and one more have its turn.
    let between = to_vera(&timeline[asked..answered]);
    assert!(between <= 2, "{between} answers to vera came first: {}", reads.transcript());
    let order: Vec<usize> =
        timeline.iter().filter_map(|m| often.iter().position(|e| m.reply_to.as_ref() == Some(e))).collect();
    assert!(order.is_sorted(), "{order:?}");
}
