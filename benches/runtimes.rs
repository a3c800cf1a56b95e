//! What each runtime costs on one host: a look at twenty of it, and a bot that
//! watches them and is asked nothing.

use std::time::Duration;

use jiff::Timestamp;
use opsroom::{
    config::{self, Depth},
    domain::{inventory::Service, observation::State, runtime::snapshot},
    ports::{Exec, Output, Remote as _, Stdin, Stream},
    ssh::SshRemote,
};
use opsroom_lab::{Bot, Lab};

use crate::{
    fleet::{self, OpenSsh},
    machines::Machine,
    samples::Samples,
    stage,
    table::{Goal, Row},
    usage::{Processor, memory, passes},
};

const SERVICES: usize = 20;
const ROUNDS: usize = 30;
const WARM_UP: usize = 3;
/// Looks over which what a host spends on one is averaged.
const COUNTED: usize = 10;
/// Two of the watch's own looks, by default.
const SETTLE: Duration = Duration::from_secs(60);
/// Four more: the kernel tells processor time in hundredths of a second.
const WATCH: Duration = Duration::from_secs(120);
/// The shortest there is.
const QUICK: &str = "1s";
const QUICK_WATCH: Duration = Duration::from_secs(60);

pub(crate) fn measure(lab: &Lab) -> Vec<Row> {
    let machines = Machine::all(lab, SERVICES);
    let alice = lab.homeserver().person("alice");
    let plan = || {
        let room = lab.homeserver().room("runtime").member(&alice).create();
        stage::bot(lab, &alice).room(&room)
    };
    let watching: Vec<Bot> = machines.iter().map(|m| plan().host(&m.host).config(&m.config).prepare()).collect();
    let nothing = plan().prepare();
    let all: Vec<&Bot> = watching.iter().chain([&nothing]).collect();

    let looks: Vec<Look> = watching.iter().map(Look::of).collect();
    let (mut rows, on_hosts) = alone(lab, &machines, &looks);

    all.iter().for_each(|bot| bot.launch());
    all.iter().for_each(|bot| bot.wait_until_ready());
    passes(SETTLE);
    let idle = Costs::over(WATCH, &all, &machines);
    let memories: Vec<[f64; 3]> = all.iter().map(|bot| memory(bot)).collect();
    for bot in &watching {
        bot.stop();
        bot.change_config(|text| text.replacen("[watch]\n", &format!("[watch]\nsnapshot_every = {QUICK:?}\n"), 1));
        bot.start_again();
    }
    passes(SETTLE / 4);
    let quick = Costs::over(QUICK_WATCH, &all, &machines);

    for (place, (machine, on_host)) in machines.iter().zip(on_hosts).enumerate() {
        // What the bot does beside looking it does without hosts, too.
        let looked = quick.processor[place] - quick.processor[machines.len()];
        let each = looked / quick.commands[place] as f64 * 1_000.0;
        let result = format!("{each:.1} ms of the bot's processor time; {on_host}");
        rows.push(Row::number(&format!("that look at {}", machine.what), result, None));
    }
    let minutes = WATCH.as_secs_f64() / 60.0;
    for (place, [rss, pss, _]) in memories.into_iter().enumerate() {
        let machine = machines.get(place);
        let there = machine.map_or(String::new(), |_| {
            let (execs, bytes) =
                (idle.commands[place] as f64 / minutes, idle.traffic[place] as f64 / minutes / 1_000.0);
            format!("; {execs:.1} execs and {bytes:.1} kB on the wire a minute")
        });
        let processor = idle.processor[place] / minutes;
        rows.push(Row::number(
            &format!("idle, watching {}", machine.map_or("no host at all", |machine| &machine.what)),
            format!("{processor:.3} s of processor time a minute, {rss:.1} MiB RSS ({pss:.1} PSS){there}"),
            None,
        ));
    }
    rows
}

/// What was spent in a while: by each bot seconds of processor time, on each machine commands and bytes.
struct Costs {
    processor: Vec<f64>,
    commands: Vec<usize>,
    traffic: Vec<u64>,
}

