//! What must hold whatever happens, and however late it is told.

use proptest::prelude::*;

use super::world::{Lags, World, backoff};
use crate::domain::{
    change::Change,
    watch::{Closed, Finding, Kind, Policy},
};

/// Something that people do to a service, and that succeeds.
#[derive(Debug, Clone)]
enum Act {
    Wait(i64),
    StopAndStart { code: i64, took: i64, down: i64 },
    Restart { code: i64, took: i64 },
    KillAndStart { down: i64 },
    Recreate { code: i64, gap: i64 },
    Reload,
    PauseAndResume { frozen: i64 },
    EngineRestart { down: i64 },
    StopByBot { code: i64, took: i64, down: i64 },
    RestartByBot { code: i64, took: i64 },
    UpdateByBot { code: i64, took: i64, verify: i64 },
    UpdateRolledBack { code: i64, ran: i64 },
    StreamCut { ms: i64 },
}

fn acts() -> impl Strategy<Value = Act> {
    let code = prop_oneof![Just(0i64), Just(1), Just(137), Just(143), 2..130i64];
    let took = 0..12_000i64;
    prop_oneof![
        (0..200_000i64).prop_map(Act::Wait),
        (code.clone(), took.clone(), 0..400_000i64).prop_map(|(code, took, down)| Act::StopAndStart {
            code,
            took,
            down
        }),
        (code.clone(), took.clone()).prop_map(|(code, took)| Act::Restart { code, took }),
        (0..400_000i64).prop_map(|down| Act::KillAndStart { down }),
        (code.clone(), 0..50_000i64).prop_map(|(code, gap)| Act::Recreate { code, gap }),
        Just(Act::Reload),
        (0..400_000i64).prop_map(|frozen| Act::PauseAndResume { frozen }),
        (0..20_000i64).prop_map(|down| Act::EngineRestart { down }),
        (code.clone(), took.clone(), 0..400_000i64).prop_map(|(code, took, down)| Act::StopByBot { code, took, down }),
        (code.clone(), took.clone()).prop_map(|(code, took)| Act::RestartByBot { code, took }),
        (code.clone(), took, 0..20_000i64).prop_map(|(code, took, verify)| Act::UpdateByBot { code, took, verify }),
        (code, 0..20_000i64).prop_map(|(code, ran)| Act::UpdateRolledBack { code, ran }),
        (0..10_000i64).prop_map(|ms| Act::StreamCut { ms }),
    ]
}

fn lags() -> impl Strategy<Value = Lags> {
    (0..900i64, 0..900i64, 0..900i64).prop_map(|(event, look, report)| Lags { event, look, report })
}

