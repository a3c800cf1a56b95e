//! Loops, as fast and as slow as they come.

use super::scene::{Scene, has_run, started_just_now};
use crate::stage::Stage;

/// Slower than the engine's own longest pause, and slower than most rules about
/// restarts look: the third death in a quarter of an hour is a loop all the same.
/// What the first two deaths look like nobody can know better. It is mended
/// through the bot, because to see by itself that a loop this slow has ended
/// takes two rounds of it.
#[test]
fn a_loop_of_over_a_minute_is_one_alarm() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let scene = Scene::set(stage, &[&bridge], "");
    // Well for longer than it had ever run: that is believed once.
    started_just_now(&bridge);
    bridge.crash_every(70);
    scene.told("bridge crashed");
    scene.told("bridge recovered");
    scene.told("bridge crashed");
    scene.paged("bridge crash loop");
    bridge.stop_crashing();
    scene.changes("!restart bridge", "✅ bridge restarted");
    scene.told("bridge recovered");
    scene.ends("it crashes every 70 s", 1);
}

/// Always up when a poller looks: the engine starts it again at once.
#[test]
fn a_loop_of_seconds_that_looks_up_is_one_alarm() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let scene = Scene::set(stage, &[&bridge], "");
    // Rounds that are not longer than what it ran before are not believed to be its recovery.
    has_run(&bridge, 10);
    bridge.crash_every(12);
    scene.told("bridge crashed");
    scene.paged("bridge crash loop");
    bridge.stop_crashing();
    scene.told("bridge recovered");
    scene.ends("it crashes every 12 s", 1);
}

/// The engine's pauses grow to a minute meanwhile.
#[test]
fn a_fast_loop_is_one_alarm() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let scene = Scene::set(stage, &[&bridge], "");
    bridge.crash_every(1);
    scene.paged("bridge crash loop");
    bridge.wait_for_restarts(5);
    bridge.stop_crashing();
    scene.told("bridge recovered");
    scene.ends("it crashes every second", 1);
}
