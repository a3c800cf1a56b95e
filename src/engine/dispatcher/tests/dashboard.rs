//! One pinned message that shows how everything is.

use super::*;
use crate::{domain::dashboard::Dashboard, ports::Watching};

impl Room {
    /// The bot may pin, and both hosts have been looked at.
    fn pins(&mut self) -> String {
        let room = RoomId::parse("!ops").unwrap();
        assert_eq!(self.happens(Event::MayPin(room)), "");
        let (one, two) = (format!("{}{}", self.up("bridge", 3), self.up("kokoro", 3)), self.up("parakeet", 3));
        assert_eq!(self.reports(NOBODY, "spark-1", &one), "");
        assert_eq!(self.reports(NOBODY, "spark-2", &two), "");
        self.waits(6)
    }

    fn waits(&mut self, seconds: i64) -> String {
        self.later(seconds);
        self.happens(Event::Tick)
    }

    fn crashes(&mut self, name: &str) {
        for _ in 0..3 {
            self.container(name, EventKind::Started);
            self.container(name, EventKind::Died { code: 3 });
        }
    }

    fn board(&self) -> Dashboard {
        let board = self.effects.iter().find_map(|effect| match effect {
            Effect::Record(Entry::Dashboard(board)) => Some(board.clone()),
            _ => None,
        });
        board.expect("it is noted")
    }

    fn pinned(&self) -> Option<(&str, Option<&str>)> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Say(Outgoing { what: What::Pin { message, instead_of }, .. }) => {
                Some((message.0.as_str(), instead_of.as_ref().map(|key| key.0.as_str())))
            }
            _ => None,
        })
    }

    fn keys(&self) -> Vec<&str> {
        let keys = self.effects.iter().filter_map(|effect| match effect {
            Effect::Say(outgoing) => Some(outgoing.key.0.as_str()),
            _ => None,
        });
        keys.collect()
    }
}

#[test]
fn it_is_pinned_once_and_edited_when_something_changes() {
    let mut room = Room::new();
    insta::assert_snapshot!(room.pins(), @r"
    Answer: 🟢 all 3 services well
    Updated 15 Jan 08:00 UTC
    ");
    assert_eq!(room.pinned(), Some(("dashboard/1/!ops", None)));
    for _ in 0..20 {
        let output = format!("{}{}", room.up("bridge", 3), room.up("kokoro", 3));
        assert_eq!(room.reports(NOBODY, "spark-1", &output), "");
        assert_eq!(room.waits(30), "", "nothing has changed");
    }
    room.crashes("kokoro");
    room.says(ALICE, "!silence bridge 1h new disks");
    room.says(ALICE, "!restart parakeet");
    insta::assert_snapshot!(room.waits(6), @r"
    edit: 🔴 1 of 3 needs attention
    🔴 kokoro — crash loop, exit 3, since 15 Jan 08:10 UTC · alert 1
    ⏳ parakeet — restarting by alice since 15 Jan 08:10 UTC · #7
    🔕 bridge until 15 Jan 09:10 UTC, by alice: new disks
    Updated 15 Jan 08:10 UTC
    ");
    assert_eq!(room.keys(), ["dashboard/1/!ops#1.1"]);
    assert_eq!(room.pinned(), None, "it is the same message");
    room.says(ALICE, "!ack kokoro");
    assert_eq!(room.waits(6), "", "not twice in 30 s");
    let text = room.waits(25);
    assert!(text.contains("alert 1 · 👀 alice"), "{text}");
}

#[test]
fn without_the_power_to_pin_there_is_none() {
    let mut room = Room::new();
    room.crashes("kokoro");
    room.later(60);
    room.happens(Event::Tick);
    assert!(!room.effects.iter().any(|effect| matches!(effect, Effect::Record(Entry::Dashboard(_)))));
}

#[test]
fn a_host_that_cannot_be_seen_takes_its_services_along() {
    let mut room = Room::new();
    room.pins();
    for _ in 0..3 {
        room.later(30);
        let report = HostReport {
            host: HostName::parse("spark-1").unwrap(),
            began: room.now,
            at: room.now,
            facts: HostFacts::default(),
            seen: Err(SnapshotError::Unreachable("did not answer".into())),
        };
        room.happens(Event::Snapshot { ticket: None, report });
    }
    insta::assert_snapshot!(room.waits(30), @r"
    edit: 🔴 2 of 3 need attention
    🔴 spark-1 — unreachable, 2 services not seen, since 15 Jan 08:01 UTC · alert 1
    Updated 15 Jan 08:02 UTC
    ");
}

#[test]
fn what_nobody_expects_to_run_is_no_trouble() {
    let mut room = Room::new();
    room.happens(Event::MayPin(RoomId::parse("!ops").unwrap()));
    let output = format!("{}Error: No such object: kokoro\n", room.up("bridge", 3));
    room.reports(NOBODY, "spark-1", &output);
    assert_eq!(room.waits(6), "", "the other host is waited for");
    insta::assert_snapshot!(room.waits(30), @r"
    Answer: ⏳ 1 of 3 services well, 1 not running, 1 not seen yet
    ⚪ kokoro — not deployed
    Updated 15 Jan 08:00 UTC
    ");
}

#[test]
fn a_message_that_was_edited_often_or_is_old_makes_room_for_a_new_one() {
    let mut room = Room::new();
    room.pins();
    room.dispatcher.dashboards.restore(vec![Dashboard { edits: 199, ..room.board() }]);
    room.later(60);
    room.says(ALICE, "!silence kokoro 1h");
    assert!(room.waits(6).starts_with("edit: 🟢"));
    room.later(60);
    room.says(ALICE, "!silence bridge 1h");
    assert!(room.waits(6).starts_with("Answer: 🟢"));
    assert_eq!(room.pinned(), Some(("dashboard/2/!ops", Some("dashboard/1/!ops"))));
    room.later(8 * 24 * 3_600);
    room.happens(Event::Tick);
    assert_eq!(room.waits(6), "Answer: 🟢 all 3 services well\nUpdated 23 Jan 08:02 UTC");
    assert_eq!(room.pinned(), Some(("dashboard/3/!ops", Some("dashboard/2/!ops"))));
}

#[test]
fn the_next_process_goes_on_with_the_same_message() {
    let mut room = Room::new();
    room.pins();
    let board = room.board();
    let mut next = Room::of_process(2, None);
    let watching = Watching {
        next_incident: 1,
        open: vec![],
        silences: vec![],
        checkpoints: vec![],
        dashboards: vec![board],
        found: vec![],
    };
    let now = next.now;
    assert_eq!(next.dispatcher.restore(watching, now), []);
    next.happens(Event::MayPin(RoomId::parse("!ops").unwrap()));
    assert_eq!(next.pinned(), Some(("dashboard/1/!ops", None)), "whether it was pinned is not known");
    insta::assert_snapshot!(next.waits(40), @r"
    edit: ⏳ 0 of 3 services well, 3 not seen yet
    Updated 15 Jan 08:00 UTC
    ");
    assert_eq!(next.keys(), ["dashboard/1/!ops#2.1"]);
}
