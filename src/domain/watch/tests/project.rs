//! What happens to the members of a project, and what is said of it.

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    change::Change,
    member::Member,
    names::{MemberName, ServiceName, UserId},
    observation::{Death, Observation, State},
    origin::Actor,
    project::fold,
    runtime::{EventKind, RuntimeEvent},
    watch::{
        Closed, Finding, Intent, Kind, LastChange, Policy, Snapshot, Standing, Who,
        project::{ProjectCheckpoint, ProjectWatch},
    },
};

/// A project whose members run, and a clock.
struct World {
    watch: ProjectWatch,
    members: Vec<(Member, State)>,
    now: Timestamp,
    found: Vec<Finding>,
}

fn member(name: &str) -> Member {
    let (part, number) = name.rsplit_once('-').map_or((name, 1), |(part, number)| (part, number.parse().unwrap()));
    Member { part: MemberName::parse(part).unwrap(), number }
}

impl World {
    fn of(members: &[&str]) -> Self {
        let watch = ProjectWatch::new(Policy::default(), None);
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let members = members.iter().map(|name| (member(name), State::Running)).collect();
        let mut world = Self { watch, members, now, found: Vec::new() };
        world.look();
        world
    }

    fn look(&mut self) {
        let service = ServiceName::parse("cloud").unwrap();
        let seen = self.members.iter().map(|(member, state)| {
            let seen = Observation::bare(service.clone(), self.now, state.clone());
            (member.clone(), Observation { id: Some(format!("{}{}", member.part, member.number)), ..seen })
        });
        let seen = fold(service.clone(), self.now, seen.collect());
        let began = self.now - SignedDuration::from_millis(50);
        self.found.extend(self.watch.snapshot(&seen, Snapshot { began, rebooted: false }).0);
    }

    fn tell(&mut self, name: &str, kind: EventKind) {
        let (member, project) = (member(name), "cloud".to_owned());
        let id = format!("{}{}", member.part, member.number);
        let event = RuntimeEvent { id, name: name.to_owned(), of: Some((project, member)), at: self.now, kind };
        self.found.extend(self.watch.event(&event, self.now));
    }

    fn is(&mut self, name: &str, state: State) {
        let name = member(name);
        self.members.iter_mut().find(|(member, _)| *member == name).unwrap().1 = state;
    }

    /// It ends by itself, and stays like that.
    fn dies(&mut self, name: &str, code: i64) {
        self.tell(name, EventKind::Died { code });
        self.is(name, State::Exited(Death::exit(code)));
        self.after(1);
        self.look();
    }

    fn starts(&mut self, name: &str) {
        self.tell(name, EventKind::Started);
        self.is(name, State::Running);
    }

    fn after(&mut self, seconds: i64) {
        let until = self.now + SignedDuration::from_secs(seconds);
        while let Some(at) = self.watch.deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.found.extend(self.watch.tick(self.now));
        }
        self.now = until;
        self.found.extend(self.watch.tick(self.now));
    }

    /// What is wrong: the member, how, the others, how often to be told anew.
    fn wrong(&self) -> Option<(&str, Kind, &[String], usize)> {
        let open = self.watch.open()?;
        Some((open.member.as_deref().unwrap(), open.kind, &open.also, open.notices()))
    }

    fn opened(&self) -> usize {
        self.found.iter().filter(|found| matches!(found, Finding::Opened(_))).count()
    }

    fn closed(&self) -> Vec<&Closed> {
        let closed = self.found.iter().filter_map(|found| match found {
            Finding::Closed(closed) => Some(closed),
            Finding::Opened(_) | Finding::Changed(_) => None,
        });
        closed.collect()
    }
}

#[test]
fn a_project_that_runs_and_one_whose_setup_is_done_are_no_news() {
    let mut world = World::of(&["db", "web", "setup"]);
    world.dies("setup", 0);
    world.after(3_600);
    world.look();
    assert_eq!((&world.found[..], world.watch.standing()), (&[][..], Standing::Up));
}

#[test]
fn a_setup_that_fails_is_a_problem_of_its_project() {
    let mut world = World::of(&["db", "setup"]);
    world.dies("setup", 1);
    assert_eq!(world.wrong(), Some(("setup", Kind::Exited, &[][..], 0)));
}

