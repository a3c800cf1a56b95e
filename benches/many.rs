//! One bot for 500 hosts of 20 services: what it costs while nothing happens,
//! and how fast it still is when something does.
//!
//! The hosts are simulated, so what a look takes there is not in it, nor is a
//! network: what is measured is the bot.

use std::{fs, time::Duration};

use opsroom_lab::{Lab, wait_until};

use crate::{idle, machine::field, raw::Observer, samples::Samples, simulated::Hosts, stage, table::Row};

const HOSTS: usize = 500;
const SERVICES: usize = 20;
/// Two looks at every host, by default.
const SETTLE: Duration = Duration::from_secs(60);
/// How long the processor time is counted: two more.
const WATCH: Duration = Duration::from_secs(60);
const DEATHS: usize = 16;
/// Between a page and the next death: after ten seconds a page waits for no other.
const APART: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(120);
const MOST_MIB: f64 = 300.0;
const MOST_PERCENT: f64 = 10.0;

pub(crate) fn measure(lab: &Lab) -> Vec<Row> {
    let homeserver = lab.homeserver();
    let alice = homeserver.person("alice");
    let room = homeserver.room("fleet").member(&alice).create();
    let observer = Observer::of(&alice, &[&room]);
    let hosts = Hosts::start(lab, HOSTS, SERVICES);
    let bot = stage::bot(lab, &alice).room(&room).config(hosts.config()).start();
    wait_until(PATIENCE, "all hosts to be listened to", || (hosts.listened_to() == HOSTS).then_some(()));
    // Of one service: an answer about all of them is more than an event holds.
    let asked = alice.says(&room, "!status s7-3");
    let reads = room.reads(&alice).within(PATIENCE);
    reads.reply_to(&asked, opsroom_lab::containing("s7-3"));

    idle::passes(SETTLE);
    let before = idle::ticks(&bot);
    idle::passes(WATCH);
    let used = (idle::ticks(&bot) - before) as f64 / idle::TICKS_A_SECOND;
    let percent = used / WATCH.as_secs_f64() * 100.0;
    let [rss, pss, private] = idle::memory(&bot);
    let status = fs::read_to_string(format!("/proc/{}/status", bot.pid())).expect("the bot runs");
    let peak = field(&status, "VmHWM").and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0;

    while observer.sightings.try_recv().is_ok() {}
    let mut taken = Samples::new();
    for number in 0..DEATHS {
        // Hosts that have nothing to do with each other.
        let (died, service) = hosts.death((number * 197 + 11) % HOSTS, number % SERVICES);
        let page = loop {
            let seen = observer.sightings.recv_timeout(PATIENCE).expect("a page in time");
            if seen.names(&service) {
                break seen;
            }
        };
        taken.add(page.seen_ms - died.as_nanosecond() as f64 / 1e6);
        idle::passes(APART);
    }
    let what = format!("{HOSTS} simulated hosts × {SERVICES} services");
    vec![
        Row::number(
            &format!("{what}: resident memory"),
            format!("{rss:.1} MiB RSS ({pss:.1} PSS, {private:.1} private, {peak:.1} at its peak)"),
            Some((format!("< {MOST_MIB} MiB"), rss < MOST_MIB)),
        ),
        Row::number(
            &format!("{what}: processor time, idle"),
            format!("{percent:.1} % of a core"),
            Some((format!("< {MOST_PERCENT} %"), percent < MOST_PERCENT)),
        ),
        Row::times(&format!("{what}: from a death to the page in the room"), &taken, Some(1_000.0)),
    ]
}
