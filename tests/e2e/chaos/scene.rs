//! A scene with Docker's containers, and what is waited for of them.

use std::{sync::Arc, time::Duration};

use opsroom_lab::{Host, Message, Project, bot::BotPlan, docker::OwnEngine, page, wait_until};

use crate::stage::{LIMIT, Stage};
pub(super) use crate::watching::scene::{LIMITS, Scene};

/// What a change looks at is how long a version holds: a moment does here.
const CHANGES: &str = "update = { verify = \"2s\" }";

impl Scene {
    /// A bot that knows these services and has seen them. What is to be told of
    /// them is waited for.
    #[track_caller]
    pub(super) fn set(stage: Stage, services: &[&Project], limits: &str) -> Self {
        Self::with(stage, services, BotPlan::service_with, &format!("{LIMITS}{limits}"), "7s")
    }

    /// The same, where nothing is to be told: the end waits for longer than an
    /// alert takes, and a death that was mended is told after ten seconds.
    #[track_caller]
    pub(super) fn quietly(stage: Stage, services: &[&Project], config: &str) -> Self {
        Self::with(stage, services, BotPlan::service_with, config, "14s")
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
    fn with(
        stage: Stage,
        services: &[&Project],
        add: fn(BotPlan, &Project, &str) -> BotPlan,
        config: &str,
        last_word: &str,
    ) -> Self {
        let plan = services.iter().fold(stage.bot(), |plan, service| add(plan, service, CHANGES));
        Self::begin(stage, plan.config(config), last_word, hears)
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

    /// Nothing more is to come, none of these rang, and each of them is a row.
    #[track_caller]
    pub(super) fn ends_quietly(&self, rows: &[(&Project, &str)]) {
        self.end(&rows.iter().map(|(service, row)| (service.name(), *row, 0)).collect::<Vec<_>>());
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
        for said in &mut said {
            said.heads = said.heads.iter().map(|head| plain(head)).collect();
        }
        self.is_row(row, &said, alarms);
    }
}

/// The command line of the stream of events, and of no look that a job takes.
pub(super) const STREAM: &str = "docker [e]vents .*json";

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