#[test]
fn what_falls_together_is_one_problem_and_what_falls_later_is_told_anew() {
    let mut world = World::of(&["cache", "db", "web"]);
    world.dies("db", 3);
    assert_eq!(world.wrong(), Some(("db", Kind::Exited, &[][..], 0)));
    world.after(5);
    world.dies("web", 1);
    assert_eq!(world.wrong(), Some(("db", Kind::Exited, &["web".to_owned()][..], 0)));
    world.after(600);
    world.dies("cache", 1);
    assert_eq!(world.wrong(), Some(("db", Kind::Exited, &["cache".to_owned(), "web".to_owned()][..], 1)));
    assert_eq!(world.opened(), 1);
}

#[test]
fn it_is_over_when_the_last_of_them_is_well() {
    let mut world = World::of(&["db", "web"]);
    world.dies("db", 3);
    world.dies("web", 1);
    world.after(10);
    world.starts("db");
    world.after(400);
    assert_eq!(world.wrong(), Some(("web", Kind::Exited, &[][..], 0)));
    world.starts("web");
    world.after(400);
    assert!(world.wrong().is_none());
    let [Closed::Recovered { lasted, .. }] = world.closed()[..] else { panic!("{:?}", world.found) };
    assert!(lasted.as_secs() > 400, "{lasted}: from the first of them on");
}

#[test]
fn a_member_that_is_gone_is_missed_and_one_of_several_of_a_kind_is_not() {
    let mut world = World::of(&["db", "web-1", "web-2"]);
    world.members.retain(|(one, _)| *one != member("web-2"));
    world.look();
    world.after(120);
    assert_eq!(world.found, [], "there are fewer of them, and still one");
    let mut world = World::of(&["db", "web-1", "web-2"]);
    world.tell("web-2", EventKind::Killed { signal: Some(15) });
    world.tell("web-2", EventKind::Died { code: 143 });
    world.tell("web-2", EventKind::Removed);
    world.after(120);
    assert_eq!(world.found, [], "nor if nobody looks");
    world.members.retain(|(one, _)| *one != member("web-2"));
    world.members.retain(|(one, _)| *one != member("db"));
    world.look();
    world.after(120);
    assert_eq!(world.wrong(), Some(("db", Kind::NotDeployed, &[][..], 0)));
}

fn changed(change: Change, at: Timestamp) -> LastChange {
    let by = Who::Operator(Actor::Person(UserId::parse("@alice:example.org").unwrap()));
    LastChange { change: Some(change), by, version: None, succeeded: true, at }
}

#[test]
fn what_an_update_leaves_out_is_forgotten() {
    let mut world = World::of(&["db", "old", "web"]);
    world.watch.change_begins(Change::Update, None);
    world.tell("old", EventKind::Killed { signal: Some(15) });
    world.tell("old", EventKind::Died { code: 143 });
    world.tell("old", EventKind::Removed);
    world.members.retain(|(one, _)| *one != member("old"));
    world.after(5);
    world.found.extend(world.watch.change_ended(Some(&changed(Change::Update, world.now)), world.now));
    world.after(1);
    world.look();
    world.after(600);
    assert_eq!((&world.found[..], world.watch.members().count()), (&[][..], 2));
}

#[test]
fn a_change_of_one_member_excuses_that_one_alone() {
    let mut world = World::of(&["db", "web"]);
    world.watch.change_begins(Change::Restart, Some("db"));
    world.dies("db", 1);
    assert_eq!(world.found, []);
    world.dies("web", 1);
    assert_eq!(world.wrong(), Some(("web", Kind::Exited, &[][..], 0)));
}

#[test]
fn what_only_a_version_had_that_was_taken_back_is_not_missed() {
    let mut world = World::of(&["db", "web"]);
    world.watch.change_begins(Change::Update, None);
    world.members.push((member("new"), State::Running));
    world.starts("new");
    world.look();
    world.tell("new", EventKind::Removed);
    world.members.retain(|(one, _)| *one != member("new"));
    let failed = LastChange { succeeded: false, ..changed(Change::Update, world.now) };
    world.found.extend(world.watch.change_ended(Some(&failed), world.now));
    world.after(1);
    world.look();
    world.after(600);
    assert_eq!(world.found, []);
}

#[test]
fn a_restart_forgets_nothing_that_is_missed() {
    let mut world = World::of(&["db", "web"]);
    world.members.retain(|(one, _)| *one != member("db"));
    world.look();
    world.after(120);
    assert_eq!(world.wrong(), Some(("db", Kind::NotDeployed, &[][..], 0)));
    world.watch.change_begins(Change::Restart, Some("web"));
    world.found.extend(world.watch.change_ended(Some(&changed(Change::Restart, world.now)), world.now));
    world.after(1);
    world.look();
    world.after(120);
    assert_eq!(world.wrong(), Some(("db", Kind::NotDeployed, &[][..], 0)));
}

