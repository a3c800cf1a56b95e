//! What a bot costs that watches and is asked nothing: memory and processor
//! time, with 10 hosts of 20 services each.

use std::{
    fs,
    time::{Duration, Instant},
};

use opsroom_lab::{Bot, Lab, wait_until};

use crate::{fleet, fleet::Sleepers, machine::field, stage, table::Row};

const HOSTS: u16 = 10;
const SERVICES: usize = 20;
/// Two of the watch's own looks at every host, by default.
const SETTLE: Duration = Duration::from_secs(60);
/// How long the processor time is counted: two more.
const WATCH: Duration = Duration::from_secs(60);
const MOST_MIB: f64 = 60.0;

pub(crate) fn measure(lab: &Lab) -> Vec<Row> {
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let hosts = lab.hosts_on_one_machine(HOSTS);
    let sleepers = Sleepers::start(lab, SERVICES);
    let mut plan = stage::bot(lab, &alice).room(&room);
    for (place, host) in hosts.iter().enumerate() {
        plan = plan.host(host);
        for (number, container) in sleepers.names.iter().enumerate() {
            plan = plan.config(&fleet::service(&format!("s{place}-{number}"), host, container));
        }
    }
    let bot = plan.start();
    let asked = alice.says(&room, "!status");
    room.reads(&alice).reply_to(&asked, opsroom_lab::containing("nothing needs attention"));
    passes(SETTLE);
    let before = ticks(&bot);
    passes(WATCH);
    let used = (ticks(&bot) - before) as f64 / TICKS_A_SECOND;
    let [rss, pss, private] = memory(&bot);
    let what = format!("idle, {HOSTS} hosts × {SERVICES} services");
    vec![
        Row::number(
            &format!("{what}: resident memory"),
            format!("{rss:.1} MiB RSS ({pss:.1} PSS, {private:.1} private)"),
            Some((format!("< {MOST_MIB} MiB"), rss < MOST_MIB)),
        ),
        Row::number(
            &format!("{what}: processor time"),
            format!("{:.2} % of a core", used / WATCH.as_secs_f64() * 100.0),
            None,
        ),
    ]
}

/// Nothing is to happen for a while: that is what is measured.
pub(crate) fn passes(time: Duration) {
    let since = Instant::now();
    wait_until(time * 2, "time to pass", || (since.elapsed() >= time).then_some(()));
}

/// RSS, PSS and what belongs to this process alone, in MiB.
pub(crate) fn memory(bot: &Bot) -> [f64; 3] {
    let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", bot.pid())).expect("the bot runs");
    let mib = |name: &str| field(&rollup, name).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0;
    [mib("Rss"), mib("Pss"), mib("Private_Clean") + mib("Private_Dirty")]
}

/// `USER_HZ` of proc(5): 100 on every architecture that Debian runs on.
pub(crate) const TICKS_A_SECOND: f64 = 100.0;

/// Processor time used, user and system.
pub(crate) fn ticks(bot: &Bot) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", bot.pid())).expect("the bot runs");
    let fields: Vec<&str> = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ').collect();
    // Fields 14 and 15 of the whole line; the first two are cut off.
    fields[11..13].iter().filter_map(|field| field.parse::<u64>().ok()).sum()
}
