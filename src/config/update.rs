//! `update = { … }` of a service: how `!update` behaves.

use std::time::Duration;

use super::{problem::At, section::Section};
use crate::domain::{
    inventory::{Strategy, UpdatePolicy},
    suggest::nearest,
};

/// What each strategy is called, and the keys that mean something with it alone.
const STRATEGIES: [(&str, &[&str]); 5] = [
    ("compose-git", &[]),
    ("compose-pull", &[]),
    ("git", &["build", "install"]),
    ("pull", &[]),
    ("command", &["deploy", "undo"]),
];

/// Without a word about it; `strategies` are those that the service's runtime has, the first meant if none is named.
pub(super) fn default(strategies: &[&'static str]) -> UpdatePolicy {
    let strategy = match strategies.first() {
        Some(&"git") => Strategy::Git { build: None, install: None },
        Some(&"pull") => Strategy::Pull,
        Some(_) | None => Strategy::ComposeGit,
    };
    UpdatePolicy { strategy, ..UpdatePolicy::default() }
}

pub(super) fn read(section: &Section<'_>, strategies: &[&'static str]) -> UpdatePolicy {
    let default = default(strategies);
    let hour = Duration::from_secs(3600);
    let timeout = section.duration("timeout", default.timeout, Duration::from_secs(10)..=hour * 24);
    let verify = section.duration("verify", default.verify, Duration::ZERO..=hour);
    if verify >= timeout {
        let at = section.place("verify").unwrap_or(section.at);
        let advice = "the time it must hold still is part of the update's: make `timeout` longer";
        section.problems.report(at, "`verify` is not shorter than `timeout`", advice);
    }
    let healthy_within = section.duration("healthy_within", default.healthy_within, Duration::ZERO..=hour);
    let rollback = section.flag("rollback").unwrap_or(default.rollback);
    let min_free = section.number("min_free", default.min_free, 0..=u32::MAX);
    let strategy = strategy(section, strategies, default.strategy);
    UpdatePolicy { timeout, verify, healthy_within, rollback, min_free, strategy }
}

fn strategy(section: &Section<'_>, strategies: &[&'static str], default: Strategy) -> Strategy {
    let name = match section.text("strategy") {
        None => default.name(),
        Some(At { value, .. }) if strategies.contains(&value) => value,
        Some(At { value, at }) => {
            report_foreign(section, value, at, strategies);
            return default;
        }
    };
    for (of, keys) in STRATEGIES.iter().filter(|(of, _)| *of != name) {
        for (key, at) in keys.iter().filter_map(|key| Some((key, section.place(key)?))) {
            let advice = match strategies.contains(of) {
                true => format!("say strategy = {of:?}, or drop it"),
                false => "drop it".to_owned(),
            };
            section.problems.report(at, format!("`{key}` means nothing with the strategy {name:?}"), advice);
        }
    }
    let line = |key| section.text(key).map(|text| text.value.to_owned());
    match name {
        "compose-pull" => Strategy::ComposePull,
        "pull" => Strategy::Pull,
        "git" => Strategy::Git { build: line("build"), install: line("install") },
        "command" => {
            let deploy = line("deploy");
            if deploy.is_none() {
                let at = section.place("strategy").unwrap_or(section.at);
                let advice = "give `deploy`, the command line that puts the new version in place";
                section.problems.report(at, "the strategy \"command\" lacks its `deploy`", advice);
            }
            Strategy::Command { deploy: deploy.unwrap_or_default(), undo: line("undo") }
        }
        _compose_git => Strategy::ComposeGit,
    }
}

/// There is no such strategy, or this runtime does not have it.
fn report_foreign(section: &Section<'_>, value: &str, at: usize, strategies: &[&'static str]) {
    let known = STRATEGIES.iter().any(|(name, _)| *name == value);
    let what = if known { "is not one of this runtime's" } else { "is not known" };
    let advice = match nearest(value, strategies) {
        Some(name) if !known => format!("did you mean {name:?}?"),
        Some(_) | None => {
            let names: Vec<String> = strategies.iter().map(|name| format!("{name:?}")).collect();
            format!("known: {}", names.join(", "))
        }
    };
    section.problems.report(at, format!("`strategy` {what}: {value:?}"), advice);
}
