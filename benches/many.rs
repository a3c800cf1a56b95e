//! One bot for 500 hosts of 20 services: what it costs while nothing happens,
//! and how fast it still is when somebody asks and when something does. Beside
//! one whose services are containers are one of projects, one of the projects'
//! containers as services of their own, and one of every runtime.
//!
//! The hosts are simulated, so what a look takes there is not in it, nor is a
//! network: what is measured is the bot.

use std::time::Duration;

use opsroom_lab::{Bot, Lab, Room, wait_until};

use crate::{
    raw::Observer,
    samples::Samples,
    simulated::{Hosts, Kind, MEMBERS, Plan},
    stage,
    table::{Goal, Row},
    usage::{Processor, memory, passes, peak},
};

const HOSTS: usize = 500;
const SERVICES: usize = 20;
/// Two looks at every host, by default.
const SETTLE: Duration = Duration::from_secs(60);
/// How long the processor time is counted: two more.
const WATCH: Duration = Duration::from_secs(60);
const ROUNDS: usize = 12;
const WARM_UP: usize = 2;
const DEATHS: usize = 16;
/// Between a page and the next death: after ten seconds a page waits for no other.
const APART: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(180);
const MOST_MIB: f64 = 300.0;
const MOST_PERCENT: f64 = 10.0;

/// A bot and its hosts.
struct Fleet {
    what: String,
    services: usize,
    hosts: Hosts,
    room: Room,
    bot: Bot,
    percent: f64,
    memory: [f64; 3],
    one: Samples,
    all: Samples,
    pages: Samples,
}

pub(crate) fn measure(lab: &Lab) -> Vec<Row> {
    let alice = lab.homeserver().person("alice");
    let start = |what: &str, services: usize, kinds: &'static [Kind]| {
        let room = lab.homeserver().room("fleet").member(&alice).create();
        let hosts = Hosts::start(lab, Plan { hosts: HOSTS, services, kinds });
        let bot = stage::bot(lab, &alice).room(&room).config(hosts.config()).prepare();
        bot.launch();
        wait_until(PATIENCE, "all hosts to be listened to", || hosts.are_listened_to().then_some(()));
        bot.wait_until_ready();
        let what = format!("{HOSTS} simulated hosts × {services} {what}");
        let (percent, memory, [one, all, pages]) = (0.0, [0.0; 3], [const { Samples::new() }; 3]);
        Fleet { what, services, hosts, room, bot, percent, memory, one, all, pages }
    };
    // Each begins alone. Then they do the same things in turns or at once.
    let mut fleets = [
        start("services", SERVICES, &[Kind::Container]),
        start(&format!("projects of {MEMBERS} containers"), SERVICES, &[Kind::Project]),
        start("services, as many containers", SERVICES * MEMBERS, &[Kind::Container]),
        start(
            "services of all runtimes, a quarter projects",
            SERVICES,
            &[Kind::Container, Kind::Project, Kind::Unit, Kind::Podman],
        ),
    ];
    let observer = Observer::of(&alice, &fleets.each_ref().map(|fleet| &fleet.room));

    passes(SETTLE);
    let used = {
        let processors = fleets.each_ref().map(|fleet| Processor::of(&fleet.bot));
        passes(WATCH);
        processors.map(|processor| processor.percent())
    };
    for (fleet, percent) in fleets.iter_mut().zip(used) {
        (fleet.percent, fleet.memory) = (percent, memory(&fleet.bot));
    }
    for round in 0..WARM_UP + ROUNDS {
        for fleet in &mut fleets {
            let one = stage::status(&fleet.room, &fleet.bot, &observer, "!status s7-3");
            let all = stage::status(&fleet.room, &fleet.bot, &observer, "!status");
            if round >= WARM_UP {
                fleet.one.add(one);
                fleet.all.add(all);
            }
        }
    }
    for number in 0..DEATHS {
        for fleet in &mut fleets {
            fleet.pages(number, &observer);
        }
        passes(APART);
    }
    rows(&fleets)
}

impl Fleet {
    /// One of its services ends, and the page is waited for.
    fn pages(&mut self, number: usize, observer: &Observer) {
        while observer.sightings.try_recv().is_ok() {}
        // Hosts that have nothing to do with each other.
        let (died, service) = self.hosts.death((number * 197 + 11) % HOSTS, number % self.services);
        let page = loop {
            let seen = observer.sightings.recv_timeout(PATIENCE).expect("a page in time");
            if seen.names(&service) {
                break seen;
            }
        };
        self.pages.add(page.seen_ms - died.as_nanosecond() as f64 / 1e6);
    }
}

fn rows(fleets: &[Fleet; 4]) -> Vec<Row> {
    let [first, projects, ..] = fleets;
    let mut rows = Vec::new();
    for fleet in fleets {
        let is = |other: &Fleet| std::ptr::eq(fleet, other);
        let [rss, pss, private] = fleet.memory;
        let what = &fleet.what;
        // A project may cost what the number of its containers explains. How near it is to as many services of their own is
        // to be read; it is no goal, as what comes out alike would meet it by chance.
        let goal = |ours: f64, theirs: f64, most: f64, unit: &str| {
            let own = is(first).then(|| (format!("< {most} {unit}"), ours < most));
            own.or(is(projects).then(|| (format!("≤ {MEMBERS}× the first"), ours <= theirs * MEMBERS as f64)))
        };
        let beside = |ours: f64, theirs: f64| {
            if is(first) { String::new() } else { format!(", {:.2}× the first", ours / theirs) }
        };
        rows.push(Row::number(
            &format!("{what}: resident memory"),
            format!(
                "{rss:.1} MiB RSS ({pss:.1} PSS, {private:.1} private, {:.1} at its peak){}",
                peak(&fleet.bot),
                beside(rss, first.memory[0])
            ),
            goal(rss, first.memory[0], MOST_MIB, "MiB"),
        ));
        rows.push(Row::number(
            &format!("{what}: processor time, idle"),
            format!("{:.1} % of a core{}", fleet.percent, beside(fleet.percent, first.percent)),
            goal(fleet.percent, first.percent, MOST_PERCENT, "%"),
        ));
        if !is(first) {
            rows.push(Row::ratio(&format!("{what}: `!status` of one"), &fleet.one, &first.one, Goal::None));
            rows.push(Row::ratio(&format!("{what}: `!status` of all"), &fleet.all, &first.all, Goal::None));
        }
        rows.push(Row::times(&format!("{what}: from a death to the page in the room"), &fleet.pages, Some(1_000.0)));
    }
    rows
}
