//! A machine that boots anew.

use opsroom_lab::machine::OPS;

use super::{
    quadlets::quadlet,
    scene::{CONTAINERS, Scene, UNITS, hears},
};
use crate::{
    containers::Podman,
    metal::{RUNS, as_user, reads_the_journal, stage_on, unit, with_unit},
};

#[test]
fn after_a_reboot_only_what_does_not_come_back_is_told() {
    let stage = stage_on("trixie");
    let host = stage.host.clone();
    reads_the_journal(&host);
    let podman = Podman::of(&host, Some(OPS));
    let enabled = format!("{RUNS}[Install]\nWantedBy=multi-user.target\n");
    unit(&host, "alfa.service", &enabled);
    unit(&host, "bravo.service", RUNS);
    // Quadlets wait for the network, which nothing else on the machine does.
    host.run_as_root(
        "systemctl enable -q --now alfa; systemctl start bravo network-online.target
         systemctl add-wants -q multi-user.target network-online.target",
    );
    podman.container("charlie", "--restart always");
    podman.sh("systemctl --user enable -q podman-restart");
    quadlet(&host, "delta", "[Install]\nWantedBy=default.target\n");
    as_user(&host, &OPS, "systemctl --user start delta");
    let acts = [
        ("alfa", "of a unit: its host reboots", 0),
        ("bravo", "of a unit that is not enabled: its host reboots", 1),
        ("charlie", "of a Podman container: its host reboots, and podman-restart.service is enabled", 0),
        ("delta", "of a quadlet: its host reboots", 0),
    ];
    let mut plan = stage.bot();
    for name in ["alfa", "bravo"] {
        plan = with_unit(plan, &host, name, &format!("{name}.service"), "");
    }
    plan = with_unit(podman.known(plan, "charlie"), &host, "delta", "delta.service", "scope = \"user\"");
    let scene = Scene::on_metal(stage, plan, &[UNITS, CONTAINERS]);
    host.shut_down();
    host.power_on();
    hears(&host, UNITS);
    scene.paged("bravo is down");
    scene.root("systemctl start bravo");
    scene.told("bravo recovered");
    scene.end(&acts);
}