impl Costs {
    fn over(time: Duration, bots: &[&Bot], machines: &[Machine]) -> Self {
        let so_far = || -> (Vec<usize>, Vec<u64>) { machines.iter().map(|m| (m.commands(), m.traffic())).unzip() };
        let (commands, traffic) = so_far();
        let processors: Vec<_> = bots.iter().map(|bot| Processor::of(bot)).collect();
        passes(time);
        let processor = processors.iter().map(Processor::used).collect();
        let (more_commands, more_traffic) = so_far();
        Self {
            processor,
            commands: more_commands.into_iter().zip(commands).map(|(after, before)| after - before).collect(),
            traffic: more_traffic.into_iter().zip(traffic).map(|(after, before)| after - before).collect(),
        }
    }
}

/// Looks at machines at which no bot looks yet: how long one takes beside what any command does, and what it
/// takes there.
fn alone(lab: &Lab, machines: &[Machine], looks: &[Look]) -> (Vec<Row>, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let ways: Vec<_> = machines.iter().map(|machine| OpenSsh::to(lab, std::slice::from_ref(&machine.host))).collect();
    let _masters: Vec<_> = ways.iter().zip(machines).map(|(way, machine)| way.master(&machine.host)).collect();
    let remotes: Vec<SshRemote> = machines.iter().map(|machine| fleet::remote(&machine.host)).collect();
    let commands = || -> Vec<usize> { machines.iter().map(Machine::commands).collect() };
    let before = commands();
    let mut taken: Vec<[Samples; 2]> = machines.iter().map(|_| [const { Samples::new() }; 2]).collect();
    let mut answered = vec![0; machines.len()];
    for round in 0..WARM_UP + ROUNDS {
        for (place, machine) in machines.iter().enumerate() {
            if round == WARM_UP {
                taken[place] = [const { Samples::new() }; 2];
            }
            let [ours, theirs] = &mut taken[place];
            answered[place] = ours.time(|| runtime.block_on(looks[place].taken_over(&remotes[place])));
            theirs.time(|| ways[place].run(&machine.host, "true"));
        }
    }
    let after = commands();
    let row = |(machine, [ours, theirs]): (&Machine, &[Samples; 2])| {
        let what = format!("a look at {}, against a warm `ssh host true`", machine.what);
        Row::ratio(&what, ours, theirs, Goal::None)
    };
    let rows = machines.iter().zip(&taken).map(row).collect();
    let on_host = |place: usize| {
        let command = &looks[place].command;
        let (tasks, seconds) = machines[place].takes(command, COUNTED);
        let execs = (after[place] - before[place]) as f64 / (WARM_UP + ROUNDS) as f64 - 1.0;
        format!(
            "{} bytes asked, {} answered; {execs:.0} exec, {tasks:.0} processes and threads and {:.0} ms of processor time there",
            command.len(),
            answered[place],
            seconds * 1_000.0,
        )
    };
    (rows, (0..machines.len()).map(on_host).collect())
}

/// The look that a bot takes at its host.
struct Look {
    command: String,
    services: Vec<Service>,
}

impl Look {
    fn of(bot: &Bot) -> Self {
        let settings = config::load(&bot.config_path(), Depth::Text).expect("the bot's configuration");
        let services = settings.inventory.services.clone();
        Self { command: snapshot::command(&services), services }
    }

    /// Takes and reads it: all is well. Gives how many bytes were answered.
    async fn taken_over(&self, remote: &SshRemote) -> usize {
        let exec = Exec { command: self.command.clone(), limit: Duration::from_secs(60), stdin: Stdin::Empty };
        let mut printed = Printed(Vec::new());
        remote.exec(exec, &mut printed).await.expect("an answer");
        let text = String::from_utf8_lossy(&printed.0);
        let (_, seen) = snapshot::read(&text, &self.services, Timestamp::now());
        let seen = seen.expect("the runtime answers");
        assert!(seen.iter().all(|one| one.state == State::Running), "{text}");
        printed.0.len()
    }
}

/// All that a command printed.
struct Printed(Vec<u8>);

impl Output for Printed {
    fn chunk(&mut self, _: Stream, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}
