//! One trouble, one message; many at once, two; and what people say to that.

use super::*;
use crate::domain::{incident::Incident, subject::Subject};

impl Room {
    fn dies(&mut self, name: &str, code: i64) -> String {
        let said = self.container(name, EventKind::Died { code });
        format!("{said}{}", self.reads_logs())
    }

    /// Any log that was asked for is read.
    fn reads_logs(&mut self) -> String {
        let asked = self.effects.iter().find_map(|effect| match effect {
            Effect::Host { request: HostRequest::Read { ticket, .. }, .. } => Some(*ticket),
            _ => None,
        });
        asked.map(|ticket| self.reads(ticket, Ok((0, "fatal: no such file\n")))).unwrap_or_default()
    }

    /// Three quick deaths, each after a start.
    fn loops(&mut self, name: &str) -> String {
        let mut said = String::new();
        for _ in 0..3 {
            self.container(name, EventKind::Started);
            said.push_str(&self.dies(name, 3));
        }
        said
    }

    fn ticks(&mut self, seconds: i64) -> String {
        self.later(seconds);
        let mut said = self.happens(Event::Tick);
        said.push_str(&self.reads_logs());
        // What was due is done: the clock is not looked at again and again.
        let deadline = self.dispatcher.deadline();
        assert!(deadline.is_none_or(|at| at > self.now), "{deadline:?} at {}", self.now);
        said
    }

    fn replies(&mut self, sender: &str, body: &str, to: &str) -> String {
        let message = self.message(sender, body);
        self.happens(Event::Reply { message, to: MessageKey(to.into()) })
    }

    /// As clients do: in the clear.
    fn reacts(&mut self, sender: &str, emoji: &str, to: &str) -> String {
        let message = self.message(sender, emoji);
        let message = Inbound { reaction: true, protection: Protection::PlainInEncryptedRoom, ..message };
        self.happens(Event::Reply { message, to: MessageKey(to.into()) })
    }

    fn noted(&self) -> Vec<Incident> {
        let incidents = self.effects.iter().filter_map(|effect| match effect {
            Effect::Record(Entry::Incident(incident)) => Some((**incident).clone()),
            _ => None,
        });
        incidents.collect()
    }
}

