//! What happens to a service, and what is said of it.

use std::time::Duration;

use jiff::SignedDuration;

use super::world::{Lags, World};
use crate::domain::{
    change::Change,
    observation::{Death, Task},
    watch::{Closed, Finding, Intent, Kind, Missed, Policy, Problem, Who},
};

const MINUTE: i64 = 60_000;

#[test]
fn a_service_that_runs_is_no_news() {
    let mut world = World::new();
    world.after(60 * MINUTE);
    assert_eq!(world.found, []);
}

#[test]
fn three_deaths_are_one_page_and_a_steady_run_one_recovery() {
    let mut world = World::new();
    for _ in 0..5 {
        world.round(12_000, 1, 100);
    }
    assert_eq!(world.pages(), [Kind::CrashLoop]);
    assert_eq!(world.watch.open().unwrap().deaths, 5);
    world.after(59_000);
    assert_eq!(world.closings().len(), 0, "not believed yet");
    world.after(60 * MINUTE);
    assert!(matches!(world.closings()[..], [Closed::Recovered { .. }]), "{:?}", world.found);
}

#[test]
fn what_is_not_started_again_is_down_as_soon_as_somebody_has_looked() {
    let mut world = World::new();
    world.kept_up = false;
    world.crash(1).after(300);
    assert_eq!(world.pages(), [Kind::Exited]);
    let last = world.watch.open().unwrap().last.clone().unwrap();
    assert_eq!((last.death.code, last.ran.unwrap().as_hours()), (1, 24));
    world.after(30 * MINUTE).start_by_hand().after(5 * MINUTE);
    assert!(matches!(world.closings()[..], [Closed::Recovered { .. }]));
}

#[test]
fn one_death_that_was_mended_is_noted_and_rings_nobody() {
    let mut world = World::new();
    world.round(MINUTE, 1, 100).after(9_000);
    assert_eq!(world.found, []);
    world.after(5_000);
    assert_eq!(world.watch.open().unwrap().kind, Kind::Crashed);
    world.after(10 * MINUTE);
    assert_eq!((world.pages(), world.closings().len()), (vec![], 1));
}

#[test]
fn one_death_is_noted_also_when_well_is_said_of_what_ran_for_a_moment() {
    let policy = Policy { quiet: Duration::from_secs(3), ..Policy::default() };
    let mut world = World::with(policy, Lags { event: 20, look: 80, report: 40 });
    world.stop(0, 100).start_by_hand().after(1_000).crash(1).after(100).start().after(5 * MINUTE);
    assert!(matches!(world.found[..], [Finding::Opened(_), Finding::Closed(_)]), "{:?}", world.found);
}

#[test]
fn the_kernel_kills_it_for_memory() {
    let mut world = World::new();
    world.after(MINUTE).out_of_memory().after(100).start().after(1_000);
    assert_eq!(world.pages(), [Kind::OutOfMemory], "once is enough");
    assert!(world.watch.open().unwrap().last.as_ref().unwrap().death.oom);
}

#[test]
fn that_it_was_for_memory_may_be_told_after_the_death() {
    let mut world = World::new();
    world.after(MINUTE).out_of_memory_as_it_turns_out().after(15_000);
    assert_eq!(world.pages(), [Kind::OutOfMemory]);
    assert!(world.watch.open().unwrap().last.as_ref().unwrap().death.oom);
}

#[test]
fn sigkill_from_elsewhere_is_a_crash_and_docker_kill_is_not() {
    let mut world = World::new();
    world.kept_up = false;
    world.docker_kill().after(10 * MINUTE);
    assert_eq!(world.found, []);
    assert!(matches!(world.watch.intent(), Intent::Stopped { by: Who::Outside, .. }));
    world.start_by_hand().after(MINUTE).crash(137).after(1_000);
    assert_eq!(world.pages(), [Kind::Exited]);
}

#[test]
fn a_signal_to_read_its_config_again_excuses_no_later_crash() {
    let mut world = World::new();
    world.kept_up = false;
    world.signal(1).after(30_000).crash(1).after(1_000);
    assert_eq!(world.pages(), [Kind::Exited]);
}

