//! What people, the kernel and the application itself do to one service.

use super::scene::{Scene, run_of, runs_anew};
use crate::stage::Stage;
use opsroom_lab::{Project, containing, message::reply_to};

/// A service that was started just now: how long it has to be well in the end
/// depends on how long it ran before it fell.
fn started_just_now(project: &Project) {
    project.host().run(&format!("docker restart -t 0 {}", project.container()));
}

#[test]
fn a_fresh_install_says_nothing_of_what_it_finds() {
    let stage = Stage::set();
    let up = stage.host.project("up").healthy();
    let stopped = stage.host.project("stopped").healthy();
    let absent = stage.host.project("absent").not_deployed();
    stage.host.run(&format!("docker stop {}", stopped.container()));
    let scene = Scene::set(stage, &[&up, &stopped, &absent], "");
    scene.ends("fresh install: one runs, one is stopped, one was never deployed", 0);
}

#[test]
fn a_fresh_install_tells_of_the_crash_loop_it_finds() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").crash_loops();
    bridge.wait_for_restarts(4);
    let scene = Scene::set(stage, &[&bridge], "");
    scene.paged("bridge crash loop");
    bridge.push_running();
    scene.host().run(&format!("cd {} && git pull -q", bridge.dir().display()));
    bridge.deploy();
    scene.told("bridge recovered");
    scene.ends("fresh install next to a crash loop", 1);
}

#[test]
fn what_somebody_stops_outside_is_no_alert() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let scene = Scene::set(stage, &[&bridge], "");
    scene.host().run(&format!("docker stop {}", bridge.container()));
    scene.ends("`docker stop`", 0);
}

#[test]
fn what_somebody_stops_through_the_bot_is_its_answer() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let scene = Scene::set(stage, &[&bridge], "");
    scene.changes("!stop bridge", "✅ bridge stopped");
    scene.ends("`!stop`", 0);
}

#[test]
fn a_restart_outside_is_no_alert() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let scene = Scene::set(stage, &[&bridge], "");
    scene.host().run(&format!("docker restart {}", bridge.container()));
    scene.ends("`docker restart`", 0);
}

#[test]
fn a_restart_through_the_bot_is_its_answer() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let scene = Scene::set(stage, &[&bridge], "");
    scene.changes("!restart bridge", "✅ bridge restarted");
    scene.ends("`!restart`", 0);
}

/// A signal that somebody sends through the engine is meant.
#[test]
fn what_somebody_kills_through_the_engine_is_no_alert() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let scene = Scene::set(stage, &[&bridge], "");
    scene.host().run(&format!("docker kill {}", bridge.container()));
    bridge.wait_for_state("exited");
    scene.ends("`docker kill`", 0);
}

#[test]
fn one_death_that_its_policy_mends_is_told_without_a_push() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let scene = Scene::set(stage, &[&bridge], "");
    started_just_now(&bridge);
    let before = run_of(&bridge);
    bridge.sigkill();
    runs_anew(&bridge, before.as_deref());
    scene.told("bridge crashed");
    scene.told("bridge recovered");
    scene.ends("its process is killed, and its policy starts it again", 0);
}

#[test]
fn one_death_that_nothing_mends_is_one_alarm() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    stage.host.run(&format!("docker update --restart no {}", bridge.container()));
    let scene = Scene::set(stage, &[&bridge], "");
    started_just_now(&bridge);
    bridge.sigkill();
    scene.paged("bridge is down");
    scene.host().run(&format!("docker start {}", bridge.container()));
    scene.told("bridge recovered");
    scene.ends("its process is killed, and nothing starts it again", 1);
}

#[test]
fn a_container_that_is_gone_is_one_alarm() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let scene = Scene::set(stage, &[&bridge], "");
    bridge.remove();
    scene.paged("bridge is not deployed any more");
    bridge.deploy();
    scene.told("bridge recovered");
    scene.ends("its container is removed", 1);
}

/// The container goes on with what it has of the image.
#[test]
fn an_image_that_is_gone_is_no_alert() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let scene = Scene::set(stage, &[&bridge], "");
    let image = bridge.inspect("{{.Config.Image}}").expect("its image");
    scene.host().run(&format!("docker rmi -f {image}"));
    assert_eq!(bridge.state(), "running");
    scene.ends("the image of its container is removed", 0);
}

/// The kernel does it, because of the container's own limit.
#[test]
fn running_out_of_memory_is_one_alarm_that_says_so() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").compose("mem_limit: 16m").compose("memswap_limit: 16m").healthy();
    let scene = Scene::set(stage, &[&bridge], "");
    started_just_now(&bridge);
    let before = run_of(&bridge);
    bridge.leak_memory();
    runs_anew(&bridge, before.as_deref());
    scene.paged("bridge out of memory");
    scene.told("bridge recovered");
    scene.ends("out of memory", 1);
}

/// The engine tells of it as it tells of the other, and the service goes on.
#[test]
fn a_child_that_runs_out_of_memory_is_no_alert() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").compose("mem_limit: 16m").compose("memswap_limit: 16m").healthy();
    let scene = Scene::set(stage, &[&bridge], "");
    let before = run_of(&bridge);
    let greedy = "x=$(head -c 200000000 /dev/zero | tr '\\0' a)";
    let killed = bridge.host().engine().try_docker(&["exec", bridge.container(), "sh", "-c", greedy]);
    assert_eq!(killed.status.code(), Some(137), "{killed:?}");
    scene.nothing_is_different(&bridge, before);
    scene.ends("a process beside its first runs out of memory", 0);
}

#[test]
fn a_health_check_that_fails_is_one_alarm() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").with_health_check().healthy();
    let scene = Scene::set(stage, &[&bridge], "");
    bridge.become_unhealthy();
    scene.paged("bridge is unhealthy");
    bridge.become_healthy();
    scene.told("bridge recovered");
    scene.ends("its health check fails and recovers", 1);
}

impl Scene {
    /// Alice asks for a change, and it comes about.
    #[track_caller]
    pub(super) fn changes(&self, command: &str, result: &str) {
        let asked = self.stage.alice.says(&self.stage.room, command);
        self.reads().next_from(&self.bot, containing(result).and(reply_to(&asked)));
    }

    /// It is still the run it was.
    #[track_caller]
    fn nothing_is_different(&self, project: &Project, before: Option<String>) {
        assert_eq!(run_of(project), before);
    }
}
