//! Units that end without anybody wanting it.

use super::scene::{MENDED, Scene, UNITS};
use crate::metal::{RUNS, SUITE, linger, reads_the_journal, stage_on, unit, user_unit, with_unit};

#[test]
fn each_death_of_a_unit_is_told_once_and_rings_when_nothing_mends_it() {
    let stage = stage_on(SUITE);
    let host = &stage.host;
    reads_the_journal(host);
    linger(host);
    unit(host, "alfa.service", &format!("{RUNS}Restart=on-failure\nRestartSec=100ms\n"));
    unit(host, "bravo.service", RUNS);
    // Whether a core is dumped is the machine's own matter: here it is not.
    unit(host, "charlie.service", &format!("{RUNS}LimitCORE=1\n"));
    user_unit(host, "delta.service", RUNS);
    unit(host, "echo.service", &format!("{RUNS}ExecStartPre=/bin/sh -c 'test ! -e /run/broken'\n"));
    unit(host, "foxtrot.service", RUNS);
    unit(host, "golf.service", RUNS);
    user_unit(host, "hotel.service", RUNS);
    host.run_as_root("echo 0 >/run/exit-code; systemctl start bravo charlie echo foxtrot golf");
    let acts = [
        ("alfa", "of a unit: its process is killed, and systemd starts it again", 0),
        ("bravo", "of a unit: its process is killed, and nothing starts it again", 1),
        ("charlie", "of a unit: its process crashes, and nothing starts it again", 1),
        ("delta", "of a unit of a login: its process is killed, and nothing starts it again", 1),
        ("echo", "of a unit: `systemctl restart`, which fails", 1),
        ("foxtrot", "of a unit: it is stopped, and its file is removed", 1),
        ("golf", "of a unit: it ends with status 0, and nothing starts it again", 1),
        ("hotel", "of a unit of a login: it ends with status 0, and nothing starts it again", 0),
    ];
    let mut plan = stage.bot();
    for (name, ..) in acts {
        let lines = match name {
            "alfa" => MENDED,
            "delta" | "hotel" => "scope = \"user\"",
            _ => "",
        };
        plan = with_unit(plan, host, name, &format!("{name}.service"), lines);
    }
    let scene = Scene::on_metal(stage, plan, &[UNITS]);
    scene.ops("systemctl --user start delta hotel");
    // How long it has to be well in the end depends on how long it ran before it fell, as far as that was seen.
    scene.root("systemctl start alfa");
    scene.sees();
    scene.root("systemctl kill -s KILL alfa");
    scene.told("alfa crashed");
    scene.told("alfa recovered");
    scene.root("systemctl kill -s KILL bravo");
    scene.paged("bravo is down");
    scene.root("systemctl start bravo");
    scene.told("bravo recovered");
    scene.root("systemctl kill -s SEGV charlie");
    scene.paged("charlie is down");
    scene.root("systemctl start charlie");
    scene.told("charlie recovered");
    scene.ops("systemctl --user kill -s KILL delta");
    scene.paged("delta is down");
    scene.ops("systemctl --user start delta");
    scene.told("delta recovered");
    scene.root("touch /run/broken; systemctl restart echo 2>/dev/null || true");
    scene.paged("echo is down");
    scene.root("rm /run/broken; systemctl restart echo");
    scene.told("echo recovered");
    scene.root("f=/etc/systemd/system/foxtrot.service; systemctl stop foxtrot; mv $f /srv; systemctl daemon-reload");
    scene.paged("foxtrot is not deployed any more");
    scene.root("mv /srv/foxtrot.service /etc/systemd/system; systemctl start foxtrot");
    scene.told("foxtrot recovered");
    scene.ops("systemctl --user kill -s USR1 hotel");
    scene.root("systemctl kill -s USR1 golf");
    scene.paged("golf is down");
    scene.root("systemctl start golf");
    scene.told("golf recovered");
    scene.end(&acts);
}