#[test]
fn a_health_check_that_fails_and_recovers() {
    let mut world = World::new();
    world.health(true).after(5 * MINUTE).health(false).after(9_000);
    assert_eq!(world.found, []);
    world.after(2_000);
    assert_eq!(world.pages(), [Kind::Unhealthy]);
    world.after(MINUTE).health(true).after(5 * MINUTE);
    assert!(matches!(world.closings()[..], [Closed::Recovered { .. }]));
}

#[test]
fn in_turns_well_and_not_well_is_one_page() {
    let mut world = World::new();
    world.health(true).after(MINUTE);
    for _ in 0..20 {
        world.health(false).after(8_000).health(true).after(20_000);
    }
    assert_eq!(world.pages(), [Kind::Flapping]);
    assert_eq!(world.closings().len(), 0);
    world.after(30 * MINUTE);
    assert_eq!(world.closings().len(), 1);
}

#[test]
fn removed_and_not_back_within_a_minute_is_not_deployed_any_more() {
    let mut world = World::new();
    world.stop(0, 100).remove().after(50_000);
    assert_eq!(world.found, []);
    world.after(MINUTE);
    assert_eq!(world.pages(), [Kind::NotDeployed]);
}

#[test]
fn what_is_optional_may_be_absent_and_may_end_well() {
    let mut world =
        World::with(Policy { optional: true, ..Policy::default() }, Lags { event: 0, look: 10, report: 10 });
    world.kept_up = false;
    world.crash(0).after(10 * MINUTE).remove().after(10 * MINUTE);
    assert_eq!(world.found, []);
    world.create().start().after(MINUTE).crash(1).after(1_000);
    assert_eq!(world.pages(), [Kind::Exited]);
}

#[test]
fn a_task_that_fails_again_and_again_has_failed_so_often_and_is_in_no_loop() {
    // What is told comes before what is seen, and the other way round.
    for (event, look) in [(0, 500), (700, 10)] {
        let mut world = World::with(Policy::default(), Lags { event, look, report: 10 });
        (world.task, world.kept_up) = (Some(Task { next: None }), false);
        world.after(MINUTE).crash(0).after(MINUTE);
        for code in [3, 3, 0, 4] {
            world.start().after(1_000).crash(code).after(2_000);
        }
        world.after(MINUTE);
        assert_eq!(world.pages(), [Kind::Failed, Kind::Failed], "{event} {look}: {:?}", world.found);
    }
}

#[test]
fn who_stopped_it_is_told_apart() {
    let mut world = World::new();
    world
        .change(Change::Stop, true, |world| {
            world.stop(143, 2_000);
        })
        .after(60 * MINUTE);
    assert!(matches!(world.watch.intent(), Intent::Stopped { by: Who::Operator(_), .. }));
    world
        .change(Change::Start, true, |world| {
            world.start_by_hand();
        })
        .after(MINUTE);
    assert_eq!(world.watch.intent(), &Intent::Run);
    world.stop(143, 2_000).after(60 * MINUTE);
    assert!(matches!(world.watch.intent(), Intent::Stopped { by: Who::Outside, .. }));
    assert_eq!(world.found, []);
}

#[test]
fn a_stop_ends_a_loop_without_calling_it_recovered() {
    let mut world = World::new();
    for _ in 0..4 {
        world.round(1_000, 1, 100);
    }
    world
        .change(Change::Stop, true, |world| {
            world.stop(143, 100);
        })
        .after(60 * MINUTE);
    assert_eq!(world.pages(), [Kind::CrashLoop]);
    assert!(matches!(world.closings()[..], [Closed::Stopped(Who::Operator(_))]));
}

#[test]
fn a_restart_outside_of_a_loop_is_not_its_end() {
    let mut world = World::new();
    for _ in 0..4 {
        world.round(1_000, 1, 100);
    }
    world.stop(143, 100).after(2_000).start_by_hand();
    for _ in 0..4 {
        world.round(1_000, 1, 100);
    }
    assert_eq!((world.pages(), world.closings().len()), (vec![Kind::CrashLoop], 0));
}

#[test]
fn an_update_that_dies_and_goes_back_is_told_by_its_own_outcome() {
    let mut world = World::new();
    world.kept_up = false;
    world.change(Change::Update, false, |world| {
        world.stop(143, 100).remove().create().start().after(3_000);
        world.crash(1).after(2_000).remove().create().start().after(10_000);
    });
    world.after(30 * MINUTE);
    assert_eq!(world.found, []);
}

