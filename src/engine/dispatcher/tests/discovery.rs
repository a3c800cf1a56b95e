//! Services that are in no config.

use super::*;
use crate::domain::{
    discovery::{Found, Shown, Sought},
    names::ProjectName,
    pattern::Pattern,
    roster::{FoundService, Listing},
};

/// A room in which whatever is called like that on spark-2 becomes a service.
fn room(allow: &[&str], rights: Rights) -> Room {
    let mut room = Room::new();
    discovers(&mut room, allow, rights);
    room
}

fn discovers(room: &mut Room, allow: &[&str], rights: Rights) {
    let allow = allow.iter().map(|pattern| Pattern::parse(pattern).unwrap()).collect();
    let (sought, gone_after) = (Sought::default(), Duration::from_secs(600));
    let policy = crate::domain::discovery::Policy { allow, sought, rights, gone_after, logins: vec![] };
    Arc::make_mut(&mut room.dispatcher.inventory).hosts[1].discover = Some(policy);
}

fn found(workload: Workload, parts: &[&str]) -> Found {
    let parts = parts.iter().map(|part| ContainerName::parse(part).unwrap()).collect();
    Found { workload, parts, dir: None, state: "running".to_owned() }
}

fn container(name: &str) -> Found {
    found(Workload::Docker(ContainerName::parse(name).unwrap()), &[])
}

fn project(name: &str, parts: &[&str]) -> Found {
    found(Workload::Project(ProjectName::parse(name).unwrap()), parts)
}

/// Docker on spark-2 shows these.
fn shows(room: &mut Room, found: Vec<Found>) -> String {
    let listing = Listing { login: None, runtime: "Docker", shown: Shown { found, refused: vec![], logins_own: true } };
    let host = HostName::parse("spark-2").unwrap();
    room.happens(Event::Discovered { host, listings: vec![listing], complaints: vec![] })
}

/// What the ledger has of what was found.
fn kept(room: &Room) -> Vec<FoundService> {
    let kept = room.effects.iter().filter_map(|effect| match effect {
        Effect::Record(Entry::Found(found)) => Some((**found).clone()),
        _ => None,
    });
    kept.collect()
}

