//! What people, the kernel and the application itself do to one service.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use opsroom_lab::{Host, Project};

use super::{
    deploys::deploys_by_hand,
    scene::{LIMITS, Scene, run_of, runs_anew, started_just_now},
};
use crate::stage::{LIMIT, Stage};

/// A service that may have 16 MiB.
fn limited(host: &Host, name: &str) -> Project {
    host.project(name).compose("mem_limit: 16m").compose("memswap_limit: 16m").healthy()
}

/// A process beside its first wants more memory than there is, and the kernel ends it.
#[track_caller]
fn loses_a_process(project: &Project) {
    // Of the container's processes this is the one that the kernel is to choose.
    let wants = "echo 1000 >/proc/self/oom_score_adj; x=$(head -c 200000000 /dev/zero | tr '\\0' a)";
    let ended = project.host().engine().try_docker(&["exec", project.container(), "sh", "-c", wants]);
    assert_eq!(ended.status.code(), Some(137), "{ended:?}");
}

/// What the engine tells of it first. It keeps the last 256 events only, and of one such death there may be hundreds.
#[track_caller]
fn tells_of_oom(project: &Project, happens: impl FnOnce()) -> String {
    let engine = project.host().engine();
    let since: u64 = project.host().run("date +%s").trim().parse().expect("a time");
    let (until, container) = (since + LIMIT.as_secs(), format!("container={}", project.container()));
    let (since, until) = (since.to_string(), until.to_string());
    let args = ["events", "--since", &since, "--until", &until, "--filter", "event=oom", "--filter", &container];
    let mut events = engine.command().args(args).stdout(Stdio::piped()).spawn().expect("docker events");
    happens();
    let mut told = String::new();
    BufReader::new(events.stdout.take().expect("its output")).read_line(&mut told).expect("an event");
    events.kill().expect("it can be ended");
    events.wait().expect("it has ended");
    told
}

#[test]
fn a_fresh_install_says_nothing_of_what_it_finds() {
    let stage = Stage::set();
    let up = stage.host.project("up").healthy();
    let stopped = stage.host.project("stopped").healthy();
    let absent = stage.host.project("absent").not_deployed();
    stage.host.run(&format!("docker stop {}", stopped.container()));
    let scene = Scene::quietly(stage, &[&up, &stopped, &absent], LIMITS);
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

/// Each in its own way, all at the same time.
#[test]
fn what_people_do_is_no_alert_whether_through_the_bot_or_past_it() {
    let stage = Stage::set();
    let healthy = |name: &str| stage.host.project(name).healthy();
    let (stopped, halted, bounced, anew) = (healthy("alfa"), healthy("bravo"), healthy("charlie"), healthy("delta"));
    let (killed, updated, deployed) = (healthy("echo"), healthy("foxtrot"), healthy("golf"));
    let (imageless, greedy) = (healthy("hotel"), limited(&stage.host, "india"));
    let rows = [
        (&stopped, "`docker stop`"),
        (&halted, "`!stop`"),
        (&bounced, "`docker restart`"),
        (&anew, "`!restart`"),
        (&killed, "`docker kill`"),
        (&updated, "`!update`"),
        (&deployed, "`docker compose up -d --build`"),
        (&imageless, "the image of its container is removed"),
        (&greedy, "a process beside its first runs out of memory"),
    ];
    let scene = Scene::quietly(stage, &rows.map(|(service, _)| service), LIMITS);
    let docker = |command: &str, of: &Project| scene.host().run(&format!("docker {command} {}", of.container()));
    docker("stop", &stopped);
    docker("restart", &bounced);
    docker("kill", &killed);
    killed.wait_for_state("exited");
    deployed.push_commit("hello again");
    deploys_by_hand(&deployed);
    // The container goes on with what it has of the image.
    let image = imageless.inspect("{{.Config.Image}}").expect("its image");
    scene.host().run(&format!("docker rmi -f {image}"));
    assert_eq!(imageless.state(), "running");
    // The engine tells of it as of the other, and the service goes on.
    let before = run_of(&greedy);
    loses_a_process(&greedy);
    scene.changes("!stop bravo", "✅ bravo stopped");
    scene.changes("!restart delta", "✅ delta restarted");
    updated.push_commit("hello again");
    scene.changes("!update foxtrot", "✅ foxtrot updated");
    assert_eq!(run_of(&greedy), before, "the kernel chose another process");
    scene.ends_quietly(&rows);
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

/// The kernel does it, because of the container's own limit.
///
/// Where the container is gone before its engine looks at what the kernel said
/// of it, which a busy machine makes it, the engine never tells of it. So the
/// kernel is made to say it once before, of a process beside the first.
#[test]
fn running_out_of_memory_is_one_alarm_that_says_so() {
    let stage = Stage::set();
    let bridge = limited(&stage.host, "bridge");
    let scene = Scene::set(stage, &[&bridge], "");
    started_just_now(&bridge);
    let before = run_of(&bridge);
    let told = tells_of_oom(&bridge, || loses_a_process(&bridge));
    assert!(told.contains("oom"), "the engine told nothing of it: {told:?}");
    assert_eq!(run_of(&bridge), before, "the kernel chose another process");
    bridge.leak_memory();
    runs_anew(&bridge, before.as_deref());
    scene.paged("bridge out of memory");
    scene.told("bridge recovered");
    scene.ends("out of memory", 1);
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
