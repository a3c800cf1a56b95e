//! The dispatcher as a conversation: messages and reports in, sentences out.

mod dashboard;
mod discovery;
mod hosts;
mod incidents;
mod watching;

use std::{collections::BTreeMap, time::Duration};

use jiff::SignedDuration;

use super::*;
use crate::{
    domain::{
        inbound::{Arrival, Inbound, Protection},
        inventory::{Host, Service},
        names::{Branch, ContainerName, EventId, HostName, RemoteDir, RoomId, ServiceName, UserId},
        observation::{HostFacts, HostReport, SnapshotError},
        operation::{Operation, OperationId},
        origin::Actor,
        outgoing::{MessageKey, Outgoing, What},
        output::{CommandOutput, Exit},
        progress::{Phase, Reader},
        record::{End, Record},
        rights::Rights,
        role::Role,
        runtime::{self, EventKind, RuntimeEvent, Workload, snapshot},
        subject::Subject,
        watch::Saved,
    },
    engine::{
        event::{CancelResult, JobNews, JobState, Replay, Ticket},
        host_request::HostRequest,
    },
    ports::{Entry, Watching},
};

const ALICE: &str = "@alice:example.org";
const VERA: &str = "@vera:example.org";
const MALLORY: &str = "@mallory:example.org";

/// Whose question nobody waits for.
const NOBODY: Ticket = Ticket { asker: Asker::Watcher, number: 0 };

/// Three services on two hosts, and two people.
fn inventory() -> Inventory {
    let service = |name: &str, host: &str, dir: Option<&str>| Service {
        dir: dir.map(|d| RemoteDir::parse(d).unwrap()),
        branch: Branch::parse("master").unwrap(),
        ..Service::new(
            ServiceName::parse(name).unwrap(),
            HostName::parse(host).unwrap(),
            Workload::Docker(ContainerName::parse(name).unwrap()),
        )
    };
    let host = |name: &str| Host { name: HostName::parse(name).unwrap(), any_of: vec![], discover: None };
    let user = |id: &str| UserId::parse(id).unwrap();
    Inventory {
        services: vec![
            service("bridge", "spark-1", Some("/srv/bridge")),
            service("kokoro", "spark-1", None),
            service("parakeet", "spark-2", None),
        ],
        hosts: vec![host("spark-1"), host("spark-2")],
        operators: [(user(ALICE), Role::Operator), (user(VERA), Role::Viewer)].into(),
        ..Inventory::default()
    }
}

struct Room {
    dispatcher: Dispatcher,
    now: Timestamp,
    sent: u32,
    effects: Vec<Effect>,
    /// Whether messages are copies.
    replay: Replay,
    /// What was kept of each service.
    checkpoints: BTreeMap<ServiceName, Saved>,
}

impl Room {
    fn new() -> Self {
        Self::of_process(1, None)
    }

    /// The first process, or a later one: one before it was known to live until
    /// then.
    fn of_process(start: u64, lived: Option<Timestamp>) -> Self {
        Self::of(inventory(), start, lived)
    }

    fn of(inventory: Inventory, start: u64, lived: Option<Timestamp>) -> Self {
        let me = Me { user: UserId::parse("@opsroom:example.org").unwrap(), display_name: None };
        let identity = Identity { instance: "abc".into(), secret: "s".into(), next_operation: 7, start, lived };
        let mut room = Self {
            dispatcher: Dispatcher::new(Arc::new(inventory), me, identity),
            now: Timestamp::from_second(1_800_000_000).unwrap(),
            sent: 0,
            effects: vec![],
            replay: Replay::New,
            checkpoints: BTreeMap::new(),
        };
        room.happens(Event::RoomReady(RoomId::parse("!ops").unwrap()));
        room
    }

    fn message(&mut self, sender: &str, body: &str) -> Inbound {
        self.sent += 1;
        Inbound {
            event: EventId::parse(&format!("${}", self.sent)).unwrap(),
            room: RoomId::parse("!ops").unwrap(),
            sender: UserId::parse(sender).unwrap(),
            sent_at: self.now,
            body: body.into(),
            reply_to: None,
            reaction: false,
            mentions_bot: false,
            protection: Protection::Encrypted,
            arrival: Arrival::Live,
        }
    }