#[test]
fn an_update_that_leaves_it_down_is_a_page_with_what_came_before() {
    let mut world = World::new();
    world.kept_up = false;
    world.change(Change::Update, false, |world| {
        world.stop(143, 100).start().after(3_000).crash(1);
    });
    world.after(4_000);
    assert_eq!(world.pages(), [Kind::Exited]);
    assert!(world.watch.open().unwrap().after.is_some(), "{:?}", world.found);
}

#[test]
fn an_update_that_succeeded_and_then_dies_is_a_page() {
    let mut world = World::new();
    world.kept_up = false;
    world.change(Change::Update, true, |world| {
        world.stop(143, 100).remove().create().start().after(10_000);
    });
    world.after(30_000).crash(1).after(500);
    assert_eq!(world.pages(), [Kind::Exited]);
    assert!(world.watch.open().unwrap().after.is_some());
}

#[test]
fn the_engine_starts_anew_and_everything_comes_back() {
    let mut world = World::new();
    world.engine_restarts(3_000).after(30 * MINUTE);
    assert_eq!(world.found, []);
}

#[test]
fn the_engine_starts_anew_and_something_does_not_come_back() {
    let mut world = World::new();
    world.kept_up = false;
    world.engine_restarts(3_000).after(20_000);
    assert_eq!(world.found, [], "it has time to start its containers");
    world.after(30_000);
    assert_eq!(world.pages(), [Kind::Exited]);
}

#[test]
fn what_ended_with_its_host_and_runs_again_with_it_is_no_crash() {
    let mut world = World::new();
    // Past its engine, which would have told that it was to.
    world.crash(143).after(2_000).engine_restarts(30_000).start_by_hand().after(30 * MINUTE);
    assert_eq!(world.found, []);
    // What does not run again is down all the same.
    world.kept_up = false;
    world.crash(143).after(50).engine_restarts(30_000).after(2 * MINUTE);
    assert_eq!(world.pages(), [Kind::Exited]);
}

#[test]
fn what_was_stopped_before_stays_stopped_when_the_engine_starts_anew() {
    let mut world = World::new();
    world.kept_up = false;
    world.stop(0, 100).after(5 * MINUTE).engine_restarts(3_000).after(30 * MINUTE);
    assert_eq!(world.found, []);
}

#[test]
fn a_crash_while_the_stream_is_cut_is_told_when_it_is_back() {
    for (code, remembers) in [(1, true), (1, false), (137, true), (0, true)] {
        let mut world = World::new();
        world.kept_up = false;
        world.cut();
        world.after(2_000).crash(code).after(2_000).mend(remembers);
        world.after(5_000);
        assert_eq!(world.pages(), [Kind::Exited], "exit {code}, remembered: {remembers}");
    }
}

#[test]
fn a_stop_while_the_stream_is_cut_is_no_crash() {
    for (code, remembers) in [(1, true), (143, true), (143, false), (0, false), (137, false)] {
        let mut world = World::new();
        world.kept_up = false;
        world.cut();
        world.after(2_000).stop(code, 500).after(2_000).mend(remembers);
        world.after(30 * MINUTE);
        assert_eq!(world.found, [], "exit {code}, remembered: {remembers}");
    }
}

#[test]
fn what_is_kept_up_and_yet_down_was_stopped() {
    let mut world = World::new();
    world.cut();
    world.after(2_000).stop(1, 500).after(2_000).mend(false);
    world.after(30 * MINUTE);
    assert_eq!(world.found, []);
}

#[test]
fn a_look_that_tells_whether_an_end_was_asked_for_is_believed() {
    for (code, asked, found) in [(1, true, 0), (4, false, 1), (137, false, 1), (143, false, 1)] {
        for kept_up in [true, false] {
            let mut world = World::new();
            (world.kept_up, world.asked) = (kept_up, Some(asked));
            world.cut();
            world.after(2_000).stop(code, 500).after(2_000).mend(false);
            world.after(30 * MINUTE);
            assert_eq!(world.pages().len(), found, "exit {code}, asked: {asked}, kept up: {kept_up}");
        }
    }
}

