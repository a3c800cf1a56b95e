//! Every state a service can be in, as `!status` tells it, and `!logs`.

use opsroom_lab::{containing, wait_until};
use std::time::Duration;

use crate::stage::{LIMIT, Stage};

/// What a status says of a service.
#[track_caller]
fn line_of<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find(|line| line.contains(&format!("{name} —")));
    line.unwrap_or_else(|| panic!("no {name} in:\n{text}"))
}

#[test]
fn each_state_is_told_apart() {
    let stage = Stage::set();
    let host = &stage.host;
    let up = host.project("up").healthy();
    let sick = host.project("sick").with_health_check().healthy();
    let looping = host.project("looping").crash_loops();
    let failed = host.project("failed").exits(3);
    let paused = host.project("paused").healthy();
    let created = host.project("created").not_deployed();
    let absent = host.project("absent").not_deployed();
    let oom = host.project("oom").oom();
    let mut plan = stage.bot();
    for project in [&up, &sick, &looping, &failed, &paused, &created, &absent, &oom] {
        plan = plan.service(project);
    }
    sick.become_unhealthy();
    sick.wait_for_health("unhealthy");
    looping.wait_for_restarts(4);
    oom.wait_for_restarts(4);
    host.run(&format!("docker pause {}", paused.container()));
    host.run(&format!("cd {} && docker compose up --no-start", created.dir().display()));
    let bot = plan.start();
    // Caught running for a moment, a crash loop has no cause to show; it is in trouble all the same.
    let mut causes = vec![("looping", "crash loop, exit 1"), ("oom", "out of memory")];
    let status = wait_until(LIMIT, "each loop to be seen between two of its runs", || {
        let status = stage.ask(&bot, "!status");
        assert!(status.text().starts_with("🔴 7 of 8 need attention"), "{}", status.text());
        causes.retain(|(name, cause)| !line_of(status.text(), name).contains(cause));
        causes.is_empty().then_some(status)
    });
    let text = status.text();
    let line = |name: &str| line_of(text, name);
    assert!(line("up").starts_with("🟢"), "{text}");
    assert!(line("sick").contains("unhealthy"), "{text}");
    assert!(line("failed").contains("exit 3"), "{text}");
    assert!(line("paused").contains("paused"), "{text}");
    assert!(line("created").contains("created, never started"), "{text}");
    assert!(line("absent").contains("not deployed"), "{text}");
    assert!(text.lines().last().unwrap_or_default().starts_with("🟢"), "troubled first:\n{text}");
    assert!(stage.ask(&bot, "!logs failed 5").text().starts_with("failed — last"));
    assert!(stage.ask(&bot, "!logs absent").text().contains("not deployed"));
    assert!(stage.ask(&bot, "!status lo*").text().contains("looping"));
    assert!(stage.ask(&bot, "!status nosuch").text().contains("Nothing here is called nosuch"));
}

#[test]
fn what_was_stopped_and_what_is_optional_needs_no_attention() {
    let stage = Stage::set();
    let (asked, by_hand) = (stage.host.project("asked").healthy(), stage.host.project("byhand").healthy());
    let extra = stage.host.project("extra").not_deployed();
    let bot = stage.bot().service(&asked).service(&by_hand).service_with(&extra, "optional = true").start();
    stage.ask(&bot, "!status");
    stage.host.run(&format!("docker stop -t 0 {}", by_hand.container()));
    stage.result_of(&bot, "!stop asked", "✅ asked stopped");
    let is_quiet = || {
        let status = stage.ask(&bot, "!status");
        let text = status.text();
        assert!(text.starts_with("🟢 nothing needs attention (3 services, 3 stopped)"), "{text}");
        assert!(line_of(text, "asked").contains("⚪ asked — stopped by alice"), "{text}");
        assert!(line_of(text, "byhand").contains("⚪ byhand — stopped by hand"), "{text}");
        assert!(line_of(text, "extra").contains("⚪ extra — not deployed, and optional"), "{text}");
    };
    is_quiet();
    bot.kill();
    bot.start_again();
    is_quiet();
}

#[test]
fn a_dead_host_costs_its_own_time_and_nobody_elses() {
    let stage = Stage::set();
    let far = stage.lab.host("spark-2");
    let (near, gone) = (stage.host.project("near").healthy(), far.project("gone").healthy());
    let bot = stage.bot().service(&near).service(&gone).start();
    assert!(stage.ask(&bot, "!status").text().contains("nothing needs attention"));
    far.link_down();
    let asked = stage.alice.says(&stage.room, "!status");
    let near_only = stage.ask(&bot, "!status near");
    assert!(near_only.text().contains("near — up"));
    let reads = stage.room.reads(&stage.alice).within(LIMIT);
    let last = reads.reply_to(&asked, containing("gone: not known"));
    assert!(last.text().contains("🔴 spark-2"), "{}", last.text());
    // What there was came before, and so did the answer to who asked later and for less.
    let partial = |text: &&str| text.contains("near — up") && text.contains("no answer yet");
    assert!(last.history().iter().any(partial), "{:?}", last.history());
    let known = last.edits.last().expect("it was completed").sent_ms;
    assert!(near_only.sent_ms < known, "{} and {known}", near_only.sent_ms);
    far.link_up();
    wait_until(Duration::from_secs(60), "the host to be seen again", || {
        stage.ask(&bot, "!status gone").text().contains("gone — up").then_some(())
    });
}

#[test]
fn a_long_log_comes_as_a_file() {
    let stage = Stage::set();
    let talker = stage.host.project("talker").healthy();
    stage.host.run(&format!(
        "docker exec {} sh -c 'i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done >/proc/1/fd/1'",
        talker.container()
    ));
    let bot = stage.bot().service(&talker).start();
    let answer = stage.ask(&bot, "!logs talker 400");
    assert!(answer.text().contains("all of them in the file below"), "{}", answer.text());
    let file = stage.room.reads(&stage.alice).next_from(&bot, opsroom_lab::where_("with a file", |m| m.is_file()));
    assert!(file.encrypted);
    let log = String::from_utf8(stage.alice.downloads(&file)).unwrap_or_default();
    assert!(log.ends_with("line 499") && log.lines().count() == 400, "{} lines", log.lines().count());
}