#[test]
fn the_first_trouble_is_told_at_once_and_the_others_together() {
    let mut room = Room::new();
    insta::assert_snapshot!(room.loops("bridge"), @r"
    Page: 🔴 bridge crash loop on spark-1 — exit 3, 3× in 0 s
    fatal: no such file
    Reply ack, logs or silence 1h · alert 1
    ");
    assert_eq!(room.loops("kokoro"), "", "told with what else comes");
    assert_eq!(room.ticks(1), "");
    insta::assert_snapshot!(room.ticks(2), @r"
    Page: 🔴 kokoro crash loop on spark-1 — exit 3, 3× in 3 s
    fatal: no such file
    Reply ack, logs or silence 1h · alert 2
    ");
    assert_eq!(room.ticks(1), "", "and that is all");
}

#[test]
fn an_alert_is_one_message_that_is_kept_true() {
    let mut room = Room::new();
    room.loops("kokoro");
    room.later(5);
    room.container("kokoro", EventKind::Started);
    assert_eq!(room.dies("kokoro", 4), "", "not at each death");
    room.later(40);
    room.container("kokoro", EventKind::Started);
    insta::assert_snapshot!(room.dies("kokoro", 5), @r"
    edit: 🔴 kokoro crash loop on spark-1 — exit 5, 5× in 45 s
    fatal: no such file
    Reply ack, logs or silence 1h · alert 1
    ");
    insta::assert_snapshot!(room.says(ALICE, "!alerts"), @r"
    Answer: 🔴 1 alert is open
    🔴 kokoro — crash loop, exit 5, for 45 s · alert 1
    !ack <number or service> says that you are on it.
    ");
    insta::assert_snapshot!(room.replies(ALICE, "Ack, thanks.", "incident/1/page/!ops"), @r"
    Answer: 👀 You are on kokoro. Nobody is notified again unless it relapses or gets worse.
    edit: 🔴 kokoro crash loop on spark-1 — exit 5, 5× in 45 s
    fatal: no such file
    👀 alice is on it
    ");
    room.container("kokoro", EventKind::Started);
    insta::assert_snapshot!(room.ticks(200), @r"
    Page: ✅ kokoro recovered — well for 3 min; the trouble lasted 4 min
    edit: ✅ Over: kokoro — crash loop, exit 5, for 4 min
    ");
    insta::assert_snapshot!(room.says(ALICE, "!alerts"), @"Answer: 🟢 No alert is open");
}

#[test]
fn what_nobody_is_on_notifies_again_and_what_somebody_is_on_does_not() {
    let mut room = Room::new();
    room.loops("kokoro");
    insta::assert_snapshot!(room.ticks(3_600), @r"
    edit: 🔴 kokoro is down on spark-1 — exit 3 after 0 s
    fatal: no such file
    Reply ack, logs or silence 1h · alert 1
    Page: 🔴 1 alert is still open, and nobody is on it
    kokoro — down, exit 3, for 60 min · alert 1
    !ack all ends the reminders.
    ");
    assert_eq!(room.ticks(60), "");
    room.says(ALICE, "!ack kokoro");
    assert_eq!(room.ticks(7_200), "");
    insta::assert_snapshot!(room.says(ALICE, "!ack parakeet"), @"Answer: No open alert is about parakeet — !alerts lists them.");
    insta::assert_snapshot!(room.says(VERA, "!ack all"), @"Answer: !ack takes the role operator; you are viewer here. An admin can change that in the config.");
}

#[test]
fn what_is_silenced_is_told_silently_and_notifies_when_the_silence_is_over() {
    let mut room = Room::new();
    insta::assert_snapshot!(room.says(ALICE, "!silence kokoro 10m new disks"), @"Answer: 🔕 kokoro (1 service) notifies nobody for 10 min. !unsilence kokoro ends that sooner.");
    assert!(room.effects.iter().any(|effect| matches!(effect, Effect::Record(Entry::Silenced(_)))));
    insta::assert_snapshot!(room.loops("kokoro"), @r"
    Answer: 🔴 kokoro crash loop on spark-1 — exit 3, 3× in 0 s
    fatal: no such file
    🔕 Silenced · alert 1
    ");
    insta::assert_snapshot!(room.says(VERA, "!alerts"), @r"
    Answer: 🔴 1 alert is open
    🔴 kokoro — crash loop, exit 3, for 0 s · alert 1
    🔕 kokoro is silent for 10 min more, by alice: new disks
    !ack <number or service> says that you are on it.
    ");
    insta::assert_snapshot!(room.ticks(600), @r"
    edit: ↪️ A newer message tells of it: kokoro — down, exit 3, for 10 min
    Page: 🔴 kokoro is down on spark-1 — exit 3 after 0 s
    fatal: no such file
    Reply ack, logs or silence 1h · alert 1
    ");
    insta::assert_snapshot!(room.replies(ALICE, "silence 1h", "incident/1/page/!ops"), @"Answer: 🔕 kokoro (1 service) notifies nobody for 60 min. !unsilence kokoro ends that sooner.");
    room.container("kokoro", EventKind::Started);
    insta::assert_snapshot!(room.ticks(700), @r"
    Answer: ✅ kokoro recovered — well for 11 min; the trouble lasted 21 min
    edit: ✅ Over: kokoro — crash loop, exit 3, for 21 min
    ");
    insta::assert_snapshot!(room.says(ALICE, "!unsilence kokoro"), @"Answer: 🔔 kokoro notifies again.");
    insta::assert_snapshot!(room.says(ALICE, "!unsilence kokoro"), @"Answer: kokoro is not silenced — !alerts lists what is.");
}

#[test]
fn a_reaction_under_an_alert_says_that_somebody_is_on_it_and_nothing_else() {
    let mut room = Room::new();
    room.loops("kokoro");
    let alert = "incident/1/page/!ops";
    for (who, emoji, to) in [
        (MALLORY, "👍", alert),
        (VERA, "👍", alert),
        (ALICE, "🎉", alert),
        (ALICE, "ack", alert),
        (ALICE, "restart", alert),
        (ALICE, "!restart kokoro", alert),
        (ALICE, "👍", "$1/answer"),
        (ALICE, "👍", "incident/7/page/!ops"),
        (ALICE, "👍", "dashboard/1/!ops"),
    ] {
        assert_eq!(room.reacts(who, emoji, to), "", "{who} {emoji} {to}");
        assert!(matches!(room.effects[..], [Effect::Record(Entry::Handled { .. })]), "{:?}", room.effects);
    }
    let unanswered = room.message(ALICE, "!ping");
    let unanswered = Inbound { reaction: true, protection: Protection::PlainRoom, ..unanswered };
    assert_eq!(room.happens(Event::Message(unanswered)), "", "nor is one to anybody else's message a command");
    room.later(3_600);
    insta::assert_snapshot!(room.reacts(ALICE, "👍🏽", alert), @r"
    edit: 🔴 kokoro crash loop on spark-1 — exit 3, 3× in 60 min
    fatal: no such file
    👀 alice is on it
    ");
    assert!(room.noted()[0].acknowledged.is_some());
    assert!(!room.ticks(7_200).contains("Page"), "and it notifies no more");
}

#[test]
fn talk_under_an_alert_is_no_command() {
    let mut room = Room::new();
    room.loops("kokoro");
    for talk in
        ["logs look bad, I think", "restart it after lunch?", "on it", "silence please", "restart?", "restart…", "ack?"]
    {
        assert_eq!(room.replies(ALICE, talk, "incident/1/page/!ops"), "", "{talk}");
        assert!(!room.effects.iter().any(|e| matches!(e, Effect::Host { .. })), "{talk}");
    }
    room.replies(ALICE, "logs 50", "incident/1/page/!ops");
    let [Effect::Host { request: HostRequest::Read { command, .. }, .. }] = &room.effects[..] else {
        panic!("{:?}", room.effects)
    };
    assert!(command.contains("--tail 50 "), "{command}");
    room.replies(ALICE, "restart", "incident/1/page/!ops");
    let runs = |e: &Effect| matches!(e, Effect::Host { request: HostRequest::RunJob { .. }, .. });
    assert!(room.effects.iter().any(runs), "{:?}", room.effects);
    // The replay check looks at what was really written.
    let message = room.message(ALICE, "ack");
    let to = MessageKey("incident/1/page/!ops".into());
    let effects = room.dispatcher.handle(Event::Reply { message, to }, room.now);
    assert!(matches!(&effects[..], [Effect::CheckReplay { message, .. }] if message.body == "ack"), "{effects:?}");
}

#[test]
fn an_incident_goes_on_in_the_next_process_and_is_not_told_again() {
    let mut room = Room::new();
    room.loops("kokoro");
    let told = room.noted().pop().unwrap();
    assert!(told.said.is_some());
    let mut next = Room::of_process(2, Some(room.now));
    next.later(120);
    let untold = Incident { id: crate::domain::incident::IncidentId(9), said: None, told_with: None, ..told.clone() };
    let untold = Incident { subject: Subject::Host(HostName::parse("spark-2").unwrap()), ..untold };
    let watching = Watching {
        next_incident: 10,
        open: vec![told, untold],
        silences: vec![],
        checkpoints: room.checkpoints.into_iter().collect(),
        dashboards: vec![],
        found: vec![],
    };
    let now = next.now;
    assert_eq!(next.dispatcher.restore(watching, now), []);
    insta::assert_snapshot!(next.ticks(1), @r"
    Page: 🔴 spark-2 is in trouble
    Reply ack, logs or silence 1h · alert 9
    edit: 🔴 kokoro crash loop on spark-1 — exit 3, 3× in 2 min
    fatal: no such file
    Reply ack, logs or silence 1h · alert 1
    ");
    let output = next.up("kokoro", 0);
    insta::assert_snapshot!(next.reports(NOBODY, "spark-1", &output), @"Answer: ℹ️ While I was away (2 min), on spark-1: kokoro got another container.");
    insta::assert_snapshot!(next.ticks(100), @r"
    Page: ✅ kokoro recovered — well for 100 s; the trouble lasted 3 min
    edit: ✅ Over: kokoro — crash loop, exit 3, for 3 min
    ");
}

#[test]
fn what_was_silenced_after_a_page_is_not_reminded_of_until_it_may_notify() {
    let mut room = Room::new();
    room.loops("kokoro");
    room.says(ALICE, "!silence kokoro 3h");
    for _ in 0..2 {
        let said = room.ticks(3_600);
        assert!(!said.contains("Page"), "{said}");
    }
    let said = room.ticks(2 * 3_600);
    assert!(said.contains("Page: 🔴 1 alert is still open"), "{said}");
}

#[test]
fn what_a_maintenance_window_kept_silent_notifies_when_it_is_over() {
    let mut room = Room::new();
    let mut inventory = (*room.dispatcher.inventory).clone();
    // 2027-01-15 08:00 UTC is when these stories begin.
    inventory.maintenance = vec![crate::domain::maintenance::Window {
        selector: "kokoro".into(),
        days: vec![jiff::civil::Weekday::Friday],
        from: "07:00".parse().unwrap(),
        to: "08:10".parse().unwrap(),
        zone: jiff::tz::TimeZone::UTC,
    }];
    room.dispatcher.inventory = Arc::new(inventory);
    assert!(room.loops("kokoro").starts_with("Answer: 🔴 kokoro crash loop"));
    let mut said = String::new();
    for _ in 0..30 {
        let Some(at) = room.dispatcher.deadline() else { break };
        room.now = at;
        said.push_str(&room.ticks(0));
        if said.contains("Page") {
            break;
        }
    }
    assert!(said.contains("Page: 🔴 kokoro"), "{said}");
    assert!(room.now.to_string().starts_with("2027-01-15T08:10:0"), "{}", room.now);
}

#[test]
fn what_was_told_silently_with_others_is_paged_under_a_name_of_its_own() {
    let mut room = Room::new();
    room.says(ALICE, "!silence kokoro 10m");
    // A page before them, so that the two wait for each other.
    room.loops("bridge");
    room.loops("kokoro");
    let mut keys: Vec<String> = Vec::new();
    let mut says = |room: &Room| {
        keys.extend(room.effects.iter().filter_map(|effect| match effect {
            Effect::Say(Outgoing { key, what: What::Say { class, .. }, .. }) => Some(format!("{class:?} {key}")),
            _ => None,
        }));
    };
    for seconds in [4, 600, 4] {
        room.ticks(seconds);
        says(&room);
    }
    let mut once = keys.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), keys.len(), "no name is used twice: {keys:?}");
    assert!(keys.iter().any(|key| key.starts_with("Page incident/2/page")), "{keys:?}");
}

#[test]
fn a_relapse_that_was_not_told_any_more_is_told_by_the_next_process() {
    let mut room = Room::new();
    room.loops("kokoro");
    let mut told = room.noted().pop().unwrap();
    let crate::domain::incident::Cause::Service(problem) = &mut told.cause else { panic!("{told:?}") };
    problem.relapses.push(room.now);
    let mut next = Room::of_process(2, Some(room.now));
    next.later(5);
    let watching = Watching {
        next_incident: 2,
        open: vec![told],
        silences: vec![],
        checkpoints: room.checkpoints.into_iter().collect(),
        dashboards: vec![],
        found: vec![],
    };
    let now = next.now;
    assert_eq!(next.dispatcher.restore(watching, now), []);
    let said = next.ticks(1);
    assert!(said.contains("Page: 🔴 kokoro crash loop again on spark-1"), "{said}");
}
