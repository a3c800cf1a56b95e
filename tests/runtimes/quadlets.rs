//! Units that Podman makes from files (podman-systemd.unit(5)): their images come from a registry.

use opsroom_lab::{Bot, Host, containing, machine::OPS, wait_until};

use crate::{
    metal::{as_user, linger, reads_the_journal, stage_on, with_unit},
    stage::{LIMIT, Stage},
};

const IMAGE: &str = "127.0.0.1:5000/app:latest";

/// Waits before each start while there is a gate, and says so.
const GATE: &str = "while [ -e ~/gate ]; do touch ~/at-gate; sleep 0.1; done; rm -f ~/at-gate";

/// A quadlet of the login's own, on a machine with a registry.
struct App {
    stage: Stage,
}

impl App {
    /// The first version runs.
    fn deployed() -> Self {
        // The first suite whose Podman makes units from files.
        let app = Self { stage: stage_on("trixie") };
        let host = app.host();
        reads_the_journal(host);
        linger(host);
        let registry = std::fs::read("/usr/bin/docker-registry").expect("the lab's set-up installs it");
        let copied = host.try_run("cat >registry && chmod 755 registry", &registry);
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
        host.run_as_root(
            "cp ~ops/registry /usr/local/bin/registry
             printf 'version: 0.1\\nstorage:\\n  filesystem:\\n    rootdirectory: /srv/registry\\nhttp:\\n  addr: 127.0.0.1:5000\\n' >/srv/registry.yml
             printf '[[registry]]\\nlocation = \"127.0.0.1:5000\"\\ninsecure = true\\n' >/etc/containers/registries.conf.d/lab.conf
             systemctl start network-online.target",
        );
        app.registry_starts();
        app.push("version 1", "sleep 1000 & wait");
        // A part of the unit's control group, its own choice, is not to be had by a login under version 1 of those.
        let quadlet = format!(
            "[Container]\nImage={IMAGE}\nContainerName=app\nNetwork=none\nPodmanArgs=--cgroups=enabled\nExec=sh /app\n[Service]\nExecStartPre=/bin/sh %h/gate.sh\nTimeoutStartSec=120\n"
        );
        let dir = "~/.config/containers/systemd";
        as_user(
            host,
            &OPS,
            &format!(
                "echo '{GATE}' >gate.sh; mkdir -p {dir}; cat >{dir}/app.container <<'END'\n{quadlet}END\nsystemctl --user daemon-reload; systemctl --user start app"
            ),
        );
        app
    }

    fn host(&self) -> &Host {
        &self.stage.host
    }

    fn registry_starts(&self) {
        self.host().run_as_root("systemd-run -q --unit registry /usr/local/bin/registry serve /srv/registry.yml");
    }

    /// Changes the unit's file.
    fn edits(&self, script: &str) {
        let file = "~/.config/containers/systemd/app.container";
        as_user(self.host(), &OPS, &format!("sed -i '{script}' {file}; systemctl --user daemon-reload"));
    }

    /// The image that the name stands for on the host.
    fn named(&self) -> String {
        self.podman(&format!("image inspect -f '{{{{.Id}}}}' {IMAGE}"))
    }

    fn bot(&self) -> Bot {
        let lines = "scope = \"user\"\nupdate = { strategy = \"pull\", verify = \"3s\", timeout = \"2m\" }";
        with_unit(self.stage.bot(), self.host(), "app", "app.service", lines).start()
    }

    /// The registry has a new version from now on, which prints its name and goes on like that.
    fn push(&self, version: &str, goes_on: &str) {
        self.host().run_as_root(&format!(
            "export HOME=/root; unset XDG_RUNTIME_DIR; rm -rf image; mkdir -p image/bin image/tmp; cp /bin/busybox image/bin
             for a in sh sleep cat echo; do ln -sf busybox image/bin/$a; done; echo '{version}' >image/version
             printf 'trap \"exit 0\" TERM; cat /version; {goes_on}\\n' >image/app
             until podman search --tls-verify=false 127.0.0.1:5000/ >/dev/null 2>&1; do sleep 0.1; done
             tar c -C image . | podman import -q - {IMAGE} >/dev/null; podman push -q --tls-verify=false {IMAGE}"
        ));
    }

    fn podman(&self, what: &str) -> String {
        as_user(self.host(), &OPS, &format!("cd; export PODMAN_IGNORE_CGROUPSV1_WARNING=1; podman {what}"))
    }

    fn runs(&self) -> String {
        as_user(self.host(), &OPS, "cd; podman exec app cat /version 2>/dev/null || echo nothing")
    }

    fn container(&self) -> String {
        self.podman("inspect -f '{{.Id}}' app")
    }
}

