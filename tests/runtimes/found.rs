//! Services of all runtimes that are found on a host and are in no config.

use std::time::Duration;

use opsroom_lab::{containing, machine::OPS};

use crate::{
    containers::Podman,
    metal::{RUNS, as_user, reads_the_journal, rule, stage_on, sudoers, unit, user_unit},
};

#[test]
fn units_quadlets_and_containers_of_logins_are_found_and_each_is_shown_once() {
    // The first suite whose Podman makes units from files.
    let stage = stage_on("trixie");
    let host = &stage.host;
    reads_the_journal(host);
    let podman = Podman::of(host, Some(OPS));
    podman.container("pod", "--restart always");
    unit(host, "app@.service", RUNS);
    unit(host, "hidden.service", RUNS);
    host.run_as_root("echo 7 >/run/exit-code; systemctl start network-online.target app@1 app@2 hidden");
    sudoers(host, &rule(&["app@1.service", "app@2.service"]));
    user_unit(host, "own.service", RUNS);
    // Its own choice, a part of the unit's control group, is not to be had by a login under version 1 of those.
    let quadlet = "[Container]\nImage=localhost/base\nContainerName=quad\nNetwork=none\nPodmanArgs=--cgroups=enabled\nExec=sh -c \"echo contained; trap 'exit 0' TERM; sleep 1000 & wait\"\n[Service]\nRestart=always\n";
    let dir = "~/.config/containers/systemd";
    as_user(
        host,
        &OPS,
        &format!(
            "mkdir -p {dir}; cat >{dir}/quad.container <<'END'\n{quadlet}END\nsystemctl --user daemon-reload; systemctl --user start quad own || {{ journalctl -n 20 --no-pager; exit 1; }}"
        ),
    );
    let policy = "[host.discover]\nallow = [\"pod\", \"quad\"]\nunits = [\"app@*.service\", \"own\"]\nmay = \"restart\"\n[watch]\nquiet = \"3s\"\n";
    let bot = stage.bot().host(host).config(policy).start();
    let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(60));
    let found = reads.next_from(&bot, containing("services found"));
    let mut lines: Vec<&str> = found.text().lines().collect();
    lines.sort_unstable();
    let expected = [
        "· app-1 — unit app@1.service",
        "· app-2 — unit app@2.service",
        "· own — unit own.service",
        "· pod — container",
        "· quad — unit quad.service",
    ];
    assert!(lines.starts_with(&expected), "{}", found.text());
    let status = stage.ask(&bot, "!status");
    for name in ["app-1", "app-2", "own", "pod", "quad"] {
        assert_eq!(status.text().matches(&format!("{name} — up")).count(), 1, "{}", status.text());
    }
    assert!(!status.text().contains("hidden"), "{}", status.text());
    for name in ["app-1", "quad", "pod"] {
        stage.result_of(&bot, &format!("!restart {name}"), &format!("✅ {name} restarted"));
    }
    assert!(stage.ask(&bot, "!logs quad").text().contains("contained"));

    // A unit that comes up is noticed when it does.
    host.run_as_root("systemctl start app@3");
    let found = reads.next_from(&bot, containing("🔎 app-3 found on"));
    assert!(found.text().ends_with(" — unit app@3.service"), "{}", found.text());
}
