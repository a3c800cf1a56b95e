//! What a bot takes of the machine it runs on.

use std::{
    fs,
    time::{Duration, Instant},
};

use opsroom_lab::{Bot, wait_until};

use crate::machine::field;

/// `USER_HZ` of proc(5): 100 on every architecture that Debian runs on.
const TICKS_A_SECOND: f64 = 100.0;

/// Nothing is to happen for a while: that is what is measured.
pub(crate) fn passes(time: Duration) {
    let since = Instant::now();
    wait_until(time * 2, "time to pass", || (since.elapsed() >= time).then_some(()));
}

/// RSS, PSS and what belongs to this process alone, in MiB.
pub(crate) fn memory(bot: &Bot) -> [f64; 3] {
    let rollup = read(bot, "smaps_rollup");
    [mib(&rollup, "Rss"), mib(&rollup, "Pss"), mib(&rollup, "Private_Clean") + mib(&rollup, "Private_Dirty")]
}

/// The most it had resident, in MiB.
pub(crate) fn peak(bot: &Bot) -> f64 {
    mib(&read(bot, "status"), "VmHWM")
}

/// Its processor time, from a moment on.
pub(crate) struct Processor<'a> {
    bot: &'a Bot,
    before: u64,
    since: Instant,
}

impl<'a> Processor<'a> {
    pub(crate) fn of(bot: &'a Bot) -> Self {
        Self { bot, before: ticks(bot), since: Instant::now() }
    }

    /// Seconds, user and system.
    pub(crate) fn used(&self) -> f64 {
        (ticks(self.bot) - self.before) as f64 / TICKS_A_SECOND
    }

    /// Of one core.
    pub(crate) fn percent(&self) -> f64 {
        self.used() / self.since.elapsed().as_secs_f64() * 100.0
    }
}

fn ticks(bot: &Bot) -> u64 {
    let stat = read(bot, "stat");
    let fields: Vec<&str> = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ').collect();
    // Fields 14 and 15 of the whole line; the first two are cut off.
    fields[11..13].iter().filter_map(|field| field.parse::<u64>().ok()).sum()
}

fn mib(text: &str, name: &str) -> f64 {
    field(text, name).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn read(bot: &Bot, file: &str) -> String {
    fs::read_to_string(format!("/proc/{}/{file}", bot.pid())).expect("the bot runs")
}
