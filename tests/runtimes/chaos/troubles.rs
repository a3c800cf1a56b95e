//! Units that do not come up, do not stay up, or do not do what they are there for.

use opsroom_lab::containing;

use super::scene::{MENDED, Scene, UNITS};
use crate::metal::{SUITE, reads_the_journal, stage_on, unit, with_unit};

/// Ends with 7 while there is a file of the unit's name.
const BREAKS: &str =
    "[Service]\nExecStart=/bin/sh -c 'while [ ! -e /run/%p ]; do sleep 0.1; done; exit 7'\nRestart=always\n";
/// Gives no sign of being ready, or of life, while there is one.
const FALLS_SILENT: &str = "[Service]\nType=notify\nNotifyAccess=all\nExecStart=/bin/sh -c 'while [ ! -e /run/%p ]; do systemd-notify --ready WATCHDOG=1; sleep 0.2; done; exec sleep 1000'\n";
/// Fails while there is one.
const DOES_ONE_THING: &str = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'test ! -e /run/%p'\n";

#[test]
fn each_trouble_of_a_unit_is_one_alarm_until_it_is_over() {
    let stage = stage_on(SUITE);
    let host = &stage.host;
    reads_the_journal(host);
    unit(host, "alfa.service", &format!("{BREAKS}RestartSec=500ms\n[Unit]\nStartLimitIntervalSec=0\n"));
    unit(
        host,
        "bravo.service",
        &format!("{BREAKS}RestartSec=2s\n[Unit]\nStartLimitIntervalSec=60\nStartLimitBurst=6\n"),
    );
    unit(host, "charlie.service", &format!("{FALLS_SILENT}WatchdogSec=2\nTimeoutAbortSec=1\nLimitCORE=1\n"));
    unit(host, "delta.service", &format!("{FALLS_SILENT}TimeoutStartSec=1\n"));
    unit(host, "echo.service", DOES_ONE_THING);
    unit(host, "foxtrot.service", DOES_ONE_THING);
    unit(host, "foxtrot.timer", "[Timer]\nOnCalendar=*-*-* 03:00:00\n");
    host.run_as_root("systemctl start charlie delta foxtrot.timer");
    let acts = [
        ("alfa", "of a unit: it dies again and again", 1),
        ("bravo", "of a unit: it dies again and again, until systemd gives it up", 1),
        ("charlie", "of a unit: it gives no sign of life to its watchdog", 1),
        ("delta", "of a unit: its start takes too long", 1),
        ("echo", "of a unit that does one thing: a run fails, and the next one ends well", 1),
        ("foxtrot", "of a timer: a run fails, and the next one ends well", 1),
    ];
    let mut plan = stage.bot();
    for (name, ..) in acts {
        let lines = if matches!(name, "alfa" | "bravo") { MENDED } else { "" };
        let ending = if name == "foxtrot" { "timer" } else { "service" };
        plan = with_unit(plan, host, name, &format!("{name}.{ending}"), lines);
    }
    let scene = Scene::on_metal(stage, plan, &[UNITS]);
    // A loop is over when it has run for longer than any of its rounds: the first of them is short, too.
    scene.root("systemctl start alfa");
    scene.sees();
    scene.root("touch /run/alfa");
    scene.paged("alfa crash loop");
    scene.root("rm /run/alfa");
    scene.told("alfa recovered");
    scene.root("systemctl start bravo");
    scene.sees();
    scene.root("touch /run/bravo");
    let alarm = scene.paged("bravo crash loop");
    scene.reads().until(&alarm.id, containing("bravo is down"));
    scene.root("rm /run/bravo; systemctl reset-failed bravo; systemctl start bravo");
    scene.told("bravo recovered");
    scene.root("touch /run/charlie");
    scene.paged("charlie is down");
    scene.root("rm /run/charlie; systemctl start charlie");
    scene.told("charlie recovered");
    scene.root("touch /run/delta; systemctl restart delta 2>/dev/null || true");
    scene.paged("delta is down");
    scene.root("rm /run/delta; systemctl start delta");
    scene.told("delta recovered");
    for name in ["echo", "foxtrot"] {
        scene.root(&format!("touch /run/{name}; systemctl start {name} 2>/dev/null || true"));
        scene.paged(&format!("{name} failed"));
        scene.root(&format!("rm /run/{name}; systemctl start {name}"));
        scene.told(&format!("{name} succeeded"));
    }
    scene.end(&acts);
}
