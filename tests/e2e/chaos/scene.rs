//! A room, a host with a service on it, a bot that watches both, and what it
//! said of them in the end.

use std::{sync::Arc, time::Duration};

use opsroom_lab::{
    Bot, Host, Message, Project, Speaker as _,
    bot::BotPlan,
    containing,
    docker::OwnEngine,
    message::{EventId, reply_to},
    page,
    room::Reading,
    wait_until,
};

use super::table;
use crate::{
    outcome::outcome,
    stage::{LIMIT, Stage},
};

/// The product's own limits where they make no difference to what is told, and
/// short ones where it only takes longer.
pub(super) const LIMITS: &str = "[watch]\nquiet = \"3s\"\nabsent_after = \"5s\"\nunhealthy_after = \"1s\"\n";
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

    /// It, if it is about this service, which the table calls `bridge`.
    fn only_of(&self, service: &str) -> Option<Self> {
        let heads: Vec<String> = self.heads.iter().map(|head| head.replace(service, "bridge")).collect();
        (heads != self.heads).then_some(Self { heads, ..*self })
    }

    pub(super) fn bell(&self) -> &'static str {
        if self.pushes > 0 { "🔔 " } else { "" }
    }

    pub(super) fn arrow(&self) -> &'static str {
        if self.answer { "↩ " } else { "" }
    }

    /// Whether it made a phone ring for something that is wrong.
    pub(super) fn alarms(&self) -> bool {
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
    /// A bot that knows these services and has seen them. What is to be told of
    /// them is waited for.
    #[track_caller]
    pub(super) fn set(stage: Stage, services: &[&Project], limits: &str) -> Self {
        Self::planned(stage, services, &format!("{LIMITS}{limits}"), "7s")
    }

    /// The same, where nothing is to be told: the end waits for longer than an
    /// alert takes, and a death that was mended is told after ten seconds.
    #[track_caller]
    pub(super) fn quietly(stage: Stage, services: &[&Project], config: &str) -> Self {
        Self::planned(stage, services, config, "14s")
    }

    /// Like [`Self::set`], each service being all of a project.
    #[track_caller]
    pub(super) fn of_projects(stage: Stage, projects: &[&Project]) -> Self {
        Self::with(stage, projects, BotPlan::whole, LIMITS, "7s")
    }

    /// Like [`Self::quietly`], each service being all of a project.
    #[track_caller]
    pub(super) fn of_projects_quietly(stage: Stage, projects: &[&Project]) -> Self {
        Self::with(stage, projects, BotPlan::whole, LIMITS, "14s")
    }

    #[track_caller]
    fn planned(stage: Stage, services: &[&Project], config: &str, canary_after: &str) -> Self {
        Self::with(stage, services, BotPlan::service_with, config, canary_after)
    }

    #[track_caller]
    fn with(
        stage: Stage,
        services: &[&Project],
        add: fn(BotPlan, &Project, &str) -> BotPlan,
        config: &str,
        canary_after: &str,
    ) -> Self {
        let canary = stage.host.project("canary").healthy();
        let mut plan = stage.bot();
        for service in services {
            plan = add(plan, service, CHANGES);
        }
        let canary_lines = format!("watch = {{ absent_after = {canary_after:?} }}");
        let bot = plan.service_with(&canary, &canary_lines).config(config).start();
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

    /// What the bot said of its own accord.
    pub(super) fn unasked(&self) -> Vec<Message> {
        self.reads().messages_from(&self.bot).into_iter().filter(|message| message.reply_to.is_none()).collect()
    }

    /// What made a phone ring because of this service, alone or together with others.
    pub(super) fn alarms_of(&self, service: &str) -> Vec<Message> {
        let alarm = |message: &Message| {
            let first = message.history()[0].to_owned();
            page(&self.stage.alice).holds(message) && first.starts_with('🔴') && first.contains(service)
        };
        self.unasked().into_iter().filter(alarm).collect()
    }

    /// Waits until there is such a message.
    #[track_caller]
    pub(super) fn alarmed(&self, service: &str) {
        wait_until(LIMIT, format_args!("an alarm for {service} in\n{}", self.reads().transcript()), || {
            (!self.alarms_of(service).is_empty()).then_some(())
        });
    }

    /// Alice asks for a change, and it is told how it ended.
    #[track_caller]
    pub(super) fn changes(&self, command: &str, result: &str) {
        let asked = self.stage.alice.says(&self.stage.room, command);
        self.reads().next_from(&self.bot, containing(result).and(outcome()).and(reply_to(&asked)));
    }

    /// The canary dies: when that is told, whatever else there was to tell has
    /// been, because it takes the watch longer to be sure of than anything else.
    #[track_caller]
    pub(super) fn nothing_more_comes(&self) {
        self.canary.remove();
        self.paged("canary is not deployed any more");
    }

    /// What the bot said of its own accord, and to commands. A change that did
    /// not fail is one answer: only how long it took says whether in two messages.
    pub(super) fn said(&self) -> Vec<Said> {
        let of_the_row = |message: &Message| {
            let head = message.text().lines().next().unwrap_or_default();
            let told_apart = head.starts_with('✅') && message.reply_to.is_some() && !outcome().holds(message);
            message.reply_to.as_ref() != Some(&self.asked) && !head.contains("canary") && !told_apart
        };
        let all = self.reads().messages_from(&self.bot);
        all.iter().filter(|message| of_the_row(message)).map(|message| Said::of(message, &self.stage)).collect()
    }

    /// Nothing more is to come, none of these rang, and each of them is a row.
    #[track_caller]
    pub(super) fn end(&self, rows: &[(&Project, &str)]) {
        self.nothing_more_comes();
        let said = self.said();
        let mut told = 0;
        for (service, row) in rows {
            let own: Vec<Said> = said.iter().filter_map(|said| said.only_of(service.name())).collect();
            assert!(!own.iter().any(Said::alarms), "alarms of {row:?}:\n{}", self.reads().transcript());
            told += own.len();
            table::is_row(row, &own);
        }
        assert_eq!(told, said.len(), "something is of none of them:\n{}", self.reads().transcript());
    }

    /// Nothing more is to come, so many alarms rang, and this is the row.
    #[track_caller]
    pub(super) fn ends(&self, row: &str, alarms: usize) {
        self.ends_for(row, |rang| rang == alarms, &str::to_owned);
    }

    /// The same, where it is a matter of luck how many of which.
    #[track_caller]
    pub(super) fn ends_for(&self, row: &str, alarms: impl Fn(usize) -> bool, plain: &dyn Fn(&str) -> String) {
        self.nothing_more_comes();
        let mut said = self.said();
        let rang = said.iter().filter(|said| said.alarms()).count();
        assert!(alarms(rang), "{rang} alarms of {row:?}:\n{}", self.reads().transcript());
        for said in &mut said {
            said.heads = said.heads.iter().map(|head| plain(head)).collect();
        }
        table::is_row(row, &said);
    }
}

/// The command line of the stream of events, and of no look that a job takes.
pub(super) const STREAM: &str = "docker [e]vents .*json";

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
        (!host.run(&format!("pgrep -f '{STREAM}' || true")).is_empty()).then_some(())
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

/// A service that was started just now: how long it has to be well in the end
/// depends on how long it ran before it fell.
#[track_caller]
pub(super) fn started_just_now(project: &Project) {
    project.host().run(&format!("docker restart -t 0 {}", project.container()));
}

/// Waits until it has run for so many seconds.
#[track_caller]
pub(crate) fn has_run(project: &Project, seconds: u32) {
    let started = format!("docker inspect -f '{{{{.State.StartedAt}}}}' {}", project.container());
    let script = format!("[ $(($(date +%s) - $(date -d $({started}) +%s))) -ge {seconds} ]");
    wait_until(LIMIT, format_args!("it to have run for {seconds} s"), || {
        project.host().try_run(&script, b"").status.success().then_some(())
    });
}
