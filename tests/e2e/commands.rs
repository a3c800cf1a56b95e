//! Every command that changes a service, on every state a service can be in.

use opsroom_lab::{EventId, Project, where_};

use crate::stage::{LIMIT, Stage};

/// Names of the services, which are the states they are in.
const STATES: [&str; 7] = ["running", "looping", "failed", "paused", "created", "absent", "unreachable"];

/// Says the command to a service in each state at once; each answer's first line begins as expected.
fn on_each_state(command: &str, expected: [&str; 7]) {
    let stage = Stage::set();
    let (host, far) = (&stage.host, stage.lab.host("spark-2"));
    let projects: [Project; 7] = [
        host.project("running").healthy(),
        host.project("looping").crash_loops(),
        host.project("failed").exits(3),
        host.project("paused").healthy(),
        host.project("created").not_deployed(),
        host.project("absent").not_deployed(),
        far.project("unreachable").healthy(),
    ];
    let [_, looping, _, paused, created, ..] = &projects;
    looping.wait_for_restarts(3);
    host.run(&format!("docker pause {}", paused.container()));
    host.run(&format!("cd {} && docker compose up --no-start", created.dir().display()));
    let plan = projects.iter().fold(stage.bot(), |plan, project| {
        plan.service_with(project, "update = { verify = \"2s\", healthy_within = \"2s\" }")
    });
    let bot = plan.start();
    assert!(stage.ask(&bot, "!status unreachable").text().starts_with("🟢"));
    far.link_down();
    let asked: Vec<EventId> =
        STATES.iter().map(|name| stage.alice.says(&stage.room, &format!("!{command} {name}"))).collect();
    let reads = stage.room.reads(&stage.alice).within(LIMIT);
    for ((name, asked), expected) in STATES.iter().zip(&asked).zip(expected) {
        let over = where_("that is the outcome", |m| !m.text().starts_with('⏳'));
        let told = reads.reply_to(asked, over);
        assert!(told.text().starts_with(expected), "{name}: expected {expected:?}: {}", told.text());
        if let Some(why) = tool_says(name, expected) {
            // In the message that rings, which may come after the last text of the other.
            let rings = where_(format!("it says {why:?}"), move |m| m.text().contains(why));
            reads.reply_to(asked, rings);
        }
    }
}

/// The tool's own words for a failure.
fn tool_says(state: &str, expected: &str) -> Option<&'static str> {
    let failed = expected.starts_with('🔴');
    match state {
        // Caught between two of its deaths, a loop runs and has no exit to show.
        "looping" if failed => Some("it started and died"),
        "failed" if failed => Some("it started and died: exit"),
        "paused" if failed => Some("paused container"),
        "absent" if failed => Some("No such container"),
        "unreachable" => Some("here is no route to"),
        _ => None,
    }
}

#[test]
fn restart() {
    on_each_state(
        "restart",
        [
            "✅ running restarted in ",
            "🔴 restart of looping failed in verify",
            "🔴 restart of failed failed in verify",
            "✅ paused restarted in ",
            "✅ created restarted in ",
            "🔴 restart of absent failed in switch",
            "🔴 restart of unreachable was not started",
        ],
    );
}

#[test]
fn stop() {
    on_each_state(
        "stop",
        [
            "✅ running stopped in ",
            "✅ looping stopped in ",
            "✅ failed stopped in ",
            "✅ paused stopped in ",
            "✅ created stopped in ",
            "🔴 stop of absent failed in switch",
            "🔴 stop of unreachable was not started",
        ],
    );
}

#[test]
fn start() {
    on_each_state(
        "start",
        [
            "✅ running started in ",
            "🔴 start of looping failed in verify",
            "🔴 start of failed failed in verify",
            "🔴 start of paused failed in switch",
            "✅ created started in ",
            "✅ absent started in ",
            "🔴 start of unreachable was not started",
        ],
    );
}

#[test]
fn update() {
    on_each_state(
        "update",
        [
            "✅ running updated in ",
            "🔴 update of looping failed in verify",
            "🔴 update of failed failed in verify",
            "🔴 update of paused failed in switch",
            "✅ created updated in ",
            "✅ absent updated in ",
            "🔴 update of unreachable was not started",
        ],
    );
}
