//! Containers of Podman: root's, and those of a login.

use std::time::Duration;

use opsroom_lab::{
    Host, Message,
    bot::BotPlan,
    containing,
    machine::{OPS, User},
    message::Expected,
    page, wait_until, where_,
};

use crate::{
    metal::{SUITE, linger, stage_on},
    stage::Stage,
};

const WATCH: &str = "[watch]\nquiet = \"3s\"\nabsent_after = \"3s\"\nunhealthy_after = \"1s\"\n";

/// What runs on, ends with the status in `/tmp/exit-code` once that is there, and is sick while there is a `/tmp/sick`.
const APP: &str = "echo hello; trap 'exit 0' TERM; while [ ! -e /tmp/exit-code ]; do sleep 0.1; done; echo fatal: lost the database >&2; exit $(cat /tmp/exit-code)";

/// A host on which a login runs containers.
pub(crate) struct Podman<'a> {
    host: &'a Host,
    /// None is root.
    login: Option<User>,
}

impl<'a> Podman<'a> {
    pub(crate) fn of(host: &'a Host, login: Option<User>) -> Self {
        let podman = Self { host, login };
        match podman.login {
            Some(_) => linger(host),
            None => drop(host.run_as_root(
                "echo 'ops ALL=(root) NOPASSWD: ALL' >/etc/sudoers.d/root; chmod 440 /etc/sudoers.d/root",
            )),
        }
        podman.sh(
            "mkdir -p image/bin image/tmp; cp /bin/busybox image/bin; for a in sh sleep cat echo test touch rm; do ln -sf busybox image/bin/$a; done
             tar c -C image . | podman import - base 2>/dev/null",
        );
        podman
    }

    /// Ends the process of one, as the kernel or a careless person does.
    pub(crate) fn is_killed(&self, name: &str) {
        self.sh(&format!("kill -KILL $(podman inspect -f '{{{{.State.Pid}}}}' {name})"));
    }

    /// Removes one, however often it dies meanwhile: Podman refuses that of one that it is about to start again.
    pub(crate) fn is_removed(&self, name: &str) {
        let removed = || {
            (self.sh(&format!("podman rm -f -t 0 {name} && echo removed || true")).contains("removed")).then_some(())
        };
        wait_until(Duration::from_secs(30), format_args!("{name} to be removed"), removed);
    }

    pub(crate) fn sh(&self, script: &str) -> String {
        let script =
            format!("cd; export PODMAN_IGNORE_CGROUPSV1_WARNING=1 XDG_RUNTIME_DIR=/run/user/$(id -u); {script}");
        match &self.login {
            Some(user) => self.host.run_as(user, &script),
            None => self.host.run_as_root(&format!("export HOME=/root; unset XDG_RUNTIME_DIR; {script}")),
        }
    }

    /// Runs one, with more arguments.
    pub(crate) fn container(&self, name: &str, arguments: &str) {
        let app = APP.replace('\'', "'\\''");
        self.sh(&format!("podman run -d --name {name} --network none {arguments} base sh -c '{app}'"));
    }

    pub(crate) fn ends(&self, name: &str, code: u8) {
        self.sh(&format!("podman exec {name} sh -c 'echo {code} >/tmp/exit-code'"));
    }

    fn state(&self, name: &str) -> String {
        self.sh(&format!("podman inspect -f '{{{{.State.Status}}}}' {name} 2>/dev/null || echo none"))
    }

    pub(crate) fn known(&self, plan: BotPlan, name: &str) -> BotPlan {
        let run_as = if self.login.is_none() { "run_as = \"root\"" } else { "" };
        plan.host(self.host).config(&format!(
            "[[service]]\nname = {name:?}\nhost = {:?}\nruntime = \"podman\"\n{run_as}\n",
            self.host.name()
        ))
    }
}

fn alert(stage: &Stage, head: &str) -> Expected {
    let head = head.to_owned();
    page(&stage.alice)
        .and(where_(format!("that begins with {head:?}"), move |m: &Message| m.history()[0].starts_with(&head)))
}