#[test]
fn what_died_and_is_then_stopped_is_over() {
    let mut world = World::new();
    (world.kept_up, world.asked) = (false, Some(false));
    world.after(2_000).crash(7).after(MINUTE);
    assert_eq!(world.pages(), [Kind::Exited]);
    // Its runtime says at the next look that somebody does not want it any more.
    world.asked = Some(true);
    world.after(2 * MINUTE);
    assert_eq!(world.closings(), [&Closed::Stopped(Who::Outside)]);
}

#[test]
fn deaths_that_the_stream_missed_are_counted_from_looks() {
    let mut world = World::new();
    world.cut();
    for _ in 0..12 {
        world.round(12_000, 1, 100);
    }
    assert_eq!(world.pages(), [Kind::CrashLoop]);
    assert!(world.missed.contains(&Missed::Died(2)) || world.missed.contains(&Missed::Died(3)), "{:?}", world.missed);
}

fn opened(found: &Finding) -> Option<&Problem> {
    match found {
        Finding::Opened(problem) => Some(problem),
        Finding::Changed(_) | Finding::Closed(_) => None,
    }
}

#[test]
fn how_it_ended_is_known_from_what_was_told_when_it_runs_again_at_the_look() {
    // A look may be faster than what is told, and is under way when that comes.
    for (event, at) in [(20, 19_950), (2_000, 19_950), (20, 20_020)] {
        let mut world = World::with(Policy::default(), Lags { event, look: 80, report: 40 });
        world.after(at).dies_for_a_moment(9).after(MINUTE);
        let fall = world.found.first().and_then(opened).and_then(|problem| problem.last.clone());
        let fall = fall.expect("a crash with its end");
        assert_eq!(fall.death, Death::exit(9), "{event}, {at}");
        assert!(fall.ran.is_some_and(|ran| ran >= SignedDuration::from_hours(24)), "{event}, {at}: {fall:?}");
    }
}

#[test]
fn what_an_event_asked_to_look_at_was_not_missed() {
    let mut world = World::new();
    world.after(2_000).dies_for_a_moment(9).after(MINUTE).restarted_in_a_moment(0).after(MINUTE);
    assert_eq!(world.missed, []);
}

#[test]
fn another_look_does_not_forget_what_was_counted() {
    let mut world = World::with(Policy::default(), Lags { event: 2_000, look: 80, report: 40 });
    world.after(5_000).dies_for_a_moment(9).after(100).look();
    world.after(500).look();
    world.after(MINUTE);
    let last = world.found.first().and_then(opened).and_then(|problem| problem.last.clone());
    assert_eq!(last.map(|fall| fall.death), Some(Death::exit(9)));
}

#[test]
fn how_it_ended_is_not_taken_from_the_end_before() {
    // The word of a restart is late: it comes when the next end can be seen already.
    for kill_after in [1_880, 1_920, 2_500] {
        let mut world = World::with(Policy::default(), Lags { event: 2_000, look: 80, report: 40 });
        world.restarted_in_a_moment(0).after(100).look();
        world.after(kill_after).dies_for_a_moment(9).after(MINUTE);
        let ends: Vec<_> = world.found.iter().filter_map(opened).map(|problem| problem.last.clone().unwrap()).collect();
        assert_eq!(ends.iter().map(|fall| fall.death).collect::<Vec<_>>(), [Death::exit(9)], "{kill_after}");
    }
}

#[test]
fn a_loop_older_than_the_watch_is_found_at_first_sight() {
    let mut world = World::new();
    for _ in 0..6 {
        world.round(1_000, 1, 100);
    }
    world.crash(1);
    let watch = super::super::ServiceWatch::new(Policy::default(), None);
    world.watch = watch;
    world.found.clear();
    world.mend(false);
    world.after(1_000);
    assert_eq!(world.pages(), [Kind::CrashLoop]);
}

#[test]
fn what_is_known_goes_on_in_the_next_process() {
    let mut world = World::new();
    for _ in 0..4 {
        world.round(1_000, 1, 100);
    }
    let memory = serde_json::to_string(&world.watch.checkpoint()).unwrap();
    let mut watch = super::super::ServiceWatch::new(Policy::default(), None);
    watch.restore(serde_json::from_str(&memory).unwrap(), world.now);
    world.watch = watch;
    world.round(1_000, 1, 100).after(60 * MINUTE);
    assert_eq!((world.openings(), world.closings().len()), (1, 1), "{:?}", world.found);
}