    fn says(&mut self, sender: &str, body: &str) -> String {
        let message = self.message(sender, body);
        self.happens(Event::Message(message))
    }

    /// Feeds an event and returns what is said because of it.
    fn happens(&mut self, event: Event) -> String {
        self.effects = self.dispatcher.handle(event, self.now);
        if let [Effect::CheckReplay { ticket, .. }] = self.effects[..] {
            let answer = Answer::Replay(self.replay.clone());
            self.effects = self.dispatcher.handle(Event::Answer { ticket, answer }, self.now);
        }
        for effect in &self.effects {
            if let Effect::Record(Entry::Checkpoint { service, checkpoint }) = effect {
                self.checkpoints.insert(service.clone(), (**checkpoint).clone());
            }
        }
        said(&self.effects)
    }

    fn later(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    fn ticket(&self) -> Ticket {
        let ticket = self.effects.iter().find_map(|effect| match effect {
            Effect::Host { request: HostRequest::Snapshot { ticket } | HostRequest::Read { ticket, .. }, .. } => {
                Some(*ticket)
            }
            _ => None,
        });
        ticket.expect("a host is asked")
    }

    fn reports(&mut self, ticket: Ticket, host: &str, output: &str) -> String {
        let host = HostName::parse(host).unwrap();
        let services: Vec<Service> = self.dispatcher.inventory.on_host(&host).cloned().collect();
        let (_, seen) = snapshot::read(&format!("::opsroom-as Docker \n{output}"), &services, self.now);
        let report = HostReport { host, began: self.now, at: self.now, facts: HostFacts::default(), seen };
        self.happens(Event::Snapshot { ticket: Some(ticket), report })
    }

    /// A command that was asked for ran, or could not.
    fn reads(&mut self, ticket: Ticket, output: Result<(u32, &str), &str>) -> String {
        let output = output
            .map(|(code, text)| CommandOutput { exit: Exit::Code(code), text: text.to_owned(), truncated: false })
            .map_err(str::to_owned);
        self.happens(Event::Answer { ticket, answer: Answer::Output(output) })
    }

    /// The change that was begun.
    fn begun(&self) -> Operation {
        let begun = self.effects.iter().find_map(|effect| match effect {
            Effect::Record(Entry::Began(operation)) => Some((**operation).clone()),
            _ => None,
        });
        begun.expect("a change begins")
    }

    fn up(&self, name: &str, hours: i64) -> String {
        let since = self.now - SignedDuration::from_hours(hours);
        format!("/{name}|id-{name}|running|{since}|0001-01-01T00:00:00Z|0|0|false|\n")
    }

    fn container(&mut self, name: &str, kind: EventKind) -> String {
        let event = RuntimeEvent { id: "x".into(), name: name.to_owned(), of: None, at: self.now, kind };
        self.happens(Event::Runtime { login: None, host: HostName::parse("spark-1").unwrap(), event })
    }

    fn job(&mut self, log: &str, exit: Option<u32>) -> String {
        let nonce = self.dispatcher.ids.nonce(OperationId(7));
        let mut reader = Reader::new(&nonce);
        reader.feed(log.replace("::", &format!("::opsroom {nonce} ")).as_bytes());
        let progress = Box::new(reader.progress);
        let news = match exit {
            Some(code) => JobNews::Exited { code, progress },
            None => JobNews::Progress(progress),
        };
        self.happens(Event::Job { operation: OperationId(7), news })
    }
}

fn said(effects: &[Effect]) -> String {
    let texts = effects.iter().filter_map(|effect| match effect {
        Effect::Say(Outgoing { what: What::Say { class, body, .. }, .. }) => Some(format!("{class:?}: {}", body.plain)),
        Effect::Say(Outgoing { what: What::Edit { body, .. }, .. }) => Some(format!("edit: {}", body.plain)),
        Effect::Say(Outgoing { what: What::File { name, .. }, .. }) => Some(format!("file: {name}")),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_stranger_gets_nothing_and_a_talk_is_not_a_command() {
    let mut room = Room::new();
    assert_eq!(room.says(MALLORY, "!restart bridge"), "");
    assert_eq!(room.says(ALICE, "good morning"), "");
    assert_eq!(room.says(ALICE, "!ping"), "Answer: 🏓 pong");
}

#[test]
fn status_is_one_answer_troubled_first() {
    let mut room = Room::new();
    assert_eq!(room.says(ALICE, "!status"), "");
    let ticket = room.ticket();
    assert_eq!(room.effects.len(), 2, "one look per host");
    let output = format!("{}Error: No such object: bridge\n", room.up("kokoro", 3));
    assert_eq!(room.reports(ticket, "spark-1", &output), "", "waits for the other host for a moment");
    let line = "/parakeet|p|restarting|2027-01-15T07:00:00Z|2027-01-15T07:59:00Z|5|137|true|\n";
    insta::assert_snapshot!(room.reports(ticket, "spark-2", line), @r"
    Answer: 🔴 2 of 3 need attention
    🔴 bridge — not deployed
    🔴 parakeet — crash loop, exit 137, killed: out of memory, restarted 5×
    🟢 kokoro — up 3 h
    ");
}

#[test]
fn a_crash_loop_caught_running_is_not_called_well() {
    let mut room = Room::new();
    room.says(ALICE, "!status kokoro");
    let ticket = room.ticket();
    let output = room.up("kokoro", 0).replace("|0|0|", "|6|0|");
    insta::assert_snapshot!(room.reports(ticket, "spark-1", &output), @"Answer: 🔴 kokoro — keeps restarting: up 0 s just now, restarted 6×");
}

#[test]
fn a_dead_host_costs_nobody_else_anything() {
    let mut room = Room::new();
    room.says(ALICE, "!status");
    let ticket = room.ticket();
    let output = format!("{}{}", room.up("bridge", 1), room.up("kokoro", 3));
    room.reports(ticket, "spark-1", &output);
    room.later(3);
    insta::assert_snapshot!(room.happens(Event::Tick), @r"
    Answer: 🟢 nothing needs attention (3 services, 1 not heard from yet)
    ⏳ spark-2 — no answer yet (parakeet)
    🟢 bridge — up 60 min
    🟢 kokoro — up 3 h
    ");
    let report = HostReport {
        host: HostName::parse("spark-2").unwrap(),
        began: room.now,
        at: room.now,
        facts: HostFacts::default(),
        seen: Err(SnapshotError::Unreachable("did not answer within 10 s".into())),
    };
    insta::assert_snapshot!(room.happens(Event::Snapshot { ticket: Some(ticket), report }), @r"
    edit: 🔴 1 of 3 needs attention
    🔴 spark-2 unreachable — did not answer within 10 s
    parakeet: not known
    🟢 bridge — up 60 min
    🟢 kokoro — up 3 h
    ");
}

#[test]
fn what_is_not_run_says_why_and_what_next() {
    let mut room = Room::new();
    insta::assert_snapshot!(room.says(ALICE, "!restrat bridge"), @"Answer: There is no command restrat — did you mean !restart?");
    insta::assert_snapshot!(room.says(ALICE, "!restart brigde"), @"Answer: Nothing here is called brigde — did you mean bridge?");
    insta::assert_snapshot!(room.says(ALICE, "!restart $(reboot)"), @"Answer: Nothing here is called $(reboot) — !status lists everything.");
    insta::assert_snapshot!(room.says(ALICE, "!restart"), @"Answer: Which service? Usage: !restart <service>");
    insta::assert_snapshot!(room.says(VERA, "!restart bridge"), @"Answer: !restart takes the role operator; you are viewer here. An admin can change that in the config.");
    insta::assert_snapshot!(room.says(ALICE, "!update kokoro"), @"Answer: ✋ kokoro has no dir in the config, so there is no clone to update.");
    let mut message = room.message(ALICE, "!restart bridge");
    message.protection = Protection::PlainInEncryptedRoom;
    insta::assert_snapshot!(room.happens(Event::Message(message)), @"Answer: 🔓 That message was not encrypted, though this room is — not run. Anybody on the way could have written it.");
    let mut message = room.message(ALICE, "!restart bridge");
    message.arrival = Arrival::CatchUp;
    room.later(14 * 60);
    insta::assert_snapshot!(room.happens(Event::Message(message)), @"Answer: ⏰ sent 14 min ago while I was away — not run. Send it again if you still want it.");
}

#[test]
fn help_shows_only_what_the_reader_may_run() {
    let mut room = Room::new();
    assert!(room.says(ALICE, "!help").contains("!restart <service>"));
    assert!(!room.says(VERA, "!help").contains("!restart"));
}

#[test]
fn a_change_is_in_the_ledger_before_it_begins_and_ends_once() {
    let mut room = Room::new();
    insta::assert_snapshot!(room.says(ALICE, "!restart bridge"), @"Progress: ⏳ Restarting bridge · #7 · 0 s");
    let order: Vec<&str> = room
        .effects
        .iter()
        .map(|effect| match effect {
            Effect::Record(Entry::Began(_)) => "begin",
            Effect::Record(Entry::Handled { .. }) => "handled",
            Effect::Say(_) => "say",
            Effect::Host { request: HostRequest::RunJob { .. }, .. } => "run",
            _ => "other",
        })
        .collect();
    assert_eq!(order, ["begin", "handled", "say", "run"]);
    room.later(2);
    insta::assert_snapshot!(room.says(VERA, "!status bridge"), @"");
    let ticket = room.ticket();
    let output = format!("{}{}", room.up("bridge", 1), room.up("kokoro", 1));
    insta::assert_snapshot!(room.reports(ticket, "spark-1", &output), @"Answer: ⏳ bridge — restarting by alice, 2 s");
    insta::assert_snapshot!(room.says(ALICE, "!stop bridge"), @"Answer: ✋ bridge is restarting already (#7, asked by alice, 2 s ago) — one change at a time. Ask again when it is done, or !cancel 7 cancels it.");
    room.later(2);
    let after = room.up("bridge", 0);
    let log = format!("::before x\n::phase switch 1\nbridge\n::phase verify 2\n::after {after}::done 3\n");
    insta::assert_snapshot!(room.job(&log, Some(0)), @"edit: ✅ bridge restarted in 4.0 s — running, up 0 s");
    assert!(
        room.effects
            .iter()
            .any(|e| matches!(e, Effect::Record(Entry::Ended { end, .. }) if end.outcome == "succeeded"))
    );
    assert_eq!(room.job("", Some(0)), "", "an operation ends once");
}

#[test]
fn an_update_shows_its_phases_and_its_failure() {
    let mut room = Room::new();
    room.says(ALICE, "!update bridge");
    room.later(3);
    let begun = "::phase fetch 100\n::commits a1b2c3d4e5 d4e5f6a7b8 3\n::phase build 102\n#5 [bridge 2/4] RUN make\n";
    insta::assert_snapshot!(room.job(begun, None), @r"
    edit: ⏳ Updating bridge · #7 · 3 s
    ✅ fetch a1b2c3d → d4e5f6a (3 commits) · 2 s
    ⏳ build step 2/4
    ▫️ switch
    ▫️ verify
    ");
    room.later(4);
    let failed = format!("{begun}#5 ERROR: no rule to make target 'x'\n");
    insta::assert_snapshot!(room.job(&failed, Some(17)), @r"
    edit: 🔴 update of bridge failed in build after 7.0 s — exit 17
    ✅ fetch a1b2c3d → d4e5f6a (3 commits) · 2 s
    🔴 build step 2/4
    ▫️ switch
    ▫️ verify
    Page: 🔴 update of bridge failed in build after 7.0 s — exit 17
    What was running was left alone.
    #5 [bridge 2/4] RUN make
    #5 ERROR: no rule to make target 'x'
    ");
}

#[test]
fn a_short_update_is_told_once_and_a_long_one_again() {
    let log = |room: &Room| {
        let after = room.up("bridge", 0);
        format!(
            "::phase fetch 1\n::commits a1b2c3d4e5 d4e5f6a7b8 1\n::phase build 2\n::phase switch 3\n::phase verify 4\n::after {after}::done 5\n"
        )
    };
    let mut room = Room::new();
    room.says(ALICE, "!update bridge");
    room.later(5);
    let short = log(&room);
    insta::assert_snapshot!(room.job(&short, Some(0)), @r"
    edit: ✅ bridge updated in 5.0 s — a1b2c3d → d4e5f6a (1 commit)
    ✅ fetch a1b2c3d → d4e5f6a (1 commit) · 1 s
    ✅ build · 1 s
    ✅ switch · 1 s
    ✅ verify · 1 s
    ");
    let mut room = Room::new();
    room.says(ALICE, "!update bridge");
    room.later(31);
    let long = log(&room);
    insta::assert_snapshot!(room.job(&long, Some(0)), @r"
    edit: ✅ bridge updated in 31 s
    ✅ fetch a1b2c3d → d4e5f6a (1 commit) · 1 s
    ✅ build · 1 s
    ✅ switch · 1 s
    ✅ verify · 1 s
    Answer: ✅ bridge updated in 31 s — a1b2c3d → d4e5f6a (1 commit)
    ");
}

#[test]
fn logs_come_as_text_and_when_long_as_a_file_too() {
    let mut room = Room::new();
    room.says(ALICE, "!logs bridge 50");
    let ticket = room.ticket();
    insta::assert_snapshot!(room.reads(ticket, Ok((0, "a\nb\n"))), @r"
    Answer: bridge — last 2 lines
    a
    b
    ");
    room.says(ALICE, "!logs bridge 5000");
    let ticket = room.ticket();
    let long: String = (0..5_000).map(|n| format!("line {n}\n")).collect();
    let answer = room.reads(ticket, Ok((0, &long)));
    assert!(answer.starts_with("Answer: bridge — last 30 of 5000 lines; all of them in the file below"));
    assert!(answer.ends_with("line 4999\nfile: bridge.log"), "{answer}");
    room.says(ALICE, "!logs bridge");
    let ticket = room.ticket();
    insta::assert_snapshot!(room.reads(ticket, Ok((1, "Error: No such container: bridge\n"))), @"Answer: 🔴 bridge — its log could not be read: it is not deployed");
}

#[test]
fn an_operation_of_an_earlier_process_is_followed_and_not_begun_again() {
    let mut room = Room::new();
    room.says(ALICE, "!update bridge");
    let begun = room.begun();
    let mut next = Room::new();
    next.now = room.now + SignedDuration::from_secs(60);
    let record = Record { operation: begun, phases: vec![], cancelled_by: None, end: None };
    let effects = next.dispatcher.resume(vec![record.clone()], next.now);
    let [Effect::Host { request: HostRequest::RunJob { state: JobState::Submitted, limit, .. }, .. }] = &effects[..]
    else {
        panic!("{effects:?}")
    };
    let whole = Duration::from_secs(25 * 60) + runtime::aftercare(&next.dispatcher.inventory.services[0]);
    assert_eq!(*limit, whole - Duration::from_secs(60), "the limit counts from the beginning");

    // Its service has moved: nobody can ask the host it ran on.
    let mut moved = record.clone();
    moved.operation.host = HostName::parse("spark-0").unwrap();
    let said = said(&Room::new().dispatcher.resume(vec![moved], next.now));
    assert!(said.contains("host is no longer in the config"), "{said}");

    // Seen to run, and called off by somebody whose word may not have reached the host.
    let phases = vec![(Phase::Fetch, next.now)];
    let vera = Actor::Person(UserId::parse(VERA).unwrap());
    let cancelled = Record { phases, cancelled_by: Some(vera), ..record };
    let effects = Room::new().dispatcher.resume(vec![cancelled], next.now);
    let [Effect::Host { request: first, .. }, Effect::Host { request: second, .. }] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert!(matches!(first, HostRequest::RunJob { state: JobState::Started, .. }), "{first:?}");
    assert!(matches!(second, HostRequest::CancelJob { .. }), "{second:?}");
}

#[test]
fn what_is_in_progress_is_told_and_cancelled() {
    let mut room = Room::new();
    insta::assert_snapshot!(room.says(ALICE, "!ops"), @"Answer: 💤 Nothing is in progress. !history shows what was.");
    insta::assert_snapshot!(room.says(ALICE, "!cancel 7"), @"Answer: Nothing that 7 names is in progress — !ops lists what is.");
    room.says(ALICE, "!update bridge");
    room.job("::phase fetch 1\n::phase build 2\n#5 [2/4] RUN x\n", None);
    room.later(63);
    insta::assert_snapshot!(room.says(VERA, "!ops"), @r"
    Answer: ⏳ 1 change is in progress
    #7 update of bridge · build step 2/4 · 63 s · alice
    !cancel 7 cancels one.
    ");
    insta::assert_snapshot!(room.says(VERA, "!cancel bridge"), @"Answer: !cancel takes the role operator; you are viewer here. An admin can change that in the config.");
    insta::assert_snapshot!(room.says(ALICE, "!cancel kokoro"), @"Answer: Nothing that kokoro names is in progress — !ops lists what is.");
    insta::assert_snapshot!(room.says(ALICE, "!cancel #7"), @"Answer: ✋ Cancelling #7, the update of bridge …");
    let ticket = room.effects.iter().find_map(|e| match e {
        Effect::Host { request: HostRequest::CancelJob { ticket, .. }, .. } => Some(*ticket),
        _ => None,
    });
    assert!(matches!(room.effects[0], Effect::Record(Entry::CancelRequested { .. })), "noted before it is done");
    insta::assert_snapshot!(room.happens(Event::Stopping), @r"
    edit: ⏳ Updating bridge · #7 · 63 s
    ✅ fetch · 1 s
    ⏳ build step 2/4
    ▫️ switch
    ▫️ verify
    ⚠️ I am being stopped. This goes on without me on its host, and I report how it ended when I am back
    ");
    let log = "::phase fetch 1\n::phase build 2\n::cancelled\n::end 143\n";
    insta::assert_snapshot!(room.job(log, Some(143)), @r"
    edit: ✋ update of bridge was cancelled by alice in build after 63 s
    ✅ fetch · 1 s
    ✋ build
    ▫️ switch
    ▫️ verify
    Answer: ✋ update of bridge was cancelled by alice in build after 63 s
    What was running was left alone.
    ");
    let answer = Answer::Cancel(CancelResult::Ended);
    insta::assert_snapshot!(room.happens(Event::Answer { ticket: ticket.unwrap(), answer }), @"edit: ✋ Cancelled #7, the update of bridge: it has ended, and none of its processes is left.");
}

#[test]
fn what_was_cancelled_before_it_could_listen_was_cancelled() {
    let mut room = Room::new();
    room.says(ALICE, "!update bridge");
    room.says(ALICE, "!cancel 7");
    insta::assert_snapshot!(room.job("::end 143\n", Some(143)), @r"
    edit: ✋ update of bridge was cancelled by alice after 0.0 s
    ▫️ fetch
    ▫️ build
    ▫️ switch
    ▫️ verify
    What was running was left alone.
    ");
    // Nobody cancelled this one.
    let mut room = Room::new();
    room.says(ALICE, "!update bridge");
    assert!(room.job("::end 143\n", Some(143)).contains("it was told to end (SIGTERM)"));
}

#[test]
fn the_past_is_told_with_who_and_what() {
    let mut room = Room::new();
    room.says(ALICE, "!restart bridge");
    let operation = room.begun();
    let end = End { at: room.now, outcome: "succeeded".into(), verdict: "✅ **bridge restarted** in 4.0 s".into() };
    let phases = vec![(Phase::Switch, room.now)];
    let record = Record { operation, phases, cancelled_by: None, end: Some(end) };
    room.later(7_200);
    let mut ask = |command: &str, records: Vec<Record>| {
        room.says(VERA, command);
        let ticket = room.effects.iter().find_map(|e| match e {
            Effect::Query { ticket, .. } => Some(*ticket),
            _ => None,
        });
        room.happens(Event::Answer { ticket: ticket.unwrap(), answer: Answer::Records(records) })
    };
    insta::assert_snapshot!(ask("!history", vec![]), @"Answer: 📜 I have made no change yet.");
    insta::assert_snapshot!(ask("!history bridge", vec![record.clone()]), @r"
    Answer: 📜 The last changes of bridge
    ✅ bridge restarted in 4.0 s
    · #7 by alice, 2 h ago: !restart bridge
    !history 7 shows more of one.
    ");
    insta::assert_snapshot!(ask("!history #7", vec![record]), @r"
    Answer: ✅ bridge restarted in 4.0 s
    · #7 by alice, 2 h ago: !restart bridge
    · on spark-1, job abc-7
    · began 2027-01-15 08:00:00 UTC
    · switch 2027-01-15 08:00:00 UTC
    · succeeded 2027-01-15 08:00:00 UTC
    What ran is in the file.
    file: operation-7.sh
    ");
    insta::assert_snapshot!(ask("!history 8", vec![]), @"Answer: There is no operation #8 — !history lists the last ones.");
    insta::assert_snapshot!(room.says(VERA, "!history bridgge"), @"Answer: Nothing here is called bridgge — did you mean bridge?");
}

#[test]
fn a_copy_of_a_command_is_not_run_and_neither_is_what_may_be_one() {
    let mut room = Room::new();
    room.replay = Replay::Duplicate;
    insta::assert_snapshot!(room.says(ALICE, "!stop bridge"), @"Answer: 🔁 That is a copy of an earlier message — not run. Write the command again if it was you; if it was not, somebody can send in your name: look at your sessions.");
    assert!(!room.effects.iter().any(|e| matches!(e, Effect::Record(Entry::Began(_)) | Effect::Host { .. })));
    assert_eq!(room.says(ALICE, "!ping"), "Answer: 🏓 pong", "what changes nothing is not looked at");
    room.replay = Replay::Unclear("the homeserver did not show it within 20 s".into());
    insta::assert_snapshot!(room.says(ALICE, "!stop bridge"), @"Answer: ✋ I could not make sure that this is no copy of an earlier message (the homeserver did not show it within 20 s) — not run. Send it again.");
    // One that came too late has used its place: the ledger has it before it is refused.
    room.replay = Replay::New;
    let mut late = room.message(ALICE, "!stop bridge");
    late.sent_at -= SignedDuration::from_hours(1);
    let effects = room.dispatcher.handle(Event::Message(late), room.now);
    assert!(matches!(effects[..], [Effect::CheckReplay { .. }]), "{effects:?}");
}

#[test]
fn a_large_cluster_is_an_answer_that_can_be_sent() {
    let mut room = Room::new();
    let mut inventory = (*room.dispatcher.inventory).clone();
    let like = inventory.services[1].clone();
    let named = |n: u32| Service { name: ServiceName::parse(&format!("s{n}")).unwrap(), ..like.clone() };
    inventory.services.extend((0..2_000).map(named));
    room.dispatcher.inventory = Arc::new(inventory);
    room.says(ALICE, "!status spark-1:");
    let ticket = room.ticket();
    let output = format!("{}{}", room.up("bridge", 3), room.up("kokoro", 3));
    let answer = room.reports(ticket, "spark-1", &output);
    assert!(answer.lines().count() < 50, "{}", answer.lines().count());
    let last = answer.lines().last().unwrap();
    assert!(last.starts_with("and 1962 🟢 — name some, like host: or @tag"), "{last}");
}
