//! What becomes of a unit without anybody asking, and how soon people know it.

use std::time::Duration;

use opsroom_lab::{Message, containing, machine::OPS, message::Expected, page, where_};

use crate::{
    metal::{RUNS, SUITE, as_user, linger, reads_the_journal, stage_on, unit, user_unit, with_unit},
    stage::Stage,
};

/// Quiet soon, so that an end can be waited for.
const WATCH: &str = "[watch]\nquiet = \"3s\"\nabsent_after = \"3s\"\n";

/// The alert that begins like that.
fn alert(stage: &Stage, head: &str) -> Expected {
    let head = head.to_owned();
    page(&stage.alice)
        .and(where_(format!("that begins with {head:?}"), move |m: &Message| m.history()[0].starts_with(&head)))
}

#[test]
fn each_end_of_a_unit_is_one_alert_with_its_cause() {
    let stage = stage_on(SUITE);
    let host = &stage.host;
    reads_the_journal(host);
    let once = RUNS.to_owned();
    let kept = format!("{RUNS}Restart=always\nRestartSec=100ms\n[Unit]\nStartLimitIntervalSec=0\n");
    let limited =
        format!("{RUNS}Restart=always\nRestartSec=100ms\n[Unit]\nStartLimitIntervalSec=60\nStartLimitBurst=3\n");
    let watched = "[Service]\nType=notify\nNotifyAccess=all\nWatchdogSec=1\nExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep 1000'\n\
                   TimeoutAbortSec=1\n";
    let slow = "[Service]\nType=notify\nNotifyAccess=all\nRuntimeMaxSec=2\nExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep 1000'\n";
    for (name, text) in [
        ("dies.service", once.as_str()),
        ("killed.service", &once),
        ("loops.service", &kept),
        ("gives-up.service", &limited),
        ("silent.service", watched),
        ("slow.service", slow),
    ] {
        unit(host, name, text);
    }
    host.run_as_root("echo 7 >/run/exit-code; systemctl start dies killed loops gives-up");
    let mut plan = stage.bot();
    for name in ["dies", "killed", "loops", "gives-up", "silent", "slow"] {
        plan = with_unit(plan, host, name, &format!("{name}.service"), "");
    }
    let bot = plan.config(WATCH).start();
    stage.ask(&bot, "!status");
    let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(60));
    let on = host.name();

    host.run_as_root("systemctl kill -s USR1 dies");
    let told = reads.next_from(&bot, alert(&stage, &format!("🔴 dies is down on {on} — exit 7")));
    assert!(told.text().contains("hello"), "with its log: {}", told.text());
    host.run_as_root("systemctl start dies");
    reads.next_from(&bot, containing("✅ dies recovered"));

    host.run_as_root("systemctl kill -s KILL killed");
    reads.next_from(&bot, alert(&stage, &format!("🔴 killed is down on {on} — exit 137")));
    host.run_as_root("systemctl start killed");
    reads.next_from(&bot, containing("✅ killed recovered"));

    host.run_as_root("for i in 1 2 3; do n=$(systemctl show -p NRestarts --value loops); systemctl kill -s USR1 loops; until [ $(systemctl show -p NRestarts --value loops) -gt $n ] && systemctl is-active -q loops; do sleep 0.1; done; sleep 0.3; done");
    reads.next_from(&bot, alert(&stage, &format!("🔴 loops crash loop on {on} — exit 7")));
    reads.next_from(&bot, containing("✅ loops recovered"));

    host.run_as_root(
        "until systemctl is-failed -q gives-up; do systemctl kill -s USR1 gives-up 2>/dev/null; sleep 0.3; done",
    );
    let told = reads.next_from(&bot, alert(&stage, "🔴 gives-up"));
    reads.until(&told.id, containing("exit 7"));
    host.run_as_root("systemctl start silent");
    let told = reads.next_from(&bot, alert(&stage, &format!("🔴 silent is down on {on}")));
    assert!(told.text().contains("no sign of life for its watchdog"), "{}", told.text());
    host.run_as_root("systemctl start slow");
    let told = reads.next_from(&bot, alert(&stage, &format!("🔴 slow is down on {on}")));
    assert!(told.text().contains("it took too long"), "{}", told.text());
}

