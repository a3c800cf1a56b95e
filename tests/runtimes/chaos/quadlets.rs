//! What happens to units that Podman makes from files, and to their containers.

use opsroom_lab::{Host, machine::OPS};

use super::scene::{MENDED, Scene, UNITS};
use crate::{
    containers::Podman,
    metal::{as_user, reads_the_journal, stage_on, with_unit},
};

/// Writes a quadlet of the login, which ends with 7 while there is a file in the directory of its name.
pub(super) fn quadlet(host: &Host, name: &str, lines: &str) {
    // A part of the unit's control group is not to be had by a login under version 1 of those.
    let text = format!(
        "[Container]\nImage=localhost/base\nContainerName={name}\nNetwork=none\nPodmanArgs=--cgroups=enabled\nVolume=%h/{name}:/tmp\n\
         Exec=sh -c \"trap 'exit 0' TERM; while [ ! -e /tmp/broken ]; do sleep 0.1; done; exit 7\"\n{lines}"
    );
    let dir = "~/.config/containers/systemd";
    as_user(
        host,
        &OPS,
        &format!(
            "cd; mkdir -p {dir} {name}; cat >{dir}/{name}.container <<'END'\n{text}END\nsystemctl --user daemon-reload"
        ),
    );
}

#[test]
fn what_happens_to_quadlets_is_told_once_unless_somebody_wanted_it() {
    let stage = stage_on("trixie");
    let host = &stage.host.clone();
    reads_the_journal(host);
    let podman = Podman::of(host, Some(OPS));
    host.run_as_root("systemctl start network-online.target");
    let acts = [
        ("alfa", "of a quadlet: `systemctl --user stop`", 0),
        ("bravo", "of a quadlet: `!stop`", 0),
        ("charlie", "of a quadlet: `systemctl --user restart`", 0),
        ("delta", "of a quadlet: `!restart`", 0),
        ("echo", "of a quadlet: `podman stop` of its container", 0),
        ("foxtrot", "of a quadlet: `podman restart` of its container", 0),
        ("golf", "of a quadlet: its container is killed, and systemd starts it again", 0),
        ("hotel", "of a quadlet: its container dies, and nothing starts it again", 1),
        ("india", "of a quadlet: its container is removed", 1),
        ("juliett", "of a quadlet: its container dies again and again", 1),
    ];
    let mut plan = stage.bot();
    for (name, ..) in acts {
        let lines = match name {
            "golf" | "juliett" => "[Service]\nRestart=always\n[Unit]\nStartLimitIntervalSec=0\n",
            _ => "",
        };
        quadlet(host, name, lines);
        plan = with_unit(
            plan,
            host,
            name,
            &format!("{name}.service"),
            &format!("scope = \"user\"\n{}", if matches!(name, "golf" | "juliett") { MENDED } else { "" }),
        );
    }
    as_user(host, &OPS, &format!("systemctl --user start {}", acts.map(|(name, ..)| name).join(" ")));
    let scene = Scene::on_metal(stage, plan, &[UNITS]);
    scene.ops("systemctl --user stop alfa; systemctl --user restart charlie; podman stop echo; podman restart foxtrot");
    scene.changes("!stop bravo", "✅ bravo stopped");
    scene.changes("!restart delta", "✅ delta restarted");
    scene.ops("systemctl --user restart golf");
    scene.sees();
    podman.is_killed("golf");
    scene.told("golf crashed");
    scene.told("golf recovered");
    scene.ops("touch hotel/broken");
    scene.paged("hotel is down");
    scene.ops("rm hotel/broken; systemctl --user start hotel");
    scene.told("hotel recovered");
    scene.ops("podman rm -f -t 0 india");
    scene.paged("india is down");
    scene.ops("systemctl --user start india");
    scene.told("india recovered");
    scene.ops("systemctl --user restart juliett");
    scene.sees();
    scene.ops("touch juliett/broken");
    scene.paged("juliett crash loop");
    scene.ops("rm juliett/broken");
    scene.told("juliett recovered");
    scene.end(&acts);
}
