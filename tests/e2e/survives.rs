//! A change goes on and is told once, whatever dies while it runs.

use opsroom_lab::{Bot, EventId, Host, Project, message::reply_to, wait_until, where_};

use crate::{
    outcome::outcome,
    stage::{LIMIT, Stage},
};

/// Each phase lasts long enough to be hit, and no longer.
const UPDATE: &str = "update = { verify = \"3s\" }";
const PHASES: [&str; 5] = ["fetch", "build", "switch", "verify", "rollback"];

/// An update in progress, in a phase.
struct Update {
    stage: Stage,
    bridge: Project,
    bot: Bot,
    asked: EventId,
}

impl Update {
    /// Begins one and waits until it is in that phase.
    fn in_phase(phase: &str) -> Self {
        let stage = Stage::set();
        // It does not listen when it is told to stop, so that `switch` takes its time.
        let bridge =
            stage.host.project("bridge").compose("stop_grace_period: 3s").compose("stop_signal: SIGCONT").healthy();
        let dir = bridge.dir().display().to_string();
        stage.host.run(&format!("cd {dir} && git config remote.origin.uploadpack 'sleep 2; git-upload-pack'"));
        let bot = stage.bot().service_with(&bridge, UPDATE).start();
        bridge.slow_build(3);
        if phase == "rollback" {
            bridge.push_crashing();
        }
        let asked = stage.alice.says(&stage.room, "!update bridge");
        reaches(&stage.host, phase);
        Self { stage, bridge, bot, asked }
    }

    /// The one result is right, and it ran once.
    #[track_caller]
    fn ends_well(&self, phase: &str) {
        let reads = || self.stage.room.reads(&self.stage.alice).within(LIMIT);
        let about = self.bridge.name();
        let told = reads().next_from(&self.bot, outcome().and(reply_to(&self.asked)));
        if phase == "rollback" {
            assert!(told.text().starts_with("🔴 update of bridge failed in verify"), "{}", told.text());
            assert!(told.text().contains("↩️ Back at"), "{}", told.text());
        } else {
            assert!(told.text().starts_with("✅ bridge updated"), "{}", told.text());
            assert_eq!(self.bridge.commit(), self.bridge.remote_commit());
        }
        assert_eq!(self.bridge.state(), "running", "{about}");
        let log = job_log(&self.stage.host);
        for phase in PHASES {
            let times = log.matches(&format!(" phase {phase} ")).count();
            assert!(times <= 1, "{phase} ran {times} times:\n{log}");
        }
        // What is said after this is said after the result: there is no second one.
        self.stage.ask(&self.bot, "!ping");
        let answers = reads().messages_from(&self.bot);
        let results: Vec<_> = answers
            .iter()
            .filter(|m| m.text().contains("of bridge failed") || m.text().contains("bridge updated"))
            .collect();
        // The edited message, and the one that tells it all where that is another.
        let apart = usize::from(told.history().len() == 1);
        assert_eq!(results.len(), 1 + apart, "{}", reads().transcript());
        assert_eq!(results.iter().filter(|m| outcome().holds(m)).count(), 1, "{}", reads().transcript());
    }
}

/// The log of the one job that ever ran on the host.
fn job_log(host: &Host) -> String {
    assert_eq!(host.run("ls ~/.local/state/opsroom/jobs | wc -l").trim(), "1", "one job");
    host.run("cat ~/.local/state/opsroom/jobs/*/log")
}

pub(crate) fn reaches(host: &Host, phase: &str) {
    wait_until(LIMIT, format_args!("the job to be in {phase}"), || {
        let log = host.run("cat ~/.local/state/opsroom/jobs/*/log 2>/dev/null || true");
        log.contains(&format!(" phase {phase} ")).then_some(())
    });
}

fn ends(host: &Host) {
    wait_until(LIMIT, "the job to end", || {
        host.run("cat ~/.local/state/opsroom/jobs/*/result 2>/dev/null || true").parse::<u32>().ok()
    });
}

#[test]
fn the_bot_is_killed_in_every_phase() {
    for phase in PHASES {
        let update = Update::in_phase(phase);
        update.bot.kill();
        update.bot.start_again();
        update.ends_well(phase);
    }
}

#[test]
fn the_bot_is_stopped_in_every_phase_and_started_when_all_is_over() {
    for phase in PHASES {
        let update = Update::in_phase(phase);
        assert!(update.bot.stop().success());
        let reads = update.stage.room.reads(&update.stage.alice).within(LIMIT);
        reads.reply_to(
            &update.asked,
            where_("it says what it leaves running", |m| {
                m.history().iter().any(|text| text.contains("I am being stopped. This goes on without me on its host"))
            }),
        );
        ends(&update.stage.host);
        update.bot.start_again();
        update.ends_well(phase);
    }
}

#[test]
fn the_cable_is_pulled_in_every_phase() {
    for phase in PHASES {
        let update = Update::in_phase(phase);
        update.stage.host.link_down();
        ends(&update.stage.host);
        update.stage.host.link_up();
        update.ends_well(phase);
    }
}

#[test]
fn the_homeserver_is_away_from_before_the_switch_until_after_the_end() {
    let lab = opsroom_lab::Lab::connect();
    let mut synapse = lab.own_homeserver().start();
    let alice = synapse.person("alice");
    let room = synapse.room("ops").encrypted().member(&alice).create();
    let host = lab.host("spark-1");
    let stage = Stage { lab, alice, room, host };
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service_with(&bridge, UPDATE).start();
    bridge.slow_build(5);
    let asked = stage.alice.says(&stage.room, "!update bridge");
    reaches(&stage.host, "build");
    synapse.kill();
    ends(&stage.host);
    synapse.start_again();
    Update { stage, bridge, bot, asked }.ends_well("build");
}

#[test]
fn a_host_that_restarts_in_the_middle_is_looked_at_and_nothing_is_guessed() {
    let update = Update::in_phase("build");
    let (stage, bridge) = (&update.stage, &update.bridge);
    let container = bridge.inspect("{{.Id}} {{.State.StartedAt}}");
    stage.host.power_off();
    stage.host.power_on();
    let reads = || stage.room.reads(&stage.alice).within(LIMIT);
    let told = reads().next_from(&update.bot, opsroom_lab::page(&stage.alice).and(reply_to(&update.asked)));
    let text = told.text();
    assert!(text.starts_with("❔ update of bridge: outcome unknown"), "{text}");
    assert!(text.contains("the job's process is gone and has left no result"), "{text}");
    assert!(text.contains("I found this: bridge runs for"), "{text}");
    assert!(text.contains("nothing about it has changed"), "{text}");
    assert_eq!(bridge.inspect("{{.Id}} {{.State.StartedAt}}"), container, "and so it is");
    // The way out is the same command again: from what runs, not from where the clone was left.
    let told = stage.result_of(&update.bot, "!update bridge", "✅ bridge updated");
    assert!(told.text().contains("(1 commit)"), "{}", told.text());
    assert!(told.text().contains("The lock of an earlier job"), "{}", told.text());
}