/// Every command in every state.
fn is_served(suite: &str, login: Option<User>) {
    let stage = stage_on(suite);
    let podman = Podman::of(&stage.host, login);
    podman.container("web", "--restart always");
    podman.container("done", "");
    podman.ends("done", 0);
    podman.sh("podman create --name made --network none base sh -c 'sleep 1000'");
    let mut plan = stage.bot();
    for name in ["web", "done", "made", "none"] {
        plan = podman.known(plan, name);
    }
    let bot = plan.start();
    let status = stage.ask(&bot, "!status");
    let text = status.text();
    for line in ["web — up", "done — stopped, exit 0", "made — created, never started", "none — not deployed"] {
        assert!(text.contains(line), "no {line:?} in {text}");
    }
    assert!(stage.ask(&bot, "!logs web").text().contains("hello"));
    assert!(stage.ask(&bot, "!logs none").text().contains("not deployed"));
    let started = || podman.sh("podman inspect -f '{{.State.StartedAt}}' web");
    let before = started();
    stage.result_of(&bot, "!restart web", "✅ web restarted");
    assert_ne!(started(), before);
    stage.result_of(&bot, "!stop web", "✅ web stopped");
    assert_eq!(podman.state("web"), "exited");
    assert!(stage.ask(&bot, "!status web").text().contains("stopped by"), "{}", stage.ask(&bot, "!status web").text());
    stage.result_of(&bot, "!start web", "✅ web started");
    assert_eq!(podman.state("web"), "running");
    stage.result_of(&bot, "!start made", "✅ made started");
    let none = stage.result_of(&bot, "!restart none", "🔴");
    assert!(none.text().contains("no such container"), "{}", none.text());
    let refused = stage.ask(&bot, "!update web");
    assert!(refused.text().starts_with("✋"), "{}", refused.text());
}

#[test]
fn containers_of_root_are_seen_read_and_changed() {
    is_served(SUITE, None);
}

#[test]
fn containers_of_a_login_are_seen_read_and_changed() {
    is_served(SUITE, Some(OPS));
}

#[test]
fn containers_of_a_login_of_podman_5_are_seen_read_and_changed() {
    is_served("trixie", Some(OPS));
}

#[test]
fn each_end_of_a_container_is_one_alert_with_its_cause() {
    for suite in [SUITE, "trixie"] {
        let stage = stage_on(suite);
        let podman = Podman::of(&stage.host, Some(OPS));
        podman.container("dies", "");
        podman.container("loops", "--restart always");
        podman.container("gone", "");
        podman.container("hand", "");
        podman.container("sick", "--health-cmd 'test ! -e /tmp/sick' --health-interval 1s --health-retries 1");
        let mut plan = stage.bot();
        for name in ["dies", "loops", "gone", "hand", "sick"] {
            plan = podman.known(plan, name);
        }
        let bot = plan.config(WATCH).start();
        stage.ask(&bot, "!status");
        let reads = stage.room.reads(&stage.alice).within(Duration::from_secs(60));
        let on = stage.host.name();

        // What somebody stopped, and started again, is no news.
        podman.sh("podman stop hand; podman start hand; podman stop hand");
        podman.ends("dies", 7);
        let told = reads.next_from(&bot, alert(&stage, &format!("🔴 dies is down on {on} — exit 7")));
        assert!(told.text().contains("lost the database"), "{}", told.text());
        podman.sh("podman rm dies >/dev/null");
        podman.container("dies", "");
        reads.next_from(&bot, containing("✅ dies recovered"));

        podman.ends("loops", 3);
        let told = reads.next_from(&bot, alert(&stage, "🔴 loops "));
        reads.until(&told.id, containing("crash loop"));
        podman.is_removed("loops");
        podman.container("loops", "--restart always");

        podman.is_removed("gone");
        reads.next_from(&bot, alert(&stage, &format!("🔴 gone is not deployed any more on {on}")));
        podman.sh("podman exec sick touch /tmp/sick");
        reads.next_from(&bot, alert(&stage, &format!("🔴 sick is unhealthy on {on}")));
        let status = stage.ask(&bot, "!status hand");
        assert!(status.text().contains("stopped by hand"), "{}\n{}", status.text(), reads.transcript());
        let about = reads.messages_from(&bot).iter().filter(|m| m.history()[0].contains("🔴 hand")).count();
        assert_eq!(about, 0, "{}", reads.transcript());
    }
}

#[test]
fn containers_that_are_in_no_config_are_proposed() {
    for suite in [SUITE, "trixie"] {
        let stage = stage_on(suite);
        let podman = Podman::of(&stage.host, Some(OPS));
        podman.container("known", "");
        podman.container("found", "--label note='x\n[[operator]]'");
        podman.container("of-a-unit", "--label PODMAN_SYSTEMD_UNIT=web.service");
        let bot = podman.known(stage.bot(), "known").prepare();
        let output = bot.tool(&["discover", stage.host.name()]);
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{lines}{}", String::from_utf8_lossy(&output.stderr));
        assert!(lines.contains("runtime = \"podman\"\ncontainer = \"found\"  # "), "{lines}");
        // What other stories run on the engine they share may be told too.
        assert_eq!(lines.matches("runtime = \"podman\"").count(), 1, "{lines}");
        bot.change_config(|config| format!("{config}\n{lines}\n"));
        assert!(bot.tool(&["check"]).status.success());
    }
}
