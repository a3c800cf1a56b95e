//! What people see of units and do with them.

use opsroom_lab::{anything, containing, machine::OPS};

use crate::metal::{
    RUNS, SUITE, active, as_user, linger, main_pid, reads_the_journal, rule, stage_on, sudoers, unit, user_unit,
    with_unit,
};

#[test]
fn a_unit_is_seen_read_and_changed_with_a_rule_for_exactly_that() {
    for suite in [SUITE, "trixie"] {
        let stage = stage_on(suite);
        let host = &stage.host;
        unit(host, "web.service", RUNS);
        unit(host, "other.service", RUNS);
        reads_the_journal(host);
        host.run_as_root("systemctl start web other");
        let bot = with_unit(with_unit(stage.bot(), host, "web", "web.service", ""), host, "other", "other.service", "");
        let bot = bot.start();
        let status = stage.ask(&bot, "!status");
        assert!(status.text().contains("web — up") && status.text().contains("other — up"), "{}", status.text());
        assert!(stage.ask(&bot, "!logs web").text().contains("hello"));

        // Without a right nothing is touched, and the line that gives it is told.
        let before = main_pid(host, "web");
        let refused = stage.result_of(&bot, "!restart web", "✋");
        let line = rule(&["web.service"]);
        assert!(refused.text().contains(&line), "no {line:?} in {}", refused.text());
        assert_eq!(main_pid(host, "web"), before);
        sudoers(host, &line);
        stage.result_of(&bot, "!restart web", "✅ web restarted");
        assert_ne!(main_pid(host, "web"), before);
        stage.result_of(&bot, "!stop web", "✅ web stopped");
        assert_eq!(active(host, "web"), "inactive");
        let status = stage.ask(&bot, "!status web");
        assert!(status.text().contains("stopped by"), "{}", status.text());
        stage.result_of(&bot, "!start web", "✅ web started");
        assert_eq!(active(host, "web"), "active");
        // That line is about no other.
        stage.result_of(&bot, "!stop other", "✋");
        assert_eq!(active(host, "other"), "active");
        drop(bot);
    }
}

#[test]
fn a_unit_of_the_login_is_seen_read_and_changed_without_any_right() {
    let stage = stage_on(SUITE);
    let host = &stage.host;
    // Of the same name as one of the system's, which does not run.
    unit(host, "web.service", RUNS);
    linger(host);
    user_unit(host, "web.service", RUNS);
    as_user(host, &OPS, "systemctl --user start web");
    let bot = with_unit(stage.bot(), host, "web", "web.service", "scope = \"user\"");
    let bot = with_unit(bot, host, "systems", "web.service", "").start();
    let status = stage.ask(&bot, "!status");
    assert!(status.text().contains("web — up"), "{}", status.text());
    assert!(status.text().contains("systems — stopped"), "{}", status.text());
    let log = stage.ask(&bot, "!logs web");
    assert!(log.text().contains("hello"), "{}", log.text());
    let pid = || as_user(host, &OPS, "systemctl --user show -p MainPID --value web");
    let before = pid();
    stage.result_of(&bot, "!restart web", "✅ web restarted");
    assert_ne!(pid(), before);
    stage.result_of(&bot, "!stop web", "✅ web stopped");
    assert_eq!(as_user(host, &OPS, "systemctl --user is-active web || true"), "inactive");
    stage.result_of(&bot, "!start web", "✅ web started");
    assert_eq!(active(host, "web"), "inactive");
}

#[test]
fn an_instance_a_missing_a_masked_and_a_broken_unit_are_what_they_are() {
    let stage = stage_on(SUITE);
    let host = &stage.host;
    unit(host, "app@.service", &RUNS.replace("hello", "hello %i"));
    unit(host, "sleeps.service", RUNS);
    unit(host, "broken.service", "[Service]\nExecStart=no/path\n");
    reads_the_journal(host);
    host.run_as_root(
        "systemctl start app@1; systemctl mask masked.service 2>/dev/null; systemctl start broken 2>/dev/null || true",
    );
    sudoers(host, &rule(&["app@1.service", "masked.service", "broken.service", "none.service", "sleeps.service"]));
    let mut plan = stage.bot();
    for (name, unit) in [
        ("one", "app@1.service"),
        ("two", "app@2.service"),
        ("masked", "masked.service"),
        ("broken", "broken.service"),
        ("none", "none.service"),
        ("sleeps", "sleeps.service"),
    ] {
        plan = with_unit(plan, host, name, unit, "");
    }
    let bot = plan.start();
    let status = stage.ask(&bot, "!status");
    let text = status.text();
    for line in [
        "one — up",
        "two — stopped",
        "masked — stopped",
        "broken — stopped, its file cannot be loaded",
        "none — not deployed",
        "sleeps — stopped",
    ] {
        assert!(text.contains(line), "no {line:?} in {text}");
    }
    assert!(stage.ask(&bot, "!logs one").text().contains("hello 1"));
    let none = stage.result_of(&bot, "!restart none", "🔴");
    assert!(none.text().contains("There is no unit none.service"), "{}", none.text());
    let masked = stage.result_of(&bot, "!start masked", "🔴");
    assert!(masked.text().contains("is masked"), "{}", masked.text());
    let broken = stage.result_of(&bot, "!start broken", "🔴");
    assert!(broken.text().contains("bad unit file setting"), "{}", broken.text());
    stage.result_of(&bot, "!start sleeps", "✅ sleeps started");
    assert!(stage.ask(&bot, "!logs none").text().contains("not deployed"));
}