#[test]
fn an_image_from_a_registry_is_pulled_verified_and_taken_back() {
    let app = App::deployed();
    let (stage, bot) = (&app.stage, app.bot());
    let first = app.container();
    let told = stage.result_of(&bot, "!update app", "✅ app updated");
    assert!(told.text().contains("nothing new"), "{}", told.text());
    assert_eq!(app.container(), first, "what is the same goes on");

    app.push("version 2", "sleep 1000 & wait");
    let news = stage.ask(&bot, "!diff app");
    assert!(news.text().contains(IMAGE), "{}", news.text());
    assert_eq!(app.runs(), "version 1");
    stage.result_of(&bot, "!update app", "✅ app updated");
    assert_eq!(app.runs(), "version 2");

    app.push("version 3", "echo cannot open the database; exit 7");
    let told = stage.result_of(&bot, "!update app", "🔴 update of app failed");
    let text = told.text();
    assert!(text.contains("exit 7") && text.contains("cannot open the database") && text.contains("Back at"), "{text}");
    assert_eq!(app.runs(), "version 2");

    app.host().run_as_root("systemctl stop registry");
    let running = app.container();
    let told = stage.result_of(&bot, "!update app", "🔴 update of app failed");
    assert!(told.text().contains("127.0.0.1:5000"), "{}", told.text());
    assert_eq!((app.runs().as_str(), app.container()), ("version 2", running));
    assert_eq!(app.named(), app.podman("inspect -f '{{.Image}}' app"), "what the next start would run");
    // Going back needs no registry: the images are kept, also from a prune of what has no name.
    app.podman("image prune -f >/dev/null");
    stage.result_of(&bot, "!rollback app", "✅ app rolled back");
    assert_eq!(app.runs(), "version 1");
    let told = stage.result_of(&bot, "!rollback app", "✋");
    assert!(told.text().contains("no earlier version"), "{}", told.text());

    // What is down is what needs a new version most.
    app.registry_starts();
    app.push("version 4", "sleep 1000 & wait");
    as_user(app.host(), &OPS, "systemctl --user stop app");
    stage.result_of(&bot, "!update app", "✅ app updated");
    assert_eq!(app.runs(), "version 4");

    // What could not be taken back is not begun.
    app.edits("s/^Image=.*/&\\nPull=newer/");
    let told = stage.result_of(&bot, "!update app", "✋");
    assert!(told.text().contains("Drop that line"), "{}", told.text());
    app.edits("/^Pull=/d; s/^Image=.*/Image=app/");
    let told = stage.result_of(&bot, "!rollback app", "✋");
    assert!(told.text().contains("No registry can be asked for its image app"), "{}", told.text());
    assert_eq!(app.runs(), "version 4");
}

#[test]
fn an_image_that_the_file_names_anew_is_pulled_and_one_that_does_not_come_up_is_told() {
    let app = App::deployed();
    let (stage, bot) = (&app.stage, app.bot());
    app.push("version 2", "sleep 1000 & wait");
    app.host().run_as_root(&format!(
        "export HOME=/root; unset XDG_RUNTIME_DIR; podman push -q --tls-verify=false {IMAGE} 127.0.0.1:5000/app:next"
    ));
    app.edits("s/^Image=.*/Image=127.0.0.1:5000\\/app:next/");
    stage.result_of(&bot, "!update app", "✅ app updated");
    assert_eq!(app.runs(), "version 2");
    // Another file beside it decides: what is pulled is not what is started.
    app.push("version 3", "sleep 1000 & wait");
    app.host().run_as_root(
        "export HOME=/root; unset XDG_RUNTIME_DIR; podman push -q --tls-verify=false 127.0.0.1:5000/app:latest 127.0.0.1:5000/app:next",
    );
    as_user(
        app.host(),
        &OPS,
        &format!(
            "d=~/.config/containers/systemd/app.container.d; mkdir -p $d; printf '[Container]\\nImage={IMAGE}\\n' >$d/image.conf; systemctl --user daemon-reload"
        ),
    );
    let told = stage.result_of(&bot, "!update app", "🔴 update of app failed");
    assert!(told.text().contains("another version"), "{}", told.text());
}

#[test]
fn an_update_goes_on_when_the_bot_is_killed_in_any_phase() {
    let app = App::deployed();
    let (stage, host, bot) = (&app.stage, app.host(), app.bot());
    let mut last = "version 1".to_owned();
    for (round, phase) in ["pull", "switch", "verify", "rollback"].into_iter().enumerate() {
        let version = format!("version {}", round + 2);
        app.push(&version, if phase == "rollback" { "exit 7" } else { "sleep 1000 & wait" });
        match phase {
            "pull" => drop(host.run_as_root("systemctl kill -s STOP registry")),
            "switch" => drop(host.run("touch gate")),
            _ => {}
        }
        let asked = stage.alice.says(&stage.room, "!update app");
        let begins = |what: &str| {
            wait_until(LIMIT, phase, || host.try_run(what, b"").status.success().then_some(()));
        };
        match phase {
            "pull" => begins("pgrep -u ops -f '[p]odman pull'"),
            "switch" => begins("test -e at-gate"),
            "verify" => wait_until(LIMIT, phase, || (app.runs() == version).then_some(())),
            // The first start has passed the gate, and the second one waits at it.
            _ => {
                begins(
                    "podman ps -a --format '{{.ImageID}}' | grep -q . && journalctl --user -u app -o cat | grep -q 'status=7'",
                );
            }
        }
        bot.kill();
        host.run("rm -f gate");
        if phase == "pull" {
            host.run_as_root("systemctl kill -s CONT registry");
        }
        bot.launch();
        bot.wait_until_ready();
        let reads = stage.room.reads(&stage.alice).within(LIMIT);
        let head = if phase == "rollback" { "🔴 update of app failed" } else { "✅ app updated" };
        reads.reply_to(&asked, containing(head));
        if phase != "rollback" {
            last = version;
        }
        assert_eq!(app.runs(), last, "{phase}");
    }
}
