//! Who changes what at the same time, cancelling it, and what is known afterwards.

use opsroom_lab::{
    EventId, Host, Message, Project, Speaker as _, containing,
    message::{Expected, reply_to},
    wait_until, where_,
};

use crate::{
    outcome::outcome,
    stage::{LIMIT, Stage},
    survives::reaches,
};

/// Processes of jobs and of what they run, on the host.
fn processes(host: &Host) -> String {
    host.run("ps -eo args | grep -E 'opsroom/jobs|docker (compose|buildx)' | grep -v grep || true")
}

/// Containers on the engine that a recreate was cut off in.
fn half_renamed(project: &Project) -> String {
    let name = format!("name=^[0-9a-f]{{12}}_{}$", project.container());
    project.host().engine().docker(&["ps", "-a", "-q", "--filter", &name])
}

/// Waits until a job on the host has been told to end: who tells it then waits, and counts how often.
fn is_told_to_end(host: &Host) {
    let waits = "for teller in $(pgrep -f '[i] % 3'); do pgrep -P $teller -x sleep; done || true";
    wait_until(LIMIT, "the job to be told to end", || (!host.run(waits).is_empty()).then_some(()));
}

fn localpart(stage: &Stage) -> &str {
    let user = stage.alice.user();
    user.trim_start_matches('@').split(':').next().unwrap_or(user)
}

fn cancelled(stage: &Stage, phase: &str) -> String {
    format!("✋ update of bridge was cancelled by {} in {phase}", localpart(stage))
}

#[test]
fn of_two_operators_at_once_one_changes_it_and_the_other_is_told_who() {
    let stage = Stage::set();
    let bob = stage.lab.person("bob");
    stage.alice.invites(&stage.room, &bob);
    bob.joins(&stage.room);
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().operator(&bob).service(&bridge).start();
    bridge.slow_build(3);
    let asked = std::thread::scope(|scope| {
        let alice = scope.spawn(|| stage.alice.says(&stage.room, "!update bridge"));
        let bob = scope.spawn(|| bob.says(&stage.room, "!update bridge"));
        [alice.join().unwrap(), bob.join().unwrap()]
    });
    let reads = || stage.room.reads(&stage.alice).within(LIMIT);
    let either = asked.each_ref().map(reply_to).into_iter().reduce(Expected::or).unwrap();
    let done = reads().next_from(&bot, containing("✅ bridge updated").and(outcome()).and(either));
    let refused = |to: &EventId| reads().reply_to(to, containing("✋ bridge is updating already (#1, asked by "));
    let [first, second] = &asked;
    let (begun, other) = if reply_to(first).holds(&done) { (first, second) } else { (second, first) };
    assert!(refused(other).text().contains("!cancel 1 cancels it"), "{}", reads().transcript());
    let answers = reads().messages_from(&bot);
    let to = |event| answers.iter().filter(|m| reply_to(event).holds(m)).collect::<Vec<_>>();
    assert_eq!(to(other).len(), 1, "{}", reads().transcript());
    assert_eq!(to(begun).iter().filter(|m| outcome().holds(m)).count(), 1, "{}", reads().transcript());
    assert_eq!(stage.host.run("ls ~/.local/state/opsroom/jobs | wc -l").trim(), "1");
}

