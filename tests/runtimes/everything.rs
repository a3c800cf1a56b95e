//! A host with every runtime at once.

use std::time::Duration;

use opsroom_lab::{Message, machine::OPS, wait::wait_or};

use crate::{
    containers::Podman,
    metal::{RUNS, SUITE, reads_the_journal, rule, stage_on, sudoers, unit, with_unit},
};

#[test]
fn a_host_of_all_runtimes_is_one_command_a_look_and_one_message_a_trouble() {
    let stage = stage_on(SUITE);
    let host = &stage.host;
    reads_the_journal(host);
    let podman = Podman::of(host, Some(OPS));
    podman.container("pod", "--restart always");
    unit(host, "web.service", RUNS);
    host.run_as_root("echo 7 >/run/exit-code; systemctl start web");
    sudoers(host, &rule(&["web.service"]));
    let container = stage.lab.unique("box");
    host.run(&format!(
        "docker run -d --name {container} --network host opsroom-lab/base sh -c 'trap \"exit 0\" TERM; echo boxed; while [ ! -e /ended ]; do sleep 0.1; done; exit 5'"
    ));
    let plan = with_unit(podman.known(stage.bot(), "pod"), host, "web", "web.service", "");
    let plan = plan.config(&format!(
        "[[service]]\nname = \"box\"\nhost = {:?}\ncontainer = {container:?}\n[watch]\nquiet = \"3s\"\nsnapshot_every = \"10m\"\n",
        host.name()
    ));
    let bot = plan.start();
    let up = ["pod — up", "web — up", "box — up"];
    let status = stage.ask(&bot, "!status");
    assert!(up.iter().all(|line| status.text().contains(line)), "{}", status.text());

    // What asks for a look of its own are the streams, of which each has one.
    let looks = || host.sshd_log().lines().filter(|line| line.contains("Starting session: command")).count();
    let before = looks();
    stage.ask(&bot, "!status");
    assert_eq!(looks(), before + 1, "{}", host.sshd_log());

    let card = stage.ask(&bot, &format!("!hosts {}", host.name()));
    for line in ["up ", "memory ", "Debian", "Docker 2", "Podman 4", "systemd 252", "3 services"] {
        assert!(card.text().contains(line), "no {line:?} in {}", card.text());
    }

    for (name, log) in [("pod", "hello"), ("web", "hello"), ("box", "boxed")] {
        assert!(stage.ask(&bot, &format!("!logs {name}")).text().contains(log));
        stage.result_of(&bot, &format!("!restart {name}"), &format!("✅ {name} restarted"));
    }
    podman.is_removed("pod");
    podman.container("pod", "");
    host.run_as_root("systemctl kill -s USR1 web");
    podman.ends("pod", 4);
    host.run(&format!("docker exec {container} touch /ended"));
    let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(60));
    // In a message of its own, or with what went wrong at the same time.
    let about = |text: &str, name: &str| {
        text.lines().any(|line| line.contains(&format!("{name} is down")) || line.contains(&format!("{name} — down")))
    };
    for (name, cause) in [("web", "exit 7"), ("pod", "exit 4"), ("box", "exit 5")] {
        let is_told = |m: &Message| about(m.history()[0], name) && m.history()[0].contains(cause);
        let told = || reads.messages_from(&bot).iter().any(is_told).then_some(());
        wait_or(Duration::from_secs(60), told, || format!("{name} is down, {cause}: {}", reads.transcript()));
    }
    for name in ["web", "pod", "box"] {
        let alerts = reads.messages_from(&bot).iter().filter(|m| about(m.history()[0], name)).count();
        assert_eq!(alerts, 1, "{name}: {}", reads.transcript());
    }
    host.run(&format!("docker rm -f {container}"));
}
