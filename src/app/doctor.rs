//! `opsroom doctor`: the set-up looked at from where the bot stands.
//!
//! A command of its own, beside `check`: that one reads the config and nothing
//! else, so that it can be asked on any machine, in a pipeline or before each
//! start. This one logs in everywhere, asks git servers, and takes seconds.

use std::{io::Write as _, time::SystemTime};

use anyhow::Context as _;
use futures_util::{StreamExt as _, stream};

use super::{account::login_of, found::with_found, remotes::remotes};
use crate::{
    config::Settings,
    domain::{
        doctor::{self, About, ChatCheck, Check, Finding, Mark},
        reply,
    },
    engine,
    health::{FRESH, HealthFile},
    matrix,
};

/// Hosts examined at once. Each is one connection and some processes there.
const AT_ONCE: usize = 16;

/// Looks at the homeserver and at every host, or at some hosts and services,
/// and prints what is found. What is wrong is an error.
pub async fn doctor(settings: Settings, only: Vec<String>) -> anyhow::Result<()> {
    let remotes = remotes(&settings)?;
    let (inventory, complaints) = with_found(&settings, &remotes).await;
    let targets =
        doctor::targets(&only, &inventory).map_err(|no_match| anyhow::anyhow!(reply::doctor::no_match(&no_match)))?;
    let mut all = Vec::new();
    if only.is_empty() {
        let checks = chat(&settings).await?;
        let findings = checks.into_iter().map(|m| Finding { about: About::Chat, check: Check::Chat(m) }).collect();
        tell(findings, &mut all)?;
    }
    let examined = stream::iter(targets).map(|target| {
        let remote = remotes.get(&target.host).cloned();
        async move {
            match remote {
                Some(remote) => engine::doctor::examine(&*remote, &target.host, &target.services).await,
                None => Vec::new(),
            }
        }
    });
    // In the order of the config, each as soon as those before it are told.
    let mut examined = examined.buffered(AT_ONCE);
    while let Some(findings) = examined.next().await {
        tell(findings, &mut all)?;
    }
    for complaint in &complaints {
        say(&reply::doctor::not_shown(complaint))?;
    }
    say(&reply::doctor::summary(&all))?;
    let wrong = !complaints.is_empty() || all.iter().any(|finding| finding.mark() == Mark::Wrong);
    anyhow::ensure!(!wrong, "not everything is set up; each ✗ has its next step");
    Ok(())
}

fn tell(findings: Vec<Finding>, all: &mut Vec<Finding>) -> anyhow::Result<()> {
    say(&reply::doctor::page(&findings))?;
    say("")?;
    all.extend(findings);
    Ok(())
}

fn say(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("standard output is closed")
}

/// The account and its rooms, without disturbing a bot that runs.
async fn chat(settings: &Settings) -> anyhow::Result<Vec<ChatCheck>> {
    let subject = matrix::Subject {
        homeserver: settings.matrix.homeserver.clone(),
        user: settings.matrix.user.clone(),
        login: login_of(&settings.matrix)?,
        rooms: settings.rooms.iter().map(|room| room.address.clone()).collect(),
    };
    let mut checks = matrix::examine(&subject, &settings.state_dir).await;
    let heard = HealthFile::in_dir(&settings.state_dir).check(SystemTime::now(), FRESH);
    checks.push(heard.map_or(ChatCheck::NotRunning, |age| ChatCheck::Running(age.as_secs())));
    Ok(checks)
}
