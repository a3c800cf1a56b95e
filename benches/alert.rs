//! A container dies: how long until the page is in the room, against two
//! pollers that look at the same containers over SSH and post into the same
//! homeserver.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use opsroom::{
    domain::runtime::docker,
    ports::{Exec, Output, Remote as _, Stdin, Stream},
    ssh::SshRemote,
};
use opsroom_lab::{Host, Lab, Room, Speaker, docker::BASE_IMAGE};

use crate::{
    fleet,
    raw::{Observer, Poll, Sighting, Wire},
    samples::Samples,
    stage,
    table::{Goal, Row},
    usage,
};

const DEATHS: usize = 24;
/// Between two deaths. More than the ten seconds within which a second page
/// would wait for a third; and the golden ratio of the longer poller's period,
/// so that the deaths are spread evenly over both periods.
const APART: Duration = Duration::from_millis(12_360);
const PERIODS: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(20)];
/// Longer than the longest period.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the bot and the pollers watch before anything happens.
const SETTLE: Duration = Duration::from_secs(10);

pub(crate) fn measure(lab: &Lab) -> Vec<Row> {
    let homeserver = lab.homeserver();
    let alice = homeserver.person("alice");
    let [of_bot, of_pollers] = ["alerts", "pollers"].map(|name| homeserver.room(name).member(&alice).create());
    let observer = Observer::of(&alice, &[&of_bot, &of_pollers]);
    let host = lab.host("spark");
    let mortals = Mortals::start(lab);
    // How full this machine's disk is must not ring in between.
    let mut plan = stage::bot(lab, &alice).room(&of_bot).host(&host).config("[watch]\ndisk = 100\n");
    for name in &mortals.names {
        plan = plan.config(&fleet::service(name, &host, name));
    }
    let bot = plan.start();
    let pollers = PERIODS.map(|period| Poller::start(&host, &mortals.names, period, &of_pollers));
    let asked = alice.says(&of_bot, "!status");
    of_bot.reads(&alice).reply_to(&asked, opsroom_lab::containing("nothing needs attention"));
    usage::passes(SETTLE);
    // An answer names services, too.
    while observer.sightings.try_recv().is_ok() {}

    let watchers = [bot.user(), &pollers[0].user, &pollers[1].user];
    let mut told: BTreeMap<(usize, &str), Sighting> = BTreeMap::new();
    let mut listen = |until: Instant, enough: usize| {
        while told.len() < enough {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(seen) = observer.sightings.recv_timeout(left) else { return };
            let Some(watcher) = watchers.iter().position(|user| *user == seen.sender) else { continue };
            // Those that are told together are in one message.
            for name in mortals.names.iter().filter(|name| seen.names(name)) {
                told.entry((watcher, name)).or_insert_with(|| seen.clone());
            }
        }
    };
    let begin = Instant::now();
    for (number, name) in mortals.names.iter().enumerate() {
        let due = begin + APART * u32::try_from(number).expect("a few");
        listen(due, usize::MAX);
        mortals.dies(name);
    }
    listen(Instant::now() + PATIENCE, DEATHS * watchers.len());

    let deaths = mortals.deaths();
    let mut taken = [const { Samples::new() }; 3];
    let mut until_known = Samples::new();
    for name in &mortals.names {
        for (watcher, taken) in taken.iter_mut().enumerate() {
            let seen = &told.get(&(watcher, name)).unwrap_or_else(|| panic!("watcher {watcher} told of {name}"));
            taken.add(seen.seen_ms - deaths[name]);
            if watcher == 0 {
                until_known.add(seen.server_ms - deaths[name]);
            }
        }
    }
    let [ours, five, twenty] = taken;
    vec![
        Row::times("from a container's death to the page in the room", &ours, Some(1_000.0)),
        Row::times("of that, until the homeserver's own time of the page", &until_known, None),
        Row::ratio("from a death to the page, against a poller every 5 s", &ours, &five, Goal::Faster(None)),
        Row::ratio("the same, against a poller every 20 s", &ours, &twenty, Goal::Faster(None)),
    ]
}

