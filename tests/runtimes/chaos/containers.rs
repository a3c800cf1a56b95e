//! What happens to Podman's containers, those of a login. Of version 5: an older one does not say who stopped them.

use opsroom_lab::machine::OPS;

use super::scene::{CONTAINERS, MENDED, Scene};
use crate::{containers::Podman, metal::stage_on};

#[test]
fn what_happens_to_containers_is_told_once_unless_somebody_wanted_it() {
    let stage = stage_on("trixie");
    let host = stage.host.clone();
    let podman = Podman::of(&host, Some(OPS));
    let acts = [
        ("alfa", "of a Podman container: `podman stop`", 0),
        ("bravo", "of a Podman container: `!stop`", 0),
        ("charlie", "of a Podman container: `podman restart`", 0),
        ("delta", "of a Podman container: `!restart`", 0),
        ("echo", "of a Podman container: `podman kill`", 0),
        ("foxtrot", "of a Podman container: its process is killed, and its policy starts it again", 0),
        ("golf", "of a Podman container: its process is killed, and nothing starts it again", 1),
        ("hotel", "of a Podman container: it is removed", 1),
        ("india", "of a Podman container: it dies again and again", 1),
        ("juliett", "of a Podman container: its health check fails and recovers", 1),
    ];
    podman.sh("mkdir india");
    let mut plan = stage.bot();
    for (name, ..) in acts {
        podman.container(
            name,
            match name {
                "alfa" | "foxtrot" => "--restart always",
                // What it finds in `/tmp` stays from run to run, and can be taken away.
                "india" => "--restart always -v $HOME/india:/tmp",
                "juliett" => "--health-cmd 'test ! -e /tmp/sick' --health-interval 1s --health-retries 1",
                _ => "",
            },
        );
        plan = podman.known(plan, name).config(if matches!(name, "foxtrot" | "india") { MENDED } else { "" });
    }
    let scene = Scene::on_metal(stage, plan, &[CONTAINERS]);
    podman.sh("podman stop alfa; podman restart charlie; podman kill echo");
    scene.changes("!stop bravo", "✅ bravo stopped");
    scene.changes("!restart delta", "✅ delta restarted");
    // How long it has to be well in the end depends on how long it ran before it fell, as far as that was seen.
    podman.sh("podman restart foxtrot");
    scene.sees();
    podman.is_killed("foxtrot");
    scene.told("foxtrot crashed");
    scene.told("foxtrot recovered");
    podman.is_killed("golf");
    scene.paged("golf is down");
    podman.sh("podman start golf");
    scene.told("golf recovered");
    podman.is_removed("hotel");
    scene.paged("hotel is not deployed any more");
    podman.container("hotel", "");
    scene.told("hotel recovered");
    podman.sh("podman restart india");
    scene.sees();
    podman.sh("echo 7 >india/exit-code");
    scene.paged("india crash loop");
    podman.sh("rm india/exit-code");
    scene.told("india recovered");
    podman.sh("podman exec juliett touch /tmp/sick");
    scene.paged("juliett is unhealthy");
    podman.sh("podman exec juliett rm /tmp/sick");
    scene.told("juliett recovered");
    scene.end(&acts);
}
