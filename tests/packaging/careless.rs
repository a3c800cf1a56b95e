//! Each fact that `docker/verify.sh` vouches for, broken alone: it notices.

use std::fs;

use opsroom_lab::{Lab, docker::BASE_IMAGE};

use crate::{
    OPSROOM,
    verdict::{FACTS, denied},
};

/// What a careful administrator says without compose. The console in the bot's place: it needs no homeserver, and nobody
/// calls it healthy.
const CAREFUL: [&str; 10] = [
    "--user=10001:10001",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges:true",
    "--read-only",
    "--pids-limit=64",
    "--memory=256m",
    "--stop-timeout=45",
    "--network=none",
    "--volume=STATE:/var/lib/opsroom",
    "--volume=CONFIG:/etc/opsroom:ro",
];

const CONFIG: &str = "[matrix]\nhomeserver = \"https://matrix.example.org\"\nuser = \"@opsroom:example.org\"\n\
    [[room]]\nid = \"#ops:example.org\"\n[[operator]]\nuser = \"@alice:example.org\"\nrole = \"admin\"\n\
    [[host]]\nname = \"here\"\ntransport = \"local\"\n[[service]]\nname = \"kokoro\"\nhost = \"here\"\n";

#[test]
fn every_promise_that_is_broken_is_noticed() {
    let lab = Lab::connect();
    let dock = lab.dock(OPSROOM);
    let config = lab.dir("careless");
    fs::write(config.join("config.toml"), CONFIG).unwrap();
    let sockets = dock.engine().sockets().display().to_string();
    // Of root's own: root without capabilities cannot enter the bot's. A bind, because an empty volume takes over the owner
    // that the image says.
    let roots = lab.dir("roots-state").display().to_string();
    let broken = |leave_out: &[&str], add: &[&str], image: &[&str]| -> Vec<String> {
        let mut arguments: Vec<String> = ["run", "--detach", "--interactive"].map(str::to_owned).to_vec();
        let kept = CAREFUL.iter().filter(|option| !leave_out.iter().any(|left| option.starts_with(left)));
        arguments.extend(kept.chain(add).map(|option| {
            let option = option.replace("CONFIG", &config.display().to_string()).replace("SOCKETS", &sockets);
            option.replace("ROOTS", &roots).replace("STATE", &lab.unique("state"))
        }));
        arguments.extend(image.iter().map(|&word| word.to_owned()));
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let container = dock.engine().docker(&arguments);
        let denied = denied(&dock, &container);
        dock.engine().docker(&["rm", "--force", &container]);
        denied
    };
    let console = ["opsroom:latest", "console"];
    let but = |leave_out: &[&str], add: &[&str]| broken(leave_out, add, &console);

    assert_eq!(but(&[], &[]), ["healthy"], "careful");
    let root = ["--user=0:0", "--volume=ROOTS:/var/lib/opsroom"];
    assert_eq!(but(&["--user", "--volume=STATE"], &root), ["not-root", "healthy"]);
    assert_eq!(but(&["--user"], &["--user=10001:0"]), ["not-root", "healthy"], "its group");
    assert_eq!(but(&[], &["--group-add=0"]), ["not-root", "healthy"], "a group beside");
    assert_eq!(but(&["--read-only"], &[]), ["read-only-root", "healthy"]);
    assert_eq!(but(&["--cap-drop"], &[]), ["capabilities", "healthy"]);
    assert_eq!(but(&["--security-opt"], &[]), ["no-new-privs", "healthy"]);
    assert_eq!(but(&[], &["--security-opt=seccomp=unconfined"]), ["seccomp", "healthy"]);
    assert_eq!(but(&["--pids-limit"], &[]), ["pids-limit", "healthy"]);
    assert_eq!(but(&["--memory"], &[]), ["memory-limit", "healthy"]);
    assert_eq!(but(&[], &["--volume=SOCKETS/docker.sock:/var/run/docker.sock"]), ["no-socket", "healthy"]);
    assert_eq!(but(&[], &["--volume=SOCKETS:/run/engine"]), ["no-socket", "healthy"], "its directory");
    assert_eq!(but(&["--volume=STATE"], &["--tmpfs=/var/lib/opsroom:uid=10001,mode=700"]), ["state-volume", "healthy"]);
    assert_eq!(but(&["--volume=CONFIG"], &["--volume=CONFIG:/etc/opsroom"]), ["config-mount", "healthy"]);
    assert_eq!(but(&[], &["--pid=host"]), ["own-namespaces", "healthy"]);
    assert_eq!(but(&[], &["--ipc=host"]), ["own-namespaces", "healthy"]);
    assert_eq!(broken(&[], &[], &[BASE_IMAGE, "sleep", "1000"]), ["one-program", "healthy"]);
    assert_eq!(but(&["--stop-timeout"], &[]), ["healthy", "stop-time"]);
    // All at once, as `--privileged` would; that itself asks for more than a lab in a container may give.
    let all = broken(
        &["--"],
        &[
            "--security-opt=seccomp=unconfined",
            "--pid=host",
            "--ipc=host",
            "--uts=host",
            "--network=host",
            "--volume=SOCKETS:/var/run",
        ],
        &[BASE_IMAGE, "sleep", "1000"],
    );
    assert_eq!(all, FACTS);
}
