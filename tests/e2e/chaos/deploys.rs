//! New versions, through the bot and past it.

use super::scene::Scene;
use crate::stage::Stage;
use opsroom_lab::Project;

/// What somebody does by hand on the host.
pub(super) fn deploys_by_hand(project: &Project) {
    project.host().run(&format!("cd {} && git pull -q", project.dir().display()));
    project.deploy();
}

/// Whoever asked for it is called; the watch, which saw the deaths, adds nothing.
#[test]
fn an_update_that_is_taken_back_is_told_once() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let scene = Scene::set(stage, &[&bridge], "");
    bridge.push_crashing();
    scene.changes("!update bridge", "🔴 update of bridge failed in verify");
    scene.ends("`!update` to a version that dies, which is taken back", 1);
}

#[test]
fn a_deploy_outside_that_dies_is_one_alarm_that_names_the_deploy() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let scene = Scene::set(stage, &[&bridge], "");
    bridge.push_crashing();
    deploys_by_hand(&bridge);
    let alarm = scene.paged("bridge crash loop");
    assert!(alarm.text().contains("after another container took its place, outside of me"), "{}", alarm.text());
    bridge.push_running();
    deploys_by_hand(&bridge);
    scene.told("bridge recovered");
    scene.ends("`docker compose up -d --build` of a version that dies", 1);
}
