//! The ways to a host and to a service on it: through another host, as another login, with an agent's key.

use opsroom_lab::{
    Bot, Project, containing,
    keys::{Agent, KeyPair},
};

use crate::stage::{LIMIT, Stage};

/// It is seen and can be changed.
#[track_caller]
fn serves(stage: &Stage, bot: &Bot, project: &Project) {
    let name = project.name();
    let status = stage.ask(bot, "!status");
    assert!(status.text().contains(&format!("{name} — up")), "{}", status.text());
    let before = project.inspect("{{.State.StartedAt}}");
    let told = stage.ask(bot, &format!("!restart {name}"));
    let done = containing(&format!("✅ {name} restarted"));
    stage.room.reads(&stage.alice).within(LIMIT).until(&told.id, done);
    assert_ne!(project.inspect("{{.State.StartedAt}}"), before);
    assert_eq!(project.state(), "running");
}

#[test]
fn a_host_behind_another_is_served() {
    let stage = Stage::set();
    let inner = stage.lab.plan_host("inner").behind(&stage.host).boot();
    let far = inner.project("far").healthy();
    let bot = stage.bot().service(&far).start();
    serves(&stage, &bot, &far);
    // Without the one in between there is no way, and it is named.
    stage.host.kill_sshd();
    let status = stage.ask(&bot, "!status");
    assert!(status.text().contains(&format!("{} unreachable", inner.name())), "{}", status.text());
    assert!(status.text().contains(stage.host.name()), "{}", status.text());
    stage.host.start_sshd();
    serves(&stage, &bot, &far);
}

#[test]
fn a_service_of_another_login_is_served() {
    let stage = Stage::set();
    let theirs = stage.host.project("theirs").of_svc().healthy();
    let bot = stage.bot().service(&theirs).start();
    serves(&stage, &bot, &theirs);
    theirs.push_commit("hello again");
    stage.result_of(&bot, "!update theirs", "✅ theirs updated");
    assert_eq!(theirs.commit(), theirs.remote_commit());
    assert!(stage.ask(&bot, "!logs theirs").text().contains("hello again"));
}

#[test]
fn a_host_that_only_an_agents_key_opens_is_served() {
    let stage = Stage::set();
    let key = KeyPair::ed25519(&stage.lab);
    let agent = Agent::holding(&stage.lab, &key);
    let locked = stage.lab.plan_host("locked").authorized_key(&key.public()).boot();
    let vault = locked.project("vault").healthy();
    let bot = stage.bot().service(&vault).agent(&agent).start();
    serves(&stage, &bot, &vault);
}