fn perform(world: &mut World, act: &Act) {
    match *act {
        Act::Wait(ms) => {
            world.after(ms);
        }
        Act::StopAndStart { code, took, down } => {
            world.stop(code, took).after(down).start_by_hand();
        }
        Act::Restart { code, took } => {
            world.stop(code, took).start_by_hand();
        }
        Act::KillAndStart { down } => {
            world.docker_kill().after(down).start_by_hand();
        }
        Act::Recreate { code, gap } => {
            world.stop(code, 100).remove().after(gap).create().start();
        }
        Act::Reload => {
            world.signal(1);
        }
        Act::PauseAndResume { frozen } => {
            world.pause().after(frozen).resume();
        }
        Act::EngineRestart { down } => {
            world.engine_restarts(down);
        }
        Act::StopByBot { code, took, down } => {
            world.change(Change::Stop, true, |world| {
                world.stop(code, took);
            });
            world.after(down).change(Change::Start, true, |world| {
                world.start_by_hand().after(3_000);
            });
        }
        Act::RestartByBot { code, took } => {
            world.change(Change::Restart, true, |world| {
                world.stop(code, took).start_by_hand().after(3_000);
            });
        }
        Act::UpdateByBot { code, took, verify } => {
            world.change(Change::Update, true, |world| {
                world.after(20_000).stop(code, took).remove().create().start().after(verify);
            });
        }
        Act::UpdateRolledBack { code, ran } => {
            world.change(Change::Update, false, |world| {
                world.stop(143, 100).remove().create().start().after(ran).crash(code).after(500);
                world.remove().create().start().after(10_000);
            });
        }
        Act::StreamCut { ms } => {
            world.cut();
            world.after(ms).mend(true);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn changes_by_people_that_succeed_never_alert(
        acts in prop::collection::vec(acts(), 1..25), lags in lags(), pause in 0..60_000i64,
    ) {
        let mut world = World::with(Policy::default(), lags);
        for act in &acts {
            perform(&mut world, act);
            world.after(pause);
        }
        world.after(600_000);
        prop_assert_eq!(&world.found, &[]);
    }

    #[test]
    fn any_loop_is_paged_once_and_never_called_recovered(
        run in 1..300_000i64, code in 0..256i64, oom: bool, lags in lags(), blind in prop::option::of(1..5usize),
    ) {
        let mut world = World::with(Policy::default(), lags);
        let mut wait = None;
        for round in 0..20 {
            // The stream may be gone for rounds on end.
            match blind {
                Some(every) if round % every == 0 => world.cut(),
                Some(every) if round % every == every / 2 => world.mend(false),
                Some(_) | None => {}
            }
            world.after(run);
            if oom { world.out_of_memory() } else { world.crash(code) };
            let backoff = backoff(wait.take(), run);
            wait = Some(backoff);
            world.after(i64::try_from(backoff.as_millis()).unwrap()).start();
        }
        prop_assert_eq!(world.watch.open().map(|open| open.kind), Some(Kind::CrashLoop), "{:?}", world.found);
        if blind.is_none() {
            let pages = world.pages().into_iter().filter(|kind| *kind == Kind::CrashLoop).count();
            // A first kill for memory may be over before the second shows that it was a loop's.
            prop_assert!(pages == 1 || (oom && pages == 0), "{:?}", world.found);
            let at = |wanted: fn(&Finding) -> bool| world.found.iter().rposition(wanted);
            let looped = at(|f| matches!(f, Finding::Opened(p) | Finding::Changed(p) if p.kind == Kind::CrashLoop));
            prop_assert!(at(|f| matches!(f, Finding::Closed(_))) < looped, "{:?}", world.found);
        }
    }

    #[test]
    fn a_loop_of_any_period_is_told_within_its_third_round(run in 1..240_000i64, lags in lags()) {
        let mut world = World::with(Policy::default(), lags);
        let mut wait = None;
        for _ in 0..3 {
            world.after(run).crash(1);
            let backoff = backoff(wait.take(), run);
            wait = Some(backoff);
            world.after(i64::try_from(backoff.as_millis()).unwrap()).start();
        }
        world.after(lags.event);
        prop_assert_eq!(world.pages(), [Kind::CrashLoop], "{:?}", world.found);
    }

    #[test]
    fn what_ends_is_resolved_exactly_once(
        rounds in 1..12usize, run in 1..60_000i64, kept_up: bool, lags in lags(),
    ) {
        let mut world = World::with(Policy::default(), lags);
        world.kept_up = kept_up;
        for _ in 0..rounds {
            world.after(run).crash(3).after(15_000);
            if kept_up { world.start() } else { world.start_by_hand() };
        }
        world.after(3_600_000);
        prop_assert_eq!(world.openings(), world.closings().len());
        let recovered = world.closings().iter().all(|closed| matches!(closed, Closed::Recovered { .. }));
        prop_assert!(recovered && world.openings() >= 1, "{:?}", world.found);
        prop_assert!(world.watch.open().is_none());
        if rounds >= 3 {
            prop_assert_eq!(world.openings(), 1, "{:?}", world.found);
        }
    }
}
