//! What tells a story that nothing more is to come.

use opsroom_lab::{Host, bot::BotPlan, docker::BASE_IMAGE};

use crate::stage::Stage;

/// A container that does nothing until it is gone.
pub(super) struct Canary {
    host: Host,
    container: String,
}

impl Canary {
    pub(super) fn sings(stage: &Stage) -> Self {
        let (host, container) = (stage.host.clone(), stage.lab.unique("canary"));
        let runs = ["run", "-d", "--name", &container, "--network", "host", "--restart", "unless-stopped"];
        host.engine().docker(&[&runs[..], &[BASE_IMAGE, "sleep", "100000"]].concat());
        Self { host, container }
    }

    /// Known to the bot, which is to wait so long before it tells that it is gone.
    pub(super) fn known(&self, plan: BotPlan, absent_after: &str) -> BotPlan {
        plan.host(&self.host).config(&format!(
            "[[service]]\nname = \"canary\"\nhost = {:?}\nruntime = \"docker\"\ncontainer = {:?}\nwatch = {{ absent_after = {absent_after:?} }}\n",
            self.host.name(),
            self.container,
        ))
    }

    #[track_caller]
    pub(super) fn dies(&self) {
        self.host.engine().docker(&["rm", "-f", &self.container]);
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        // When the engine is gone already, so is the container.
        drop(self.host.engine().command().args(["rm", "-f", &self.container]).output());
    }
}