#[test]
fn a_build_that_is_cancelled_leaves_no_process_and_nothing_changed() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).start();
    let (commit, container) = (bridge.commit(), bridge.inspect("{{.Id}} {{.State.StartedAt}}"));
    bridge.slow_build(600);
    let asked = stage.alice.says(&stage.room, "!update bridge");
    reaches(&stage.host, "build");
    let reads = || stage.room.reads(&stage.alice).within(LIMIT);
    assert!(stage.ask(&bot, "!ops").text().contains("#1 update of bridge · build"));
    assert_ne!(processes(&stage.host), "");

    let cancel = stage.alice.says(&stage.room, "!cancel 1");
    reads().reply_to(&cancel, containing("it has ended, and none of its processes is left"));
    let told = reads().next_from(&bot, outcome().and(reply_to(&asked)));
    assert!(told.text().starts_with(&cancelled(&stage, "build")), "{}", told.text());
    assert!(told.text().contains("What was running was left alone."), "{}", told.text());
    assert_eq!((bridge.commit(), bridge.inspect("{{.Id}} {{.State.StartedAt}}")), (commit, container));
    assert_eq!((processes(&stage.host).as_str(), half_renamed(&bridge).as_str()), ("", ""));

    // The next one is not held up by it, and the past is on record.
    bridge.push("git revert --no-edit HEAD >/dev/null", b"");
    stage.result_of(&bot, "!update bridge", "✅ bridge updated");
    let history = stage.ask(&bot, "!history bridge");
    assert!(history.text().contains(&cancelled(&stage, "build")), "{}", history.text());
    assert!(history.text().contains(&format!("#2 by {}, ", localpart(&stage))), "{}", history.text());
    let of_one = stage.alice.says(&stage.room, "!history #1");
    let file = reads().next_from(&bot, where_("it is a file", Message::is_file).and(reply_to(&of_one)));
    let script = String::from_utf8(stage.alice.downloads(&file)).unwrap();
    assert!(script.contains("docker compose") && script.contains(bridge.container()), "{script}");
    let verified = bot.tool(&["audit", "verify"]);
    assert!(verified.status.success(), "while the bot runs: {verified:?}");
    let tail = String::from_utf8(bot.tool(&["audit", "tail"]).stdout).unwrap();
    for what in ["\"what\":\"began\"", "\"what\":\"called off\"", "\"outcome\":\"cancelled\"", "\"said\":\"!cancel 1\""]
    {
        assert!(tail.contains(what), "{what}: {tail}");
    }
    assert!(stage.ask(&bot, "!cancel bridge").text().starts_with("Nothing that bridge names is in progress"));
}

#[test]
fn a_switch_that_is_cancelled_is_taken_back_and_nothing_is_half_renamed() {
    let stage = Stage::set();
    // It does not listen when it is told to stop: the switch lasts until somebody ends it, however late the word comes.
    let bridge =
        stage.host.project("bridge").compose("stop_grace_period: 10m").compose("stop_signal: SIGCONT").healthy();
    let bot = stage.bot().service_with(&bridge, "update = { verify = \"3s\" }").start();
    let (commit, image) = (bridge.commit(), bridge.inspect("{{.Image}}"));
    let container = bridge.inspect("{{.Id}}").expect("it runs");
    // The new version listens: the way back is not held up.
    bridge.push("sed -i /stop_signal/d compose.yaml && echo again >greeting && git commit -qam 'Listen'", b"");
    let asked = stage.alice.says(&stage.room, "!update bridge");
    reaches(&stage.host, "switch");
    let cancel = stage.alice.says(&stage.room, "!cancel bridge");
    is_told_to_end(&stage.host);
    stage.host.run(&format!("docker kill {container}"));
    let reads = || stage.room.reads(&stage.alice).within(LIMIT);
    let told = reads().next_from(&bot, outcome().and(reply_to(&asked)));
    assert!(told.text().starts_with(&cancelled(&stage, "switch")), "{}", told.text());
    assert!(told.text().contains(&format!("↩️ Back at {}: it runs and holds", &commit[..7])), "{}", told.text());
    assert_eq!((bridge.commit(), bridge.inspect("{{.Image}}"), bridge.state().as_str()), (commit, image, "running"));
    // Who told it to end looks once a second whether it has.
    wait_until(LIMIT, "no process to be left", || processes(&stage.host).is_empty().then_some(()));
    assert_eq!(half_renamed(&bridge), "");
    reads().reply_to(&cancel, containing("Cancelled #1, the update of bridge"));
}

#[test]
fn a_version_that_cannot_be_put_in_place_is_taken_back() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service_with(&bridge, "update = { verify = \"3s\" }").start();
    let commit = bridge.commit();
    bridge.push("echo '    entrypoint: [/nonexistent]' >>compose.yaml && git commit -qam 'No such program'", b"");
    let told = stage.result_of(&bot, "!update bridge", "🔴 update of bridge failed in switch");
    assert!(told.text().contains("/nonexistent"), "the engine's own error: {}", told.text());
    assert!(
        told.text().contains(&format!("↩️ Back at {}: it runs and holds. It was down for", &commit[..7])),
        "{}",
        told.text()
    );
    assert_eq!((bridge.commit(), bridge.state().as_str()), (commit, "running"));
}
