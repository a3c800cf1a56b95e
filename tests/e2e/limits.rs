//! A homeserver that limits the bot as Synapse does by default: ten messages at once, then one in five seconds.

use opsroom_lab::{EventId, Lab, Message, message::reply_to};

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
        reads().reply_to(event, opsroom_lab::containing("pong"));
    }
    reads().reply_to(&restarted, opsroom_lab::containing("✅ bridge restarted"));
    assert_ne!(bridge.inspect("{{.State.StartedAt}}"), before);

    // What comes after the limit is over shows that nothing else was still to come.
    stage.ask(&bot, "!ping");
    let said = reads().messages_from(&bot);
    let answers = |event: &EventId| -> Vec<&Message> { said.iter().filter(|m| reply_to(event).holds(m)).collect() };
    for event in &asked {
        assert_eq!(answers(event).len(), 1, "{}", reads().transcript());
    }
    let order: Vec<&EventId> = said.iter().filter_map(|m| m.reply_to.as_ref()).filter(|e| asked.contains(e)).collect();
    assert_eq!(order, asked.iter().collect::<Vec<_>>(), "{}", reads().transcript());
    let results = answers(&restarted).iter().filter(|m| m.text().contains("✅ bridge restarted")).count();
    assert_eq!(results, 1, "{}", reads().transcript());
    let (first, last) = (said.first().expect("it spoke").sent_ms, said.last().expect("it spoke").sent_ms);
    assert!(last - first >= 10_000, "the limit was never met: {} ms\n{}", last - first, reads().transcript());
}
