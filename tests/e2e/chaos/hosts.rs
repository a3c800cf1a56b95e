//! What happens to a whole host: its network, its engine, its power.

use super::scene::{LIMITS, Scene, engine_of, hears, run_of, runs_anew, with_an_engine};
use crate::stage::Stage;
use opsroom_lab::Lab;

/// Two services are not two alarms.
#[test]
fn a_network_partition_is_one_alarm_for_all_services() {
    let stage = Stage::set();
    let (one, two) = (stage.host.project("one").healthy(), stage.host.project("two").healthy());
    let scene = Scene::set(stage, &[&one, &two], "snapshot_every = \"2s\"\nunreachable_after = \"3s\"\n");
    scene.host().link_down();
    scene.paged("unreachable");
    scene.host().link_up();
    scene.told("is back");
    hears(scene.host());
    scene.ends("its host cannot be reached for a while", 1);
}

/// All its containers end and start again, with the events of a stop by hand.
#[test]
fn an_engine_that_restarts_is_no_alert() {
    let stage = with_an_engine(Lab::connect().own_engine());
    let bridge = stage.host.project("bridge").healthy();
    let scene = Scene::quietly(stage, &[&bridge], LIMITS);
    let before = run_of(&bridge);
    engine_of(scene.host()).restart_daemon();
    runs_anew(&bridge, before.as_deref());
    hears(scene.host());
    scene.ends("the engine restarts", 0);
}

#[test]
fn an_engine_that_restarts_without_its_containers_is_no_alert() {
    let stage = with_an_engine(Lab::connect().plan_engine().live_restore().start());
    let bridge = stage.host.project("bridge").healthy();
    let scene = Scene::quietly(stage, &[&bridge], LIMITS);
    let before = run_of(&bridge);
    engine_of(scene.host()).restart_daemon();
    assert_eq!(run_of(&bridge), before);
    hears(scene.host());
    scene.ends("the engine restarts, and containers go on without it", 0);
}

#[test]
fn an_engine_that_stays_away_is_one_alarm() {
    let stage = with_an_engine(Lab::connect().own_engine());
    let bridge = stage.host.project("bridge").healthy();
    let scene = Scene::set(stage, &[&bridge], "snapshot_every = \"2s\"\nengine_after = \"3s\"\n");
    let before = run_of(&bridge);
    engine_of(scene.host()).stop_daemon();
    scene.paged("does not answer");
    engine_of(scene.host()).start_daemon();
    runs_anew(&bridge, before.as_deref());
    scene.told("is back");
    hears(scene.host());
    scene.ends("the engine is away for a while", 1);
}

/// Its containers are stopped, as by hand, then it is gone, and then everything
/// comes up again in another boot.
#[test]
fn a_reboot_is_no_alert() {
    let stage = with_an_engine(Lab::connect().own_engine());
    let bridge = stage.host.project("bridge").healthy();
    let scene = Scene::quietly(stage, &[&bridge], LIMITS);
    let before = run_of(&bridge);
    engine_of(scene.host()).stop_daemon();
    scene.host().power_off();
    engine_of(scene.host()).start_daemon();
    scene.host().power_on();
    runs_anew(&bridge, before.as_deref());
    hears(scene.host());
    scene.ends("its host reboots", 0);
}
