//! Command → reply, through the whole of opsroom (sync, decryption, inbox,
//! dispatcher, ledger, queue, encryption), against a bot that is nothing but a
//! long-poll in plain HTTP, on the same homeserver.

use opsroom_lab::{Lab, Room, Speaker};

use crate::{
    raw::{Observer, RawBot},
    samples::Samples,
    stage,
    table::{Goal, Row},
};

const ROUNDS: usize = 120;
const WARM_UP: usize = 10;

pub(crate) fn measure(lab: &Lab) -> Vec<Row> {
    let homeserver = lab.homeserver();
    let alice = homeserver.person("alice");
    let room = |name: &str| homeserver.room(name).member(&alice);
    let (raw_room, plain) = (room("raw").create(), room("plain").create());
    let [encrypted, alone] = ["encrypted", "alone"].map(|name| room(name).encrypted().create());
    let observer = Observer::of(&alice, &[&raw_room, &plain, &encrypted, &alone]);
    let raw = RawBot::start(&raw_room);
    let of_two = stage::bot(lab, &alice).room(&plain).room(&encrypted).start();
    let of_one = stage::bot(lab, &alice).room(&alone).start();

    let sides: [(&Room, &dyn Speaker); 4] =
        [(&raw_room, &raw), (&plain, &of_two), (&encrypted, &of_two), (&alone, &of_one)];
    let mut taken = [const { Samples::new() }; 4];
    let mut parts = [const { Samples::new() }; 4];
    for round in 0..WARM_UP + ROUNDS {
        for (side, (room, bot)) in sides.iter().enumerate() {
            let answer = stage::answer(room, *bot, &observer, "!ping", |_| true);
            if round >= WARM_UP {
                taken[side].add(answer.taken);
                parts[side].add(answer.bots_part);
            }
        }
    }
    let named = [
        "reply in a plain room, against a raw long-poll bot",
        "reply in an encrypted room, against the same",
        "reply in an encrypted room that is the bot's only one",
    ];
    let rows = named.iter().zip(1..).flat_map(|(what, side)| {
        [
            Row::ratio(what, &taken[side], &taken[0], Goal::AtMost(1.15)),
            Row::ratio("of that, the bot's own part", &parts[side], &parts[0], Goal::None),
        ]
    });
    rows.collect()
}
