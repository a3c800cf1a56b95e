//! What the bot says by itself.

use super::*;

impl Room {
    /// A look by the watch, which nobody asked for.
    fn looks(&mut self, output: &str) -> String {
        self.reports(NOBODY, "spark-1", output)
    }

    fn reads_log(&mut self, log: &str) -> String {
        let ticket = self.effects.iter().find_map(|effect| match effect {
            Effect::Host { request: HostRequest::Read { ticket, .. }, .. } => Some(*ticket),
            _ => None,
        });
        self.reads(ticket.expect("the log is read"), Ok((0, log)))
    }

    fn exited(&self, name: &str, code: i64) -> String {
        let at = self.now;
        format!("/{name}|id-{name}|exited|{at}|{at}|0|{code}|false||no\n")
    }

    fn unreachable(&mut self, why: &str) -> String {
        let report = HostReport {
            host: HostName::parse("spark-1").unwrap(),
            began: self.now,
            at: self.now,
            facts: HostFacts::default(),
            seen: Err(SnapshotError::Unreachable(why.into())),
        };
        self.happens(Event::Snapshot { ticket: None, report })
    }

    fn asks_for_a_look(&self) -> bool {
        self.effects.iter().any(|effect| matches!(effect, Effect::Host { request: HostRequest::Snapshot { .. }, .. }))
    }
}