#[test]
fn what_happened_out_of_sight_is_told_though_events_are_told_again() {
    for remembers in [true, false] {
        let mut world = World::new();
        world.watch.blinded(false, world.now);
        world.cut();
        world.after(500).stop(0, 100).start_by_hand().after(100).mend(remembers);
        world.after(5_000);
        assert_eq!((&world.missed[..], &world.found[..]), (&[Missed::Restarted][..], &[][..]), "{remembers}");
    }
}

#[test]
fn what_goes_down_again_after_somebody_started_it_is_told_each_time_until_it_flaps() {
    let mut world = World::new();
    world.kept_up = false;
    let relapses = |world: &World| world.watch.open().map(|open| (open.kind, open.relapses.len()));
    world.crash(1).after(1_000);
    assert_eq!(relapses(&world), Some((Kind::Exited, 0)));
    for times in 1..3 {
        world.after(MINUTE).start_by_hand().after(40_000);
        assert_eq!(relapses(&world).unwrap().1, times - 1, "that it was started is none yet");
        world.crash(1).after(4_000);
        assert_eq!(relapses(&world), Some((Kind::Exited, times)));
    }
    for _ in 0..3 {
        world.after(MINUTE).start_by_hand().after(40_000).crash(1).after(4_000);
        assert_eq!(relapses(&world), Some((Kind::Flapping, 3)), "it is told once that it flaps");
    }
    assert_eq!(world.pages(), [Kind::Exited], "all that is one problem");
    world.start_by_hand().after(60 * MINUTE);
    assert!(matches!(world.closings()[..], [Closed::Recovered { .. }]), "{:?}", world.found);
}

#[test]
fn what_goes_down_again_after_the_bots_own_start_is_told_again() {
    let mut world = World::new();
    world.kept_up = false;
    world.crash(1).after(MINUTE);
    let start = |world: &mut World| {
        world.start_by_hand().after(4_000);
    };
    world.change(Change::Start, true, start).after(30_000);
    assert_eq!(world.watch.open().unwrap().relapses.len(), 0);
    world.crash(1).after(4_000);
    assert_eq!(world.watch.open().unwrap().relapses.len(), 1);
}

#[test]
fn a_loop_that_goes_on_is_no_relapse() {
    let mut world = World::new();
    for _ in 0..12 {
        world.round(12_000, 1, 100);
    }
    let open = world.watch.open().unwrap();
    assert_eq!((open.kind, open.relapses.len()), (Kind::CrashLoop, 0));
}

#[test]
fn a_single_death_that_somebody_answered_is_over_after_quiet_however_long_it_had_run() {
    let mut world = World::new();
    world.kept_up = false;
    world.stop(0, 100).start_by_hand().after(14 * MINUTE).crash(1).after(MINUTE);
    world.start_by_hand().after(59_000);
    assert_eq!(world.closings().len(), 0);
    world.after(2_000);
    assert!(matches!(world.closings()[..], [Closed::Recovered { .. }]), "{:?}", world.found);
    // A loop has to run for longer than any of its rounds.
    let mut world = World::new();
    for _ in 0..3 {
        world.round(4 * MINUTE, 1, 100);
    }
    let before = world.closings().len();
    world.after(7 * MINUTE);
    assert_eq!(world.closings().len(), before);
    world.after(2 * MINUTE);
    assert_eq!(world.closings().len(), before + 1);
}

#[test]
fn what_took_its_place_is_known_whether_a_look_or_its_event_comes_first() {
    for at in (0..30_000).step_by(250) {
        let mut world = World::with(Policy::default(), Lags { event: 2_000, look: 80, report: 40 });
        world.kept_up = false;
        world.stop(0, 100).start_by_hand().after(at);
        world.docker_kill().remove().create().start().after(MINUTE).crash(3).after(MINUTE);
        let change = world.watch.open().expect("it is down").after.clone();
        assert!(change.is_some_and(|change| change.by == Who::Outside), "replaced {at} ms after a start");
    }
}