/// Containers that die when they are told to, and are not started again.
struct Mortals {
    lab: Lab,
    names: Vec<String>,
    began: String,
}

impl Mortals {
    fn start(lab: &Lab) -> Self {
        let names: Vec<String> = (0..DEATHS).map(|_| lab.unique("mortal")).collect();
        let began = lab.engine().docker(&["info", "-f", "{{.SystemTime}}"]);
        let mortals = Self { lab: lab.clone(), names, began };
        for name in &mortals.names {
            let life = "mkfifo /tmp/end; read x </tmp/end; echo error: told to end; exit 3";
            let run = ["run", "-d", "--network", "none", "--name", name, BASE_IMAGE, "sh", "-c", life];
            lab.engine().docker(&run);
        }
        mortals
    }

    /// No signal: the engine would tell of one, and a death that somebody asked for is no trouble.
    fn dies(&self, name: &str) {
        self.lab.engine().docker(&["exec", "--detach", name, "sh", "-c", "echo now >/tmp/end"]);
    }

    /// When each died, as the engine told it.
    fn deaths(&self) -> BTreeMap<String, f64> {
        let now = self.lab.engine().docker(&["info", "-f", "{{.SystemTime}}"]);
        let format = "{{.TimeNano}} {{.Actor.Attributes.name}}";
        let args = ["events", "--since", &self.began, "--until", &now, "--filter", "event=die", "--format", format];
        let lines = self.lab.engine().docker(&args);
        let death = |line: &str| {
            let (nanoseconds, name) = line.split_once(' ')?;
            Some((name.to_owned(), nanoseconds.parse::<f64>().ok()? / 1e6))
        };
        lines.lines().filter_map(death).collect()
    }
}

impl Drop for Mortals {
    fn drop(&mut self) {
        let names = self.names.iter().map(String::as_str);
        let _ = self.lab.engine().try_docker(&["rm", "-f"].into_iter().chain(names).collect::<Vec<_>>());
    }
}

/// Looks at all containers every so often, by one command on a connection that
/// stays open, and posts what has changed for the worse.
struct Poller {
    user: String,
    _poll: Poll,
}

impl Poller {
    fn start(host: &Host, names: &[String], period: Duration, room: &Room) -> Self {
        let (account, wire) = Wire::new("poller", room.owner(), &[room]);
        let command = docker::inspect(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let (remote, room) = (fleet::remote(host), room.id().to_owned());
        let poll = Poll::start(async move {
            let mut known: BTreeMap<String, (bool, u32)> = BTreeMap::new();
            let mut ticks = tokio::time::interval(period);
            loop {
                ticks.tick().await;
                for (name, now) in look(&remote, &command).await {
                    let (runs, restarts) = now;
                    let worse = |(ran, before): (bool, u32)| (ran && !runs) || restarts > before;
                    if known.insert(name.clone(), now).is_some_and(worse) {
                        wire.say(&room, &format!("{name}-{restarts}"), &format!("{name} is down")).await;
                    }
                }
            }
        });
        Self { user: account.user, _poll: poll }
    }
}

/// Whether each container runs, and how often it was restarted.
async fn look(remote: &SshRemote, command: &str) -> Vec<(String, (bool, u32))> {
    let mut output = Text(Vec::new());
    let exec = Exec { command: command.to_owned(), limit: PATIENCE, stdin: Stdin::Empty };
    remote.exec(exec, &mut output).await.expect("a look");
    let text = String::from_utf8_lossy(&output.0);
    let line = |line: &str| {
        let fields: Vec<&str> = line.split('|').collect();
        let [name, _, status, _, _, restarts, ..] = fields[..] else { return None };
        Some((name.trim_start_matches('/').to_owned(), (status == "running", restarts.parse().ok()?)))
    };
    text.lines().filter_map(line).collect()
}

struct Text(Vec<u8>);

impl Output for Text {
    fn chunk(&mut self, stream: Stream, bytes: &[u8]) {
        if stream == Stream::Stdout {
            self.0.extend_from_slice(bytes);
        }
    }
}
