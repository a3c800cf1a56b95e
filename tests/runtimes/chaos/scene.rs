//! A scene on a machine with a systemd of its own.

use opsroom_lab::{Host, bot::BotPlan, machine::OPS, wait_until};

pub(super) use crate::watching::scene::Scene;
use crate::{
    metal::as_user,
    stage::{LIMIT, Stage},
    watching::scene::LIMITS,
};

/// What systemd writes into the journal, and what Podman tells: by the command lines of those who listen.
pub(super) const UNITS: &str = "^journalctl -f";
pub(super) const CONTAINERS: &str = "^podman events";

/// Of a service that dies and is up again: one death is told after ten seconds, and while it is not over. What a busy machine tells
/// late of a loop is still of that loop.
pub(super) const MENDED: &str = "watch = { quiet = \"15s\" }\n";

impl Scene {
    /// A bot of this plan that has seen everything on the machine, and listens to these streams. Some of it heals before it is
    /// told, ten seconds later: the end waits for longer.
    #[track_caller]
    pub(super) fn on_metal(stage: Stage, plan: BotPlan, streams: &[&str]) -> Self {
        // What is taken away makes no event: looks see it. A busy machine may take long to boot.
        let plan = plan.config(&format!("{LIMITS}snapshot_every = \"5s\"\nunreachable_after = \"10m\"\n"));
        Self::begin(stage, plan, "14s", |host| streams.iter().for_each(|stream| hears(host, stream)))
    }

    /// A command of somebody on the machine.
    pub(super) fn root(&self, script: &str) -> String {
        self.host().run_as_root(script)
    }

    /// A command of the login.
    pub(super) fn ops(&self, script: &str) -> String {
        as_user(self.host(), &OPS, &format!("cd; export PODMAN_IGNORE_CGROUPSV1_WARNING=1; {script}"))
    }
}

/// Waits until somebody on that machine listens.
#[track_caller]
pub(super) fn hears(host: &Host, stream: &str) {
    wait_until(LIMIT, format_args!("the bot to listen with {stream:?}"), || {
        (!host.run(&format!("pgrep -f '{stream}' || true")).is_empty()).then_some(())
    });
}
