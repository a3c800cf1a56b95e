//! What people do with units, past the bot and through it.

use super::scene::{Scene, UNITS};
use crate::metal::{RUNS, SUITE, linger, reads_the_journal, rule, stage_on, sudoers, unit, user_unit, with_unit};

const DOES_ONE_THING: &str = "[Service]\nType=oneshot\nExecStart=/bin/true\n";

#[test]
fn what_people_do_with_units_is_no_alert_whether_through_the_bot_or_past_it() {
    let stage = stage_on(SUITE);
    let host = &stage.host;
    reads_the_journal(host);
    linger(host);
    let at_term = |does: &str| RUNS.replace("trap \"", &format!("trap \"{does}\" TERM; trap \""));
    let deaf = format!("{}TimeoutStopSec=1\n", at_term(":"));
    let reloads = format!("{RUNS}ExecReload=/bin/kill -HUP $MAINPID\n").replace("trap \"", "trap : HUP; trap \"");
    let enabled = format!("{RUNS}[Install]\nWantedBy=multi-user.target\n");
    let own = at_term("exit 3");
    for (name, text) in [
        ("alfa", RUNS),
        ("bravo", own.as_str()),
        ("charlie", &deaf),
        ("delta", RUNS),
        ("echo", RUNS),
        ("foxtrot", RUNS),
        ("golf", &reloads),
        ("hotel", RUNS),
        ("india", &enabled),
        ("juliett", RUNS),
        ("lima", DOES_ONE_THING),
        ("mike", DOES_ONE_THING),
    ] {
        unit(host, &format!("{name}.service"), text);
    }
    unit(host, "mike.timer", "[Timer]\nOnCalendar=*-*-* 03:00:00\n");
    user_unit(host, "kilo.service", RUNS);
    sudoers(host, &rule(&["delta.service", "foxtrot.service"]));
    host.run_as_root("systemctl enable -q india; systemctl start alfa bravo charlie delta echo foxtrot golf hotel india juliett mike.timer");
    let acts = [
        ("alfa", "of a unit: `systemctl stop`", 0),
        ("bravo", "of a unit: `systemctl stop`, and it ends with a status of its own", 0),
        ("charlie", "of a unit: `systemctl stop`, and it is killed because it does not end", 0),
        ("delta", "of a unit: `!stop`", 0),
        ("echo", "of a unit: `systemctl restart`", 0),
        ("foxtrot", "of a unit: `!restart`", 0),
        ("golf", "of a unit: `systemctl reload`", 0),
        ("hotel", "of a unit: `systemctl daemon-reload`", 0),
        ("india", "of a unit: `systemctl disable`", 0),
        ("juliett", "of a unit: its file is removed while it runs", 0),
        ("kilo", "of a unit of a login: `systemctl --user restart`", 0),
        ("lima", "of a unit that does one thing: a run ends well", 0),
        ("mike", "of a timer: a run ends well", 0),
    ];
    let mut plan = stage.bot();
    for (name, ..) in acts {
        let (ending, scope) = match name {
            "mike" => ("timer", ""),
            "kilo" => ("service", "scope = \"user\""),
            _ => ("service", ""),
        };
        plan = with_unit(plan, host, name, &format!("{name}.{ending}"), scope);
    }
    let scene = Scene::on_metal(stage, plan, &[UNITS]);
    scene.ops("systemctl --user start kilo; systemctl --user restart kilo");
    scene.root(
        "systemctl stop alfa bravo charlie; systemctl restart echo; systemctl reload golf; systemctl disable -q india
         rm /etc/systemd/system/juliett.service; systemctl daemon-reload; systemctl start lima mike",
    );
    scene.changes("!stop delta", "✅ delta stopped");
    scene.changes("!restart foxtrot", "✅ foxtrot restarted");
    scene.end(&acts);
}