#[test]
fn what_is_found_is_said_once_and_is_a_service_from_then_on() {
    let mut room = room(&["web-*", "cloud"], Rights::Read);
    let said = shows(&mut room, vec![project("cloud", &["cloud-db-1"]), container("web-1"), container("secret")]);
    insta::assert_snapshot!(said, @r"
    Answer: 🔎 2 services found on spark-2, read-only
    · cloud — project
    · web-1 — container
    ");
    let managed: Vec<String> = room
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Manage { host, services } => {
                Some(format!("{host}: {:?}", services.iter().map(|s| s.name.as_str()).collect::<Vec<_>>()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(managed, [r#"spark-2: ["parakeet", "cloud", "web-1"]"#]);
    assert_eq!(shows(&mut room, vec![project("cloud", &["cloud-db-1"]), container("web-1")]), "");
    assert_eq!(kept(&room), []);

    assert_eq!(room.says(ALICE, "!status web-1"), "");
    let output = room.up("web-1", 2);
    let said = room.reports(room.ticket(), "spark-2", &output);
    assert!(said.contains("web-1 — up 2 h"), "{said}");
}

#[test]
fn what_was_found_may_be_done_with_what_the_host_says_and_no_more() {
    let mut only_read = room(&["*"], Rights::Read);
    shows(&mut only_read, vec![container("web")]);
    insta::assert_snapshot!(only_read.says(ALICE, "!restart web"), @r#"Answer: web was found, not configured: it can only be looked at — not restarted. To allow it, set may = "restart" in its host's discover."#);
    insta::assert_snapshot!(only_read.says(ALICE, "!update web"), @"Answer: web was found, not configured: it can only be looked at — not updated. To be updated it needs a [[service]]: opsroom discover prints the lines.");

    let mut restart = room(&["*"], Rights::Restart);
    shows(&mut restart, vec![container("web")]);
    let said = restart.says(ALICE, "!restart web");
    assert!(said.contains("Restarting web"), "{said}");
    insta::assert_snapshot!(restart.says(ALICE, "!update web"), @"Answer: web was found, not configured: it can only be restarted, stopped and started — not updated. To be updated it needs a [[service]]: opsroom discover prints the lines.");
    insta::assert_snapshot!(restart.says(VERA, "!restart web"), @"Answer: !restart takes the role operator; you are viewer here. An admin can change that in the config.");
}

#[test]
fn what_is_not_shown_for_ten_minutes_is_gone_and_its_alert_with_it() {
    let mut room = room(&["*"], Rights::Read);
    shows(&mut room, vec![container("web"), container("db")]);
    assert_eq!(shows(&mut room, vec![container("db")]), "");
    let missing = kept(&room);
    assert!(missing[0].missing_since.is_some());
    room.later(300);
    assert_eq!(shows(&mut room, vec![container("web"), container("db")]), "", "it was only deployed anew");
    assert_eq!(kept(&room)[0].missing_since, None);
    assert_eq!(shows(&mut room, vec![container("db")]), "");
    room.later(601);
    insta::assert_snapshot!(shows(&mut room, vec![container("db")]), @"Answer: ➖ Gone from spark-2: web");
    assert!(room.effects.contains(&Effect::Record(Entry::Gone(ServiceName::parse("web").unwrap()))));
    let said = room.says(ALICE, "!logs web");
    assert!(said.contains("web"), "{said}");
    assert_eq!(shows(&mut room, vec![container("web"), container("db")]), "", "it may be gone in a moment");
    room.later(11);
    let said = shows(&mut room, vec![container("web"), container("db")]);
    assert!(said.starts_with("Answer: 🔎 web found on spark-2 — container, read-only"), "{said}");
}

#[test]
fn what_somebody_stopped_is_not_gone_when_nothing_shows_it() {
    let mut room = room(&["*"], Rights::Restart);
    shows(&mut room, vec![container("web"), container("db")]);
    room.says(ALICE, "!stop web");
    let after = "/web|x|exited|2027-01-15T07:00:00Z|2027-01-15T07:59:00Z|0|0|false|";
    room.job(&format!("::before x\n::phase switch 1\nweb\n::after {after}\n::done 3\n"), Some(0));
    room.later(700);
    assert_eq!(shows(&mut room, vec![container("db")]), "");
    room.later(700);
    assert_eq!(shows(&mut room, vec![container("db")]), "");
    let said = room.says(ALICE, "!start web");
    assert!(said.contains("Starting web"), "{said}");
}

#[test]
fn a_login_that_cannot_be_asked_for_its_own_loses_nothing() {
    let mut room = room(&["*"], Rights::Read);
    let own = Workload::Podman(ContainerName::parse("pod").unwrap());
    let shows = |room: &mut Room, found, logins_own| {
        let listing = Listing { login: None, runtime: "Podman", shown: Shown { found, refused: vec![], logins_own } };
        let host = HostName::parse("spark-2").unwrap();
        room.happens(Event::Discovered { host, listings: vec![listing], complaints: vec![] })
    };
    shows(&mut room, vec![found(own, &[])], true);
    for _ in 0..3 {
        room.later(700);
        assert_eq!(shows(&mut room, vec![], false), "");
    }
    shows(&mut room, vec![], true);
    room.later(700);
    assert_eq!(shows(&mut room, vec![], true), "Answer: ➖ Gone from spark-2: pod");
}

#[test]
fn an_alert_about_what_is_no_service_any_more_ends_with_the_next_start() {
    let mut first = room(&["*"], Rights::Read);
    shows(&mut first, vec![container("web")]);
    let cause = crate::domain::incident::Cause::Service(crate::domain::watch::Problem {
        kind: crate::domain::watch::Kind::CrashLoop,
        since: first.now,
        deaths: 3,
        last: None,
        after: None,
        relapses: vec![],
        flapping: false,
        member: None,
        alone: false,
        also: vec![],
        notices: None,
    });
    let subject = Subject::Service(ServiceName::parse("web").unwrap());
    let id = crate::domain::incident::IncidentId(4);
    let mut open = crate::domain::incident::Incident::new(id, subject, cause, first.now);
    (open.said, open.told_with) = (Some(crate::domain::watch::Level::Page), Some(id));
    let mut next = Room::of_process(2, Some(first.now));
    let watching = Watching {
        next_incident: 5,
        open: vec![open],
        silences: vec![],
        checkpoints: vec![],
        dashboards: vec![],
        found: kept(&first),
    };
    let now = next.now;
    let effects = next.dispatcher.restore(watching, now);
    assert!(said(&effects).contains("Answer: ⚪ web — no service any more"), "{}", said(&effects));
    assert!(next.says(ALICE, "!alerts").contains("No alert is open"));
}

#[test]
fn a_runtime_that_does_not_answer_takes_nothing_away_and_is_told_once() {
    let mut room = room(&["*"], Rights::Read);
    shows(&mut room, vec![container("web")]);
    let host = HostName::parse("spark-2").unwrap();
    let complains = |room: &mut Room| {
        let complaints = vec!["spark-2: Docker says exit 1: permission denied".to_owned()];
        room.later(700);
        room.happens(Event::Discovered { host: host.clone(), listings: vec![], complaints })
    };
    assert_eq!(complains(&mut room), "", "it may be about to end");
    insta::assert_snapshot!(complains(&mut room), @r"
    Answer: ⚠️ Cannot see everything that runs on spark-2
    spark-2: Docker says exit 1: permission denied
    I go on trying; opsroom discover spark-2 on my machine shows what is said.
    ");
    assert_eq!(complains(&mut room), "");
    assert!(room.dispatcher.inventory.service(&ServiceName::parse("web").unwrap()).is_some());
}

#[test]
fn the_next_process_has_what_was_found_under_the_same_names() {
    let mut room = room(&["*"], Rights::Restart);
    // "bridge" is a service of the other host.
    shows(&mut room, vec![container("bridge"), container("web")]);
    let found = kept(&room);
    let names: Vec<&str> = found.iter().map(|found| found.name.as_str()).collect();
    assert_eq!(names, ["bridge-spark-2", "web"]);

    let watching = |found| Watching {
        next_incident: 1,
        open: vec![],
        silences: vec![],
        checkpoints: vec![],
        dashboards: vec![],
        found,
    };
    let mut next = Room::of_process(2, Some(room.now));
    discovers(&mut next, &["*"], Rights::Restart);
    let now = next.now;
    assert_eq!(next.dispatcher.restore(watching(found.clone()), now), []);
    let said = next.says(ALICE, "!restart bridge-spark-2");
    assert!(said.contains("Restarting bridge-spark-2"), "{said}");
    assert_eq!(shows(&mut next, vec![container("bridge"), container("web")]), "");

    // The config allows one of them no more.
    let mut next = Room::of_process(3, Some(room.now));
    discovers(&mut next, &["web"], Rights::Restart);
    let forgotten = Effect::Record(Entry::Gone(ServiceName::parse("bridge-spark-2").unwrap()));
    assert_eq!(next.dispatcher.restore(watching(found), now), [forgotten]);
}

#[test]
fn a_project_of_which_a_part_is_a_service_already_is_none() {
    let mut room = room(&["*"], Rights::Read);
    assert_eq!(shows(&mut room, vec![project("voice", &["parakeet", "voice-db-1"])]), "");
}

#[test]
fn a_host_cannot_bring_more_than_anybody_could_look_at() {
    let mut room = room(&["*"], Rights::Read);
    let many = (0..250).map(|n| container(&format!("c{n:03}"))).collect();
    let said = shows(&mut room, many);
    assert!(said.starts_with("Answer: 🔎 200 services found on spark-2, read-only\n· c000 — container"), "{said}");
    insta::assert_snapshot!(said.lines().skip(16).collect::<Vec<_>>().join("\n"), @r"
    and 185 more — !status spark-2: shows them.
    ⚠️ 50 more left out: a host may have at most 200 found services. Narrow its discover.
    ");
    let many: Vec<Found> = (0..251).map(|n| container(&format!("c{n:03}"))).collect();
    assert_eq!(shows(&mut room, many.clone()), "");
    room.later(11);
    assert_eq!(
        shows(&mut room, many.clone()),
        "Answer: 🔎 spark-2\n⚠️ 51 more left out: a host may have at most 200 found services. Narrow its discover."
    );
    assert_eq!(shows(&mut room, many), "");
}
