//! What happens to the containers of a project that is one service.

use opsroom_lab::{Project, wait_until};

use super::scene::Scene;
use crate::stage::{LIMIT, Stage};

/// Ends with 7 as soon as somebody asks it to.
const ENDS: &str = "rm -f /tmp/end; while [ ! -e /tmp/end ]; do sleep 0.2; done; exit 7";

/// An application with a database, a worker that nothing starts again, and what sets them up once.
fn project(stage: &Stage, name: &str) -> Project {
    let plan = stage.host.project(name).compose("stop_grace_period: 1s");
    let plan = plan.neighbour("db", "sleep 1000", "unless-stopped").neighbour("worker", ENDS, "no");
    plan.neighbour("setup", "echo set up", "no").healthy()
}

fn docker(project: &Project, command: &str, member: &str) {
    project.host().run(&format!("docker {command} {}-{member}", project.container()));
}

fn compose(project: &Project, command: &str) {
    project.host().run(&format!("cd {} && docker compose {command} 2>&1", project.dir().display()));
}

#[track_caller]
fn ends(project: &Project, member: &str) {
    project.host().run(&format!("docker exec {}-{member} touch /tmp/end", project.container()));
    let state = format!("docker inspect -f '{{{{.State.Status}}}}' {}-{member}", project.container());
    wait_until(LIMIT, format_args!("{member} to end"), || {
        (project.host().run(&state).trim() == "exited").then_some(())
    });
}

#[test]
fn the_death_of_a_member_is_one_alarm() {
    let stage = Stage::set();
    let bridge = project(&stage, "bridge");
    let scene = Scene::of_projects(stage, &[&bridge]);
    docker(&bridge, "restart -t 0", "worker");
    ends(&bridge, "worker");
    scene.paged("bridge/worker is down");
    docker(&bridge, "start", "worker");
    scene.told("bridge recovered");
    scene.ends("of a project: a container dies, and nothing starts it again", 1);
}

#[test]
fn members_that_are_gone_are_one_alarm() {
    let stage = Stage::set();
    let bridge = project(&stage, "bridge");
    let scene = Scene::of_projects(stage, &[&bridge]);
    compose(&bridge, "down");
    scene.paged("is not deployed any more");
    bridge.deploy();
    scene.told("bridge recovered");
    // Which of them is up again last is a matter of luck.
    let any = |head: &str| head.replace("bridge/db", "bridge/app").replace("bridge/worker", "bridge/app");
    scene.ends_for("of a project: `docker compose down`", |alarms| alarms == 1, &any);
}

/// Each in its own way, all at the same time.
#[test]
fn what_people_do_to_a_project_is_no_alert() {
    let stage = Stage::set();
    let (stopped, bounced, anew) = (project(&stage, "alfa"), project(&stage, "bravo"), project(&stage, "charlie"));
    let (member, fewer, again) = (project(&stage, "delta"), project(&stage, "echo"), project(&stage, "foxtrot"));
    let web = "  web:\\n    image: opsroom-lab/base\\n    network_mode: host\\n    stop_grace_period: 1s\\n    command: [sleep, '1000']\\n";
    fewer.push(&format!("printf \"{web}\" >>compose.yaml && git commit -qam Web"), b"");
    fewer.host().run(&format!("git -C {} pull -q", fewer.dir().display()));
    compose(&fewer, "up -d --scale web=3");
    let rows = [
        (&stopped, "of a project: `docker compose stop`"),
        (&bounced, "of a project: `docker compose restart`"),
        (&anew, "of a project: `!restart`"),
        (&member, "of a project: `!stop` of one container"),
        (&fewer, "of a project: `docker compose up --scale` with fewer"),
        (&again, "of a project: its set-up runs again, and ends well"),
    ];
    let scene = Scene::of_projects_quietly(stage, &rows.map(|(project, _)| project));
    compose(&stopped, "stop");
    compose(&bounced, "restart");
    compose(&fewer, "up -d --scale web=1");
    docker(&again, "start", "setup");
    scene.changes("!restart charlie", "✅ charlie restarted");
    scene.changes("!stop delta/worker", "✅ delta/worker stopped");
    scene.ends_quietly(&rows);
}
