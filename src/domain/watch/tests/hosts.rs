//! Hosts that go and come back.

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    names::HostName,
    observation::{Disk, HostFacts, HostReport, SnapshotError},
    watch::{HostFinding, HostProblem, HostWatch, WatchSettings},
};

struct Story {
    watch: HostWatch,
    now: Timestamp,
    found: Vec<HostFinding>,
}

impl Story {
    fn new() -> Self {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let mut story = Self { watch: HostWatch::new(WatchSettings::default()), now, found: vec![] };
        story.answers();
        story
    }

    fn after(&mut self, seconds: i64) -> &mut Self {
        let until = self.now + SignedDuration::from_secs(seconds);
        while let Some(at) = self.watch.deadline().filter(|at| *at <= until) {
            let found = self.watch.tick(at.max(self.now));
            assert!(found.is_some(), "a deadline at which nothing is found");
            self.found.extend(found);
        }
        self.now = until;
        self
    }

    fn report(&mut self, facts: HostFacts, seen: Result<(), SnapshotError>) -> bool {
        let host = HostName::parse("spark-1").unwrap();
        let report = HostReport { host, began: self.now, at: self.now, facts, seen: seen.map(|()| vec![]) };
        let (rebooted, found) = self.watch.report(&report);
        self.found.extend(found);
        rebooted
    }

    fn answers(&mut self) -> &mut Self {
        self.report(HostFacts::default(), Ok(()));
        self
    }

    fn fails(&mut self, trouble: SnapshotError) -> &mut Self {
        self.report(HostFacts::default(), Err(trouble));
        self
    }
}

fn unreachable() -> SnapshotError {
    SnapshotError::Unreachable("no route".into())
}

#[test]
fn a_short_absence_is_nobodys_business() {
    let mut story = Story::new();
    story.after(30).fails(unreachable()).after(30).fails(unreachable()).after(10).answers().after(600).answers();
    assert_eq!(story.found, []);
}

#[test]
fn a_long_one_is_told_once_and_its_end_with_the_time_nothing_was_seen() {
    let mut story = Story::new();
    let seen = story.now;
    story.after(30).fails(unreachable());
    for _ in 0..10 {
        story.after(30).fails(unreachable());
    }
    assert!(matches!(story.found[..], [HostFinding::Opened(HostProblem::Unreachable { since, .. })] if since == seen));
    let back = story.after(30).now;
    story.answers().after(5);
    assert_eq!(story.found.len(), 1, "not believed yet");
    story.after(60).answers();
    assert_eq!(story.found[1..], [HostFinding::Seen { from: seen, to: back }]);
}

#[test]
fn an_engine_that_does_not_answer_is_told_from_a_host_that_does_not() {
    let mut story = Story::new();
    story.after(30).fails(SnapshotError::Engine("is the docker daemon running?".into())).after(20);
    assert!(matches!(story.found[..], [HostFinding::Opened(HostProblem::EngineDown { .. })]));
    story.after(10).fails(unreachable()).after(30).fails(unreachable());
    assert!(matches!(story.found[1..], [HostFinding::Changed(HostProblem::Unreachable { .. })]), "{:?}", story.found);
}

#[test]
fn not_having_been_asked_is_no_trouble() {
    let mut story = Story::new();
    story.fails(SnapshotError::Busy("too many questions".into())).after(600);
    assert_eq!(story.found, []);
}

#[test]
fn another_boot_is_noticed() {
    let mut story = Story::new();
    let boot = |boot: &str| HostFacts { boot: Some(boot.into()), ..HostFacts::default() };
    assert!(!story.report(boot("one"), Ok(())), "the first is no other");
    assert!(!story.report(boot("one"), Ok(())));
    assert!(!story.report(HostFacts::default(), Ok(())), "what is not told is not known");
    assert!(story.report(boot("two"), Ok(())));
}

#[test]
fn a_disk_that_fills_up_is_told_once_and_so_is_its_end() {
    let mut story = Story::new();
    let disk = |percent| Disk { mount: "/".into(), percent, free: 900 };
    for percent in [50, 89, 90, 91, 90, 89, 88, 87, 88, 89] {
        story.report(HostFacts { disks: vec![disk(percent)], ..HostFacts::default() }, Ok(()));
    }
    let told = story.found.iter().filter(|found| !matches!(found, HostFinding::Changed(_))).cloned();
    let opened = HostFinding::Opened(HostProblem::DiskFull(disk(90)));
    assert_eq!(told.collect::<Vec<_>>(), [opened, HostFinding::DiskFree(disk(87))]);
}
