//! Restart, stop, start and update, with what the containers show.

use opsroom_lab::{Message, containing, message::reply_to, page};
use std::time::Duration;

use crate::{outcome::outcome, stage::Stage};

#[test]
fn a_service_is_restarted_stopped_and_started() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).start();
    let started = bridge.inspect("{{.State.StartedAt}}");
    let reads = || stage.room.reads(&stage.alice).within(Duration::from_secs(60));

    let ack = stage.ask(&bot, "!restart bridge");
    assert!(ack.history()[0].starts_with("⏳ Restarting bridge"), "{:?}", ack.history());
    reads().until(&ack.id, containing("✅ bridge restarted"));
    assert_ne!(bridge.inspect("{{.State.StartedAt}}"), started);
    assert_eq!(bridge.state(), "running");

    let ack = stage.ask(&bot, "!stop bridge");
    reads().until(&ack.id, containing("✅ bridge stopped"));
    assert_eq!(bridge.state(), "exited");
    assert!(stage.ask(&bot, "!status bridge").text().contains("bridge — stopped"));

    let ack = stage.ask(&bot, "!start bridge");
    reads().until(&ack.id, containing("✅ bridge started"));
    assert_eq!(bridge.state(), "running");
}

#[test]
fn what_cannot_be_started_is_told_with_the_tools_own_error() {
    let stage = Stage::set();
    let absent = stage.host.project("absent").not_deployed();
    let bot = stage.bot().service(&absent).start();
    let asked = stage.alice.says(&stage.room, "!restart absent");
    let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(60));
    let told = reads.next_from(&bot, page(&stage.alice).and(reply_to(&asked)));
    assert!(told.text().contains("restart of absent failed"), "{}", told.text());
    assert!(told.text().to_lowercase().contains("no such container"), "{}", told.text());
    let ack = stage.ask(&bot, "!start absent");
    let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(120));
    reads.until(&ack.id, containing("✅ absent started"));
    assert_eq!(absent.state(), "running");
}

#[test]
fn an_update_brings_the_new_commit_and_keeps_the_secrets() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).start();
    let (old, secret) = (bridge.commit(), bridge.secret());
    let new = bridge.push_commit("a new greeting");
    let asked = stage.alice.says(&stage.room, "!update bridge");
    let reads = || stage.room.reads(&stage.alice).within(Duration::from_secs(180));
    let done = reads().next_from(&bot, containing("✅ bridge updated").and(outcome()).and(reply_to(&asked)));
    assert!(done.text().contains(&format!("{} → {} (1 commit)", &old[..7], &new[..7])), "{}", done.text());
    assert_eq!((bridge.commit(), bridge.secret()), (new, secret));
    assert!(bridge.logs().contains("a new greeting"), "{}", bridge.logs());
    let progress = reads().reply_to(&asked, containing("✅ fetch"));
    assert!(progress.text().contains("✅ build") && progress.text().contains("✅ switch"), "{}", progress.text());
    assert!(progress.history().len() > 1, "progress is one message");
}

#[test]
fn an_update_that_fails_leaves_what_runs_alone_and_says_why() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).start();
    let container = bridge.inspect("{{.Id}} {{.State.StartedAt}}");
    let update = |expected: &str| {
        let asked = stage.alice.says(&stage.room, "!update bridge");
        let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(180));
        let told = reads.next_from(&bot, page(&stage.alice).and(reply_to(&asked)));
        assert!(told.text().contains(expected), "{}", told.text());
        assert!(told.text().contains("What was running was left alone."), "{}", told.text());
        assert_eq!(bridge.inspect("{{.Id}} {{.State.StartedAt}}"), container);
        told.text().to_owned()
    };
    bridge.break_remote();
    let said = update("failed in fetch");
    assert!(said.contains("fatal:"), "git's own words: {said}");
    bridge.mend_remote();
    bridge.break_build();
    update("failed in build");
}

#[test]
fn an_update_to_a_version_that_dies_is_a_failure() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).start();
    bridge.push_crashing();
    let asked = stage.alice.says(&stage.room, "!update bridge");
    let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(180));
    let told = reads.next_from(&bot, page(&stage.alice).and(reply_to(&asked)));
    assert!(told.text().contains("failed in verify"), "{}", told.text());
}

/// Whether "… updated in 12 s" says less than the half minute after which a message of its own comes.
fn was_short(text: &str) -> bool {
    let seconds = text.split(" in ").nth(1).and_then(|rest| rest.split(" s").next());
    seconds.and_then(|seconds| seconds.parse::<f64>().ok()).is_some_and(|seconds| seconds <= 30.0)
}

#[test]
fn a_short_update_is_told_in_one_message_and_a_failed_one_in_two() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").compose("stop_grace_period: 1s").healthy();
    let bot = stage.bot().service_with(&bridge, "update = { verify = \"1s\" }").start();
    let answers_of = |update: &Message| {
        // What is said after this is said after all that there is to say of the update.
        stage.ask(&bot, "!ping");
        let mut said = stage.room.reads(&stage.alice).messages_from(&bot);
        said.retain(|message| message.reply_to == update.reply_to);
        said
    };
    bridge.push_commit("a new greeting");
    let told = stage.result_of(&bot, "!update bridge", "✅ bridge updated");
    let answers = answers_of(&told);
    // On a machine so busy that it takes longer, it comes apart.
    assert_eq!(answers.len(), if was_short(told.text()) { 1 } else { 2 }, "{answers:#?}");
    assert!(!page(&stage.alice).holds(&told) && told.text().contains("(1 commit)"), "{}", told.text());

    bridge.break_build();
    let told = stage.result_of(&bot, "!update bridge", "🔴 update of bridge failed in build");
    assert!(page(&stage.alice).holds(&told) && told.text().contains("this step fails"), "{}", told.text());
    let [edited, apart] = <[Message; 2]>::try_from(answers_of(&told)).expect("the edited message and the page");
    assert_eq!(apart.id, told.id);
    // All of it is said once.
    assert!(edited.text().starts_with("🔴 update of bridge failed in build"), "{}", edited.text());
    assert!(edited.text().contains("🔴 build") && !edited.text().contains("this step fails"), "{}", edited.text());
}

#[test]
fn shell_syntax_as_an_argument_is_a_name_nobody_has() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).start();
    for evil in ["$(reboot)", "`touch${IFS}/tmp/x`", "bridge;id", "../bridge", "-f", "bridge|cat", "a\u{202e}b"] {
        for command in ["restart", "update", "logs", "stop", "status"] {
            let answer = stage.ask(&bot, &format!("!{command} {evil}"));
            let text = answer.text();
            let refused = ["Nothing here is called", "is no name of a service"].iter().any(|said| text.contains(said));
            assert!(refused, "!{command} {evil}: {text}");
        }
    }
    assert_eq!(bridge.state(), "running");
}
