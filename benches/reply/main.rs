//! Command → reply, against a raw HTTP long-poll bot on the same homeserver, in
//! turns within one run. Not a test of speed: it fails only when an answer does
//! not come. `make bench` runs it.
//!
//! The clock starts with the homeserver's time of the command (both commands
//! are sent by the same client, whose own work is not counted) and ends when
//! the answer shows in the long-poll of an observer in the same process.

#[expect(dead_code, reason = "the tests' harness; they use more of it")]
#[path = "../../tests/matrix/bot.rs"]
mod bot;
#[expect(dead_code, reason = "the tests' harness; they use more of it")]
#[path = "../../tests/matrix/inbox.rs"]
mod inbox;
mod raw;

use std::{sync::mpsc, time::Duration};

use bot::Bot;
use opsroom::{
    domain::message::{Body, MessageClass},
    ports::{Chat, Content, Delivery},
};
use opsroom_lab::{Lab, Person, Room, Speaker};
use raw::{Observer, RawBot};
use tokio::{sync::mpsc::unbounded_channel, task::JoinSet};

const ROUNDS: usize = 60;
const WARM_UP: usize = 8;

#[expect(clippy::print_stdout, reason = "numbers to look at are all it is for")]
fn main() {
    let lab = Lab::connect();
    let server = lab.own_homeserver().start();
    let alice = server.person("alice");
    let token = alice.token().to_owned();
    let (observed, sightings) = mpsc::channel();
    let _observer = Observer::start(server.url(), &token, observed);

    let raw_room = server.room("raw").member(&alice).create();
    let raw = RawBot::start(&server, &alice, &raw_room);
    let mut lines = Vec::new();
    let mut bots = Vec::new();
    let mut echoes = JoinSet::new();
    for (name, encrypted) in [("plain", false), ("encrypted", true)] {
        let room = server.room(name).member(&alice);
        let room = if encrypted { room.encrypted() } else { room }.create();
        let bot = Bot::new(&server).room(&room).operator(&alice).start();
        echo(&bot, &mut echoes);
        alice.waits_for_member(&room, &bot);
        bots.push((name, room, bot));
    }
    let mut times = vec![Vec::new(); 1 + bots.len()];
    for round in 0..ROUNDS + WARM_UP {
        let mut taken = vec![time(&alice, &raw_room, &raw.user, &sightings)];
        for (_, room, bot) in &bots {
            taken.push(time(&alice, room, bot.user(), &sightings));
        }
        if round >= WARM_UP {
            for (all, one) in times.iter_mut().zip(taken) {
                all.push(one);
            }
        }
    }
    let names = ["raw HTTP", "opsroom, plain", "opsroom, encrypted"];
    let base = median(&mut times[0]);
    for (name, times) in names.iter().zip(&mut times) {
        let p50 = median(times);
        let p95 = times[times.len() * 95 / 100];
        lines.push(format!("{name:20} p50 {p50:6.1} ms   p95 {p95:6.1} ms   {:.2}×", p50 / base));
    }
    println!("{}", lines.join("\n"));
}

/// Answers everything at once, as the engine would.
fn echo(bot: &Bot, tasks: &mut JoinSet<()>) {
    let (news, mut messages) = unbounded_channel();
    *bot.inbox.news.lock().expect("nobody panics with it") = Some(news);
    let (chat, runtime) = bot.chat();
    let answer = async move {
        while let Some(message) = messages.recv().await {
            let content = Content::Message {
                class: MessageClass::Answer,
                body: Body::from_markdown("pong"),
                reply_to: Some(message.event.clone()),
                mentions: vec![],
            };
            let delivery = Delivery { transaction: message.event.to_string(), room: message.room, content };
            chat.deliver(&delivery).await.expect("an answer");
        }
    };
    tasks.spawn_on(answer, &runtime);
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Says `!ping`, and the milliseconds to the bot's answer.
fn time(alice: &Person, room: &Room, bot: &str, sightings: &mpsc::Receiver<raw::Sighting>) -> f64 {
    let command = alice.says(room, "!ping").0;
    let (mut began, mut ended) = (None, None);
    while began.is_none() || ended.is_none() {
        let seen = sightings.recv_timeout(Duration::from_secs(20)).expect("an answer in time");
        if seen.event == command {
            began = Some(seen.server_ms);
        } else if seen.room == room.id() && seen.sender == bot {
            ended = Some(seen.seen_ms);
        }
    }
    ended.expect("just seen") - began.expect("just seen")
}