#[test]
fn what_people_do_with_units_is_no_alert() {
    let stage = stage_on(SUITE);
    let host = &stage.host;
    reads_the_journal(host);
    linger(host);
    unit(host, "web.service", RUNS);
    unit(host, "rude.service", &RUNS.replace("trap \"", "trap \"exit 3\" TERM; trap \""));
    user_unit(host, "own.service", RUNS);
    host.run_as_root("systemctl start web rude");
    as_user(host, &OPS, "systemctl --user start own");
    let bot = with_unit(stage.bot(), host, "web", "web.service", "");
    let bot =
        with_unit(with_unit(bot, host, "rude", "rude.service", ""), host, "own", "own.service", "scope = \"user\"");
    let bot = bot.config(WATCH).start();
    stage.ask(&bot, "!status");
    host.run_as_root("systemctl restart web rude; systemctl stop web rude; systemctl start web; systemctl stop web");
    as_user(host, &OPS, "systemctl --user restart own; systemctl --user stop own; systemctl --user start own");
    let status = stage.ask(&bot, "!status");
    let text = status.text();
    for line in ["web — stopped by hand", "rude — stopped by hand", "own — up"] {
        assert!(text.contains(line), "no {line:?} in {text}");
    }
    // What dies by itself then, of the login's own too, is told; and nothing before it was.
    as_user(host, &OPS, "systemctl --user kill -s KILL own");
    let reads = stage.room.reads(&stage.alice);
    reads.next_from(&bot, alert(&stage, &format!("🔴 own is down on {} — exit 137", host.name())));
    let alerts = reads.messages_from(&bot).iter().filter(|m| m.history()[0].starts_with('🔴')).count();
    assert_eq!(alerts, 1, "{}", reads.transcript());
}

#[test]
fn a_restart_by_hand_that_fails_is_an_alert() {
    let stage = stage_on(SUITE);
    let host = &stage.host;
    reads_the_journal(host);
    let checks = "ExecStartPre=/bin/sh -c 'test ! -e /run/broken'\n";
    let waits = "[Service]\nType=notify\nNotifyAccess=all\nExecStart=/bin/sh -c 'test ! -e /run/broken || exit 78; systemd-notify --ready; exec sleep 1000'\n";
    unit(host, "checked.service", &format!("{RUNS}{checks}"));
    unit(host, "ready.service", waits);
    host.run_as_root("systemctl start checked ready");
    let bot = with_unit(stage.bot(), host, "checked", "checked.service", "");
    let bot = with_unit(bot, host, "ready", "ready.service", "").config(WATCH).start();
    stage.ask(&bot, "!status");
    let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(60));
    host.run_as_root("touch /run/broken; systemctl restart checked 2>/dev/null || true");
    reads.next_from(&bot, alert(&stage, &format!("🔴 checked is down on {}", host.name())));
    host.run_as_root("systemctl restart ready 2>/dev/null || true");
    reads.next_from(&bot, alert(&stage, &format!("🔴 ready is down on {} — exit 78", host.name())));
    // A stop by hand ends it, and is no news by itself.
    host.run_as_root("rm /run/broken; systemctl restart checked ready");
    reads.next_from(&bot, containing("recovered"));
}

#[test]
fn a_login_that_may_not_read_the_journal_still_knows_within_a_snapshot() {
    let stage = stage_on(SUITE);
    let host = &stage.host;
    unit(host, "web.service", RUNS);
    host.run_as_root("systemctl start web");
    let bot = with_unit(stage.bot(), host, "web", "web.service", "").config(WATCH).start();
    stage.ask(&bot, "!status");
    let log = stage.ask(&bot, "!logs web");
    assert!(log.text().contains("may not read the journal"), "{}", log.text());
    host.run_as_root("systemctl kill -s KILL web");
    let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(60));
    reads.next_from(&bot, alert(&stage, &format!("🔴 web is down on {} — exit 137", host.name())));
}

#[test]
fn a_machine_that_boots_anew_is_one_message_and_its_units_are_seen_again() {
    let stage = stage_on(SUITE);
    let host = &stage.host;
    reads_the_journal(host);
    unit(host, "web.service", &format!("{RUNS}[Install]\nWantedBy=multi-user.target\n"));
    host.run_as_root("systemctl enable --now web 2>/dev/null");
    let bot = with_unit(stage.bot(), host, "web", "web.service", "");
    let bot = bot.config(&format!("{WATCH}unreachable_after = \"2s\"\n")).start();
    stage.ask(&bot, "!status");
    host.power_off();
    let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(90));
    reads.next_from(&bot, containing(&format!("🔴 {} unreachable", host.name())));
    host.power_on();
    reads.next_from(&bot, containing(&format!("✅ {} is back", host.name())));
    assert!(stage.ask(&bot, "!status").text().contains("web — up"));
    assert_eq!(reads.messages_from(&bot).iter().filter(|m| m.history()[0].contains("web is down")).count(), 0);
}