#[test]
fn a_setup_that_failed_is_over_once_it_has_done_its_work() {
    let mut world = World::of(&["db", "setup"]);
    world.dies("setup", 1);
    assert_eq!(world.wrong(), Some(("setup", Kind::Exited, &[][..], 0)));
    world.after(60);
    world.starts("setup");
    world.dies("setup", 0);
    world.after(30);
    assert!(world.wrong().is_none(), "{:?}", world.wrong());
    assert!(matches!(world.closed()[..], [Closed::Recovered { .. }]), "{:?}", world.found);
}

#[test]
fn what_ran_when_its_engine_went_is_not_done_however_it_ended() {
    let mut world = World::of(&["db", "web"]);
    world.tell("web", EventKind::Killed { signal: Some(15) });
    world.tell("web", EventKind::Died { code: 0 });
    world.watch.blinded(true, world.now);
    world.is("web", State::Exited(Death::exit(0)));
    world.after(5);
    world.look();
    world.after(60);
    world.look();
    world.after(60);
    assert_eq!(world.wrong(), Some(("web", Kind::Exited, &[][..], 0)));
}

#[test]
fn what_somebody_stopped_is_left_alone_by_a_restart_of_all() {
    let mut world = World::of(&["db", "web"]);
    world.watch.change_begins(Change::Stop, Some("web"));
    world.tell("web", EventKind::Killed { signal: Some(15) });
    world.tell("web", EventKind::Died { code: 143 });
    world.is("web", State::Exited(Death::exit(143)));
    world.found.extend(world.watch.change_ended(Some(&changed(Change::Stop, world.now)), world.now));
    world.after(5);
    world.watch.change_begins(Change::Restart, None);
    world.found.extend(world.watch.change_ended(Some(&changed(Change::Restart, world.now)), world.now));
    world.after(1);
    world.look();
    world.after(600);
    assert_eq!(world.found, []);
    let stopped = world.watch.members().find(|(one, _)| **one == member("web")).unwrap().1.intent().clone();
    assert!(matches!(stopped, Intent::Stopped { by: Who::Operator(_), .. }), "{stopped:?}");
}

#[test]
fn a_member_that_falls_again_while_another_keeps_it_open_is_told_anew() {
    let mut world = World::of(&["db", "web"]);
    world.dies("db", 3);
    world.after(100);
    world.dies("web", 1);
    let before = world.wrong().unwrap().3;
    world.starts("db");
    world.after(400);
    world.dies("db", 3);
    assert_eq!(world.wrong().unwrap().3, before + 1);
}

#[test]
fn who_stopped_all_of_it_is_known_and_that_is_no_problem() {
    let mut world = World::of(&["db", "web"]);
    world.watch.change_begins(Change::Stop, None);
    for name in ["web", "db"] {
        world.tell(name, EventKind::Killed { signal: Some(15) });
        world.tell(name, EventKind::Died { code: 0 });
        world.is(name, State::Exited(Death::exit(0)));
    }
    world.found.extend(world.watch.change_ended(Some(&changed(Change::Stop, world.now)), world.now));
    world.after(1);
    world.look();
    world.after(600);
    assert_eq!(world.found, []);
    assert!(
        matches!(world.watch.standing(), Standing::Stopped(Some(Who::Operator(_)))),
        "{:?}",
        world.watch.standing()
    );
}

#[test]
fn a_later_process_goes_on_with_what_is_wrong() {
    let mut world = World::of(&["db", "web"]);
    world.dies("db", 3);
    let kept = serde_json::to_string(&world.watch.checkpoint()).unwrap();
    let kept: ProjectCheckpoint = serde_json::from_str(&kept).unwrap();
    world.watch = ProjectWatch::new(Policy::default(), None);
    world.watch.restore(kept, world.now);
    world.found.clear();
    world.after(30);
    world.look();
    world.after(60);
    assert_eq!((world.opened(), world.wrong()), (0, Some(("db", Kind::Exited, &[][..], 0))));
}

#[test]
fn what_is_not_seen_is_not_guessed() {
    let mut world = World::of(&["db"]);
    let service = ServiceName::parse("cloud").unwrap();
    let unknown = Observation::bare(service, world.now, State::Unknown("docker says no".into()));
    world.after(60);
    assert_eq!(world.watch.snapshot(&unknown, Snapshot { began: world.now, rebooted: false }), (None, None));
    assert_eq!(world.watch.members().count(), 1);
}
