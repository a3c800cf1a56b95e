//! A room, a host with a service on it, a bot that watches both, and what it
//! said of them in the end.

use std::{sync::Arc, time::Duration};

use opsroom_lab::{
    Bot, Host, Message, Project, Speaker as _, bot::BotPlan, containing, docker::OwnEngine, message::EventId, page,
    room::Reading, wait_until,
};

use super::table;
use crate::stage::{LIMIT, Stage};

/// The product's own limits where they make no difference to what is told, and
/// short ones where it only takes longer.
const LIMITS: &str = "[watch]\nquiet = \"3s\"\nabsent_after = \"5s\"\nunhealthy_after = \"1s\"\n";
/// What a change looks at is how long a version holds: a moment does here.
const CHANGES: &str = "update = { verify = \"2s\" }";

/// A message as the table shows it.
pub(super) struct Said {
    /// The first line of each of its versions.
    pub(super) heads: Vec<String>,
    /// Whether somebody asked for it.
    pub(super) answer: bool,
    /// How often it made a phone ring: as it came, and by its edits.
    pub(super) pushes: usize,
}

impl Said {
    fn of(message: &Message, stage: &Stage) -> Self {
        let me = stage.alice.user();
        let localpart = me.trim_start_matches('@').split(':').next().unwrap_or(me);
        let head = |text: &str| {
            let line = text.lines().next().unwrap_or_default();
            line.replace(stage.host.name(), "spark-1").replace(localpart, "alice")
        };
        let rang = message.edits.iter().filter(|edit| edit.mentions.iter().any(|user| user == me)).count();
        Self {
            heads: message.history().into_iter().map(head).collect(),
            answer: message.reply_to.is_some(),
            pushes: usize::from(page(&stage.alice).holds(message)) + rang,
        }
    }

    pub(super) fn bell(&self) -> &'static str {
        if self.pushes > 0 { "🔔 " } else { "" }
    }

    pub(super) fn arrow(&self) -> &'static str {
        if self.answer { "↩ " } else { "" }
    }

    /// Whether it made a phone ring for something that is wrong.
    fn alarms(&self) -> bool {
        self.pushes > 0 && self.heads.iter().any(|head| head.starts_with('🔴'))
    }
}

/// See the module.
pub(super) struct Scene {
    pub(super) stage: Stage,
    pub(super) bot: Bot,
    /// Shows that nothing more is to come: see [`Self::ends`].
    canary: Project,
    /// The question at the beginning.
    asked: EventId,
}

impl Scene {
    /// A bot that knows these services and has seen them.
    #[track_caller]
    pub(super) fn set(stage: Stage, services: &[&Project], limits: &str) -> Self {
        Self::planned(stage, services, &format!("{LIMITS}{limits}"), |plan| plan)
    }

    /// The same, with something else about the bot.
    #[track_caller]
    pub(super) fn planned(
        stage: Stage,
        services: &[&Project],
        config: &str,
        more: impl FnOnce(BotPlan) -> BotPlan,
    ) -> Self {
        let canary = stage.host.project("canary").healthy();
        let mut plan = stage.bot();
        for service in services {
            plan = plan.service_with(service, CHANGES);
        }
        // Longer than anything that is told of the others takes.
        let bot = more(plan.service_with(&canary, "watch = { absent_after = \"14s\" }")).config(config).start();
        let asked = sees(&stage, &bot);
        Self { stage, bot, canary, asked }
    }

    pub(super) fn host(&self) -> &Host {
        &self.stage.host
    }

    pub(super) fn reads(&self) -> Reading<'_> {
        self.stage.room.reads(&self.stage.alice).within(LIMIT)
    }

    /// Waits for the next message of the bot that says this.
    #[track_caller]
    pub(super) fn told(&self, what: &str) -> Message {
        self.reads().next_from(&self.bot, containing(what))
    }

    /// The same, of one that makes a phone ring.
    #[track_caller]
    pub(super) fn paged(&self, what: &str) -> Message {
        self.reads().next_from(&self.bot, page(&self.stage.alice).and(containing(what)))
    }

    /// The canary dies: when that is told, whatever else there was to tell has
    /// been, because it takes the watch longer to be sure of than anything else.
    #[track_caller]
    pub(super) fn nothing_more_comes(&self) {
        self.canary.remove();
        self.paged("canary is not deployed any more");
    }

    /// What the bot said of its own accord, and to commands.
    pub(super) fn said(&self) -> Vec<Said> {
        let of_the_row =
            |message: &Message| message.reply_to.as_ref() != Some(&self.asked) && !message.text().contains("canary");
        let all = self.reads().messages_from(&self.bot);
        all.iter().filter(|message| of_the_row(message)).map(|message| Said::of(message, &self.stage)).collect()
    }

    /// Nothing more is to come, so many alarms rang, and this is the row.
    #[track_caller]
    pub(super) fn ends(&self, row: &str, alarms: usize) {
        self.nothing_more_comes();
        let said = self.said();
        let rang = said.iter().filter(|said| said.alarms()).count();
        assert_eq!(rang, alarms, "alarms of {row:?}:\n{}", self.reads().transcript());
        table::is_row(row, &said);
    }
}

/// Waits until the bot has seen all there is and hears the engine's events.
#[track_caller]
fn sees(stage: &Stage, bot: &Bot) -> EventId {
    hears(&stage.host);
    let asked = stage.alice.says(&stage.room, "!status");
    let answer = stage.room.reads(&stage.alice).within(LIMIT).reply_to(&asked, opsroom_lab::anything());
    assert_eq!(answer.sender, bot.user());
    asked
}

/// Waits until somebody listens to the engine's events on that host.
#[track_caller]
pub(super) fn hears(host: &Host) {
    wait_until(LIMIT, "the bot to listen to the engine's events", || {
        (!host.run("pgrep -f 'docker [e]vents --filter|docker [e]vents --since' || true").is_empty()).then_some(())
    });
}

/// A host whose engine is nobody else's.
#[track_caller]
pub(super) fn with_an_engine(engine: OwnEngine) -> Stage {
    let engine = Arc::new(engine);
    Stage::on(|lab| lab.plan_host("spark-1").engine(&engine).boot())
}

/// Its engine.
#[track_caller]
pub(super) fn engine_of(host: &Host) -> &OwnEngine {
    host.own_engine().expect("an engine of its own")
}

/// Waits until a container was started again.
#[track_caller]
pub(super) fn runs_anew(project: &Project, before: Option<&str>) {
    wait_until(Duration::from_secs(60), "it to be started anew", || {
        let now = project.inspect("{{.State.Running}} {{.State.StartedAt}}")?;
        (now.starts_with("true") && before.is_none_or(|before| now != before)).then_some(())
    });
}

/// What [`runs_anew`] compares with.
pub(super) fn run_of(project: &Project) -> Option<String> {
    project.inspect("{{.State.Running}} {{.State.StartedAt}}")
}