#[test]
fn a_crash_loop_is_one_page_with_its_cause_and_one_recovery() {
    let mut room = Room::new();
    for _ in 0..2 {
        room.container("kokoro", EventKind::Started);
        room.later(12);
        assert_eq!(room.container("kokoro", EventKind::Died { code: 3 }), "");
    }
    room.container("kokoro", EventKind::Started);
    room.later(12);
    assert_eq!(room.container("kokoro", EventKind::Died { code: 3 }), "", "the log is read first");
    insta::assert_snapshot!(room.reads_log("loading model\nfatal: no such file\n"), @r"
    Page: 🔴 kokoro crash loop on spark-1 — exit 3, 3× in 24 s
    loading model
    fatal: no such file
    Reply ack, logs or silence 1h · alert 1
    ");
    let mentions = room.effects.iter().find_map(|effect| match effect {
        Effect::Say(Outgoing { what: What::Say { mentions, .. }, .. }) => Some(mentions),
        _ => None,
    });
    let mentions = mentions.unwrap();
    assert_eq!(mentions.iter().map(UserId::as_str).collect::<Vec<_>>(), [ALICE], "viewers are not woken");
    room.container("kokoro", EventKind::Started);
    room.later(61);
    insta::assert_snapshot!(room.happens(Event::Tick), @r"
    Page: ✅ kokoro recovered — well for 61 s; the trouble lasted 85 s
    edit: ✅ Over: kokoro — crash loop, exit 3, for 61 s
    ");
    room.later(600);
    assert_eq!(room.happens(Event::Tick), "");
}

#[test]
fn what_is_down_is_a_page_as_soon_as_a_look_has_shown_it() {
    let mut room = Room::new();
    let up = format!("{}{}", room.up("bridge", 3), room.up("kokoro", 3));
    room.looks(&up);
    room.later(10);
    let death = RuntimeEvent {
        id: "id-kokoro".into(),
        name: "kokoro".to_owned(),
        of: None,
        at: room.now,
        kind: EventKind::Died { code: 3 },
    };
    assert_eq!(
        room.happens(Event::Runtime { login: None, host: HostName::parse("spark-1").unwrap(), event: death }),
        ""
    );
    assert!(room.asks_for_a_look());
    room.later(1);
    let down = format!("{}{}", room.up("bridge", 3), room.exited("kokoro", 3));
    assert_eq!(room.looks(&down), "", "the log is read first");
    insta::assert_snapshot!(room.reads_log("fatal: no such file\n"), @r"
    Page: 🔴 kokoro is down on spark-1 — exit 3 after 3 h
    fatal: no such file
    Reply ack, logs or silence 1h · alert 1
    ");
}

#[test]
fn a_stop_through_the_bot_is_no_alert_and_what_is_stopped_is_known() {
    let mut room = Room::new();
    let up = format!("{}{}", room.up("bridge", 3), room.up("kokoro", 3));
    room.looks(&up);
    room.says(ALICE, "!stop bridge");
    room.later(2);
    let after = room.exited("bridge", 1);
    let log = format!("::before x\n::phase switch 1\nbridge\n::after {after}::done 3\n");
    room.job(&log, Some(0));
    let down = format!("{}{}", room.exited("bridge", 1), room.up("kokoro", 3));
    for _ in 0..20 {
        room.later(30);
        assert_eq!(room.looks(&down), "");
        assert_eq!(room.happens(Event::Tick), "");
    }
}

#[test]
fn a_failed_change_is_told_by_itself_and_what_it_leaves_by_the_watch() {
    let mut room = Room::new();
    let up = format!("{}{}", room.up("bridge", 3), room.up("kokoro", 3));
    room.looks(&up);
    room.says(ALICE, "!restart bridge");
    room.later(2);
    let after = room.exited("bridge", 1);
    let log = format!("::before x\n::phase switch 1\nbridge\n::phase verify 2\n::trouble died\n::after {after}");
    assert!(room.job(&log, Some(21)).contains("failed"));
    assert!(room.asks_for_a_look(), "how it was left is looked at");
    room.later(1);
    let down = format!("{}{}", room.exited("bridge", 1), room.up("kokoro", 3));
    assert_eq!(room.looks(&down), "");
    room.later(4);
    room.happens(Event::Tick);
    insta::assert_snapshot!(room.reads_log(""), @r"
    Page: 🔴 bridge is down on spark-1 — exit 1
    1 s after a restart by alice did not succeed.
    It printed nothing.
    Reply ack, logs or silence 1h · alert 1
    ");
}

#[test]
fn a_dead_host_is_one_page_and_its_services_none() {
    let mut room = Room::new();
    let up = format!("{}{}", room.up("bridge", 3), room.up("kokoro", 3));
    room.looks(&up);
    for _ in 0..2 {
        room.later(20);
        assert_eq!(room.unreachable("did not answer within 10 s"), "");
    }
    room.later(30);
    insta::assert_snapshot!(room.unreachable("did not answer within 10 s"), @r"
    Page: 🔴 spark-1 unreachable — did not answer within 10 s
    I cannot see its 2 services; last seen 70 s ago.
    Reply ack, logs or silence 1h · alert 1
    ");
    room.later(300);
    assert_eq!(room.unreachable("did not answer within 10 s"), "");
    room.later(30);
    let back = format!("{}{}", room.exited("bridge", 1), room.up("kokoro", 1));
    assert_eq!(room.looks(&back), "");
    room.later(11);
    insta::assert_snapshot!(room.happens(Event::Tick), @r"
    Page: ✅ spark-1 is back — I could not see it for 6 min, from 08:00:00 to 08:06:40 UTC
    Meanwhile: bridge ended, exit 1; kokoro was started anew.
    edit: ✅ Over: spark-1 — cannot be seen, for 5 min; 2 services
    ");
}

#[test]
fn a_relapse_notifies_again_with_a_message_of_its_own() {
    let mut room = Room::new();
    let up = room.up("kokoro", 1).replace("id-kokoro", "x");
    room.looks(&up);
    room.later(60);
    let goes_down = |room: &mut Room| {
        room.container("kokoro", EventKind::Died { code: 1 });
        room.later(3);
        room.happens(Event::Tick);
        let exited = room.exited("kokoro", 1).replace("id-kokoro", "x");
        let said = room.looks(&exited);
        let asked = room.effects.iter().any(|e| matches!(e, Effect::Host { request: HostRequest::Read { .. }, .. }));
        if asked { format!("{said}{}", room.reads_log("fatal: no such file\n")) } else { said }
    };
    insta::assert_snapshot!(goes_down(&mut room), @r"
    Page: 🔴 kokoro is down on spark-1 — exit 1 after 61 min
    fatal: no such file
    Reply ack, logs or silence 1h · alert 1
    ");
    room.later(60);
    room.container("kokoro", EventKind::Started);
    room.later(40);
    insta::assert_snapshot!(goes_down(&mut room), @r"
    edit: ↪️ A newer message tells of it: kokoro — down, exit 1, for 103 s
    Page: 🔴 kokoro is down again on spark-1 — exit 1 after 40 s
    fatal: no such file
    Reply ack, logs or silence 1h · alert 1
    ");
    let keys: Vec<&str> = room
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Say(outgoing) => Some(outgoing.key.0.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(keys, ["incident/1/page/!ops#last", "incident/1/page-1/!ops"]);
    for _ in 0..3 {
        room.later(60);
        room.container("kokoro", EventKind::Started);
        room.later(40);
        goes_down(&mut room);
    }
    assert!(
        !room.effects.iter().any(|e| matches!(e, Effect::Say(o) if o.key.0.contains("page-4"))),
        "{:?}",
        room.effects
    );
    room.later(60);
    room.container("kokoro", EventKind::Started);
    room.later(1_900);
    insta::assert_snapshot!(room.happens(Event::Tick), @r"
    Page: ✅ kokoro recovered — well for 31 min; the trouble lasted 39 min
    edit: ✅ Over: kokoro — flapping, for 39 min
    ");
}

#[test]
fn what_somebody_stopped_needs_no_attention() {
    let mut room = Room::new();
    let up = format!("{}{}", room.up("kokoro", 1).replace("id-kokoro", "x"), room.up("bridge", 1));
    room.looks(&up);
    room.later(60);
    room.container("kokoro", EventKind::Killed { signal: Some(15) });
    room.container("kokoro", EventKind::Died { code: 137 });
    room.container("kokoro", EventKind::Stopped);
    room.later(300);
    room.says(ALICE, "!status spark-1:");
    let ticket = room.ticket();
    let output = format!("{}{}", room.exited("kokoro", 137).replace("id-kokoro", "x"), room.up("bridge", 2));
    insta::assert_snapshot!(room.reports(ticket, "spark-1", &output), @r"
    Answer: 🟢 nothing needs attention (2 services, 1 stopped)
    ⚪ kokoro — stopped by hand, 5 min ago
    🟢 bridge — up 2 h
    ");
}