#[test]
fn a_timer_is_as_the_last_run_of_what_it_starts() {
    let stage = stage_on(SUITE);
    let host = &stage.host;
    unit(
        host,
        "backup.service",
        "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo copying; exit $(cat /run/exit-code)'\n",
    );
    unit(host, "backup.timer", "[Timer]\nOnCalendar=*-*-* 03:00:00\n[Install]\nWantedBy=timers.target\n");
    reads_the_journal(host);
    host.run_as_root("echo 0 >/run/exit-code; systemctl start backup.timer");
    let bot = with_unit(stage.bot(), host, "backup", "backup.timer", "");
    let bot = with_unit(bot, host, "job", "backup.service", "").start();
    let status = stage.ask(&bot, "!status backup");
    assert!(status.text().contains("no run of it is known; next in "), "{}", status.text());
    host.run_as_root("systemctl start backup");
    let status = stage.ask(&bot, "!status backup");
    assert!(
        status.text().contains("🟢 backup — succeeded ") && status.text().contains(" ago; next in "),
        "{}",
        status.text()
    );
    assert!(stage.ask(&bot, "!logs backup").text().contains("copying"));

    host.run_as_root("echo 3 >/run/exit-code; systemctl start backup 2>/dev/null || true");
    let reads = stage.room.reads(&stage.alice);
    let alert = reads.next_from(&bot, containing("🔴 backup failed on "));
    assert!(alert.text().contains("exit 3") && alert.text().contains("copying"), "{}", alert.text());
    let status = stage.ask(&bot, "!status backup");
    assert!(status.text().contains("🔴 backup — failed, exit 3"), "{}", status.text());
    host.run_as_root("systemctl start backup 2>/dev/null || true");
    reads.until(&alert.id, containing(", 2×"));
    host.run_as_root("echo 0 >/run/exit-code; systemctl start backup");
    reads.next_from(&bot, containing("✅ backup succeeded"));
    assert_eq!(reads.messages_from(&bot).iter().filter(|m| m.history()[0].contains("backup failed")).count(), 1);

    // Somebody who resets it has not run it.
    host.run_as_root("echo 4 >/run/exit-code; systemctl start backup 2>/dev/null || true");
    let alert = reads.next_from(&bot, containing("🔴 backup failed on "));
    stage.ask(&bot, "!status backup");
    host.run_as_root("systemctl reset-failed backup; systemctl restart backup.timer");
    stage.ask(&bot, "!status backup");
    assert!(!reads.until(&alert.id, anything()).text().contains("Over"), "{}", reads.transcript());

    // What does one thing has succeeded when that went well.
    host.run_as_root("echo 0 >/run/exit-code");
    sudoers(host, &rule(&["backup.service"]));
    stage.result_of(&bot, "!start job", "✅ job started");
    host.run_as_root("echo 9 >/run/exit-code");
    let told = stage.result_of(&bot, "!start job", "🔴");
    assert!(told.text().contains("it started and died: exit 9"), "{}", told.text());
}

#[test]
fn an_optional_unit_counts_only_with_its_program_and_a_required_one_always() {
    let stage = stage_on(SUITE);
    let host = &stage.host;
    let missing = "[Service]\nExecStart=/opt/gpu/exporter --all\n";
    unit(host, "exporter.service", missing);
    unit(host, "needed.service", missing);
    host.run_as_root("mkdir -p /opt/gpu; systemctl start needed 2>/dev/null || true");
    let bot = with_unit(stage.bot(), host, "exporter", "exporter.service", "optional = true");
    let bot = with_unit(bot, host, "needed", "needed.service", "");
    let bot = with_unit(
        with_unit(bot, host, "absent", "absent.service", "optional = true"),
        host,
        "gone",
        "gone.service",
        "",
    );
    let bot = bot.start();
    let status = stage.ask(&bot, "!status");
    let text = status.text();
    for line in [
        "🔴 2 of 4 need attention",
        "exporter — not deployed, and optional",
        "absent — not deployed, and optional",
        "needed — stopped, exit 203",
        "gone — not deployed",
    ] {
        assert!(text.contains(line), "no {line:?} in {text}");
    }
    // With its program it is like any other.
    host.run_as_root("printf '#!/bin/sh\\nexec sleep 1000\\n' >/opt/gpu/exporter; chmod 755 /opt/gpu/exporter; systemctl start exporter");
    let status = stage.ask(&bot, "!status exporter");
    assert!(status.text().contains("exporter — up"), "{}", status.text());
}

#[test]
fn the_doctor_says_what_units_and_containers_will_stumble_over() {
    let stage = stage_on(SUITE);
    let host = &stage.host;
    unit(host, "web.service", RUNS);
    let bot = with_unit(stage.bot(), host, "web", "web.service", "");
    let bot = with_unit(bot, host, "own", "own.service", "scope = \"user\"");
    let bot =
        bot.config(&format!("[[service]]\nname = \"pod\"\nhost = {:?}\nruntime = \"podman\"\n", host.name())).prepare();
    let doctor = || {
        let output = bot.tool(&["doctor"]);
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let told = doctor();
    for part in
        ["may not read it, so", "loginctl enable-linger", &rule(&["web.service"]), "there is no pod of this login"]
    {
        assert!(told.contains(part), "no {part:?} in {told}");
    }
    // What it says helps.
    reads_the_journal(host);
    linger(host);
    user_unit(host, "own.service", RUNS);
    sudoers(host, &rule(&["web.service"]));
    let told = doctor();
    for part in ["may not read it, so", "loginctl enable-linger", "NOPASSWD"] {
        assert!(!told.contains(part), "{part:?} in {told}");
    }
    assert!(told.contains("own.service is loaded") && told.contains("web.service is loaded"), "{told}");
}
