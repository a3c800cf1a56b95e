//! A change while it goes on, and its result.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{preflight, span};
use crate::domain::{
    change::Change,
    impact::{Back, Impact},
    inventory::Service,
    message::{block, code, escape},
    observation::{Health, Observation, State},
    operation::{self, Operation, Outcome},
    progress::{Phase, Progress},
};

/// Lines of a tool's output that fit a phone.
const SHOWN: usize = 12;

/// The message that is edited while the change goes on.
pub fn in_progress(operation: &Operation, progress: &Progress, note: Option<&str>, now: Timestamp) -> String {
    let name = escape(&operation.target().to_string());
    let doing = if progress.phases.last().is_some_and(|(phase, _)| *phase == Phase::Rollback) {
        "taking back the update of"
    } else {
        operation.change.doing()
    };
    let head =
        format!("⏳ **{} {name}** · #{} · {}", capital(doing), operation.id.0, span::since(operation.began, now));
    let mut lines = vec![head];
    lines.extend(phases(operation.change, progress, None));
    lines.extend(progress.notes.iter().map(preflight::note));
    if let Some(note) = note {
        lines.push(format!("⚠️ {}", escape(note)));
    }
    lines.join("\n")
}

/// What a result is told with.
#[derive(Debug, Clone, Copy)]
pub struct ResultContext<'a> {
    /// The change.
    pub operation: &'a Operation,
    /// Its service, while the config has it.
    pub service: Option<&'a Service>,
    /// How far it came.
    pub progress: &'a Progress,
    /// How it ended.
    pub outcome: &'a Outcome,
    /// What commands begin with.
    pub prefix: &'a str,
    /// The time of telling.
    pub now: Timestamp,
}

/// The result, in full.
pub fn result(told: &ResultContext<'_>) -> String {
    let mut lines = vec![verdict(told)];
    lines.extend(details(told));
    lines.join("\n")
}

/// What there is to say beyond the verdict.
fn details(told: &ResultContext<'_>) -> Vec<String> {
    let ResultContext { operation, service, progress, outcome, prefix, now } = *told;
    let mut lines = Vec::new();
    match outcome {
        Outcome::Succeeded => lines.extend(subjects(progress)),
        Outcome::Failed { output, impact, .. } => {
            lines.extend(left(operation, impact, progress, prefix));
            let shown = &output[output.len().saturating_sub(SHOWN)..];
            if !shown.is_empty() {
                lines.push(block(&shown.join("\n")));
            }
        }
        Outcome::Refused(refusal) => {
            let why = service.map(|service| preflight::refused(refusal, service, operation.change, prefix, now));
            lines.push(format!("{} Nothing was changed.", why.unwrap_or_else(|| sentence(&format!("{refusal:?}")))));
        }
        Outcome::NotStarted(why) => lines.push(format!("{} Nothing was changed.", sentence(why))),
        Outcome::Cancelled { impact, .. } | Outcome::TimedOut { impact, .. } => {
            lines.extend(left(operation, impact, progress, prefix));
            if *impact == Impact::AsItIs
                && let Some(service) = service
            {
                let seen = |line: &Option<String>| operation::seen(line.as_deref(), service, now);
                let after = seen(&progress.after);
                lines.extend(after.map(|after| format!("🔎 {}", found(seen(&progress.before).as_ref(), &after, now))));
            }
        }
        Outcome::Unknown { checked, found } => {
            lines.push(format!("{} I do not try again by myself.", sentence(checked)));
            lines.extend(found.as_ref().map(|found| format!("🔎 {found}")));
        }
    }
    lines.extend(progress.notes.iter().map(preflight::note));
    lines
}

/// The message that was edited, in its last form: a head and the phases, and
/// all there is to say unless that comes in a message apart.
pub fn finished(told: &ResultContext<'_>, apart: bool) -> String {
    let phases = phases(told.operation.change, told.progress, Some(told.outcome));
    if !apart {
        let mut lines = vec![verdict(told)];
        // Where nothing began there is no way to show.
        lines.extend(phases.into_iter().filter(|_| !matches!(told.outcome, Outcome::Refused(_))));
        lines.extend(details(told));
        return lines.join("\n");
    }
    // What came of a version that is in place is told by the result beneath, and its versions by the phases.
    let name = escape(&told.operation.target().to_string());
    let head = if *told.outcome == Outcome::Succeeded && told.operation.change.deploys() {
        let took = span::exact(told.now.duration_since(told.operation.began));
        format!("✅ **{name} {}** in {took}", told.operation.change.done())
    } else {
        verdict(told)
    };
    [head].into_iter().chain(phases).collect::<Vec<_>>().join("\n")
}

/// How it ended, in one line.
pub fn verdict(told: &ResultContext<'_>) -> String {
    let ResultContext { operation, service, progress, outcome, now, .. } = *told;
    let name = escape(&operation.target().to_string());
    let took = span::exact(now.duration_since(operation.began));
    let command = operation.change.command();
    let place = |phase: Option<Phase>| phase.map_or(String::new(), |p| format!(" in {}", p.name()));
    match outcome {
        Outcome::Succeeded => {
            let mut text = format!("✅ **{name} {}** in {took}", operation.change.done());
            if operation.change.deploys() {
                text.push_str(&format!(" — {}", versions(progress)));
            } else if let Some(seen) = service.and_then(|s| operation::seen(progress.after.as_deref(), s, now))
                && operation.change != Change::Stop
            {
                text.push_str(&runs(&seen, now));
            }
            if let Some(down) = progress.down {
                text.push_str(&format!(", {}", down_for(down)));
            }
            text
        }
        Outcome::Failed { phase, why, .. } => {
            format!("🔴 **{command} of {name} failed**{} after {took} — {}", place(*phase), escape(why))
        }
        Outcome::Refused(_) => format!("✋ **{command} of {name} was not begun**"),
        Outcome::NotStarted(_) => format!("🔴 **{command} of {name} was not started**"),
        Outcome::Cancelled { by, phase, .. } => {
            let by = by.as_ref().map_or(String::new(), |by| format!(" by {}", escape(by.short())));
            format!("✋ **{command} of {name} was cancelled**{by}{} after {took}", place(*phase))
        }
        Outcome::TimedOut { limit, phase, .. } => {
            let limit = span::rough(SignedDuration::try_from(*limit).unwrap_or(SignedDuration::MAX));
            format!("🔴 **{command} of {name} timed out**{} after {limit}", place(*phase))
        }
        Outcome::Unknown { .. } => format!("❔ **{command} of {name}: outcome unknown** after {took}"),
    }
}

/// What was seen of it after a change that succeeded.
fn runs(seen: &Observation, now: Timestamp) -> String {
    // What has ended was there to end, or was left alone because somebody had stopped it.
    let wanted = seen.members.iter().filter(|(_, one)| !matches!(one.state, State::Exited(_))).count();
    let up = seen.members.iter().filter(|(_, one)| one.state == State::Running).count();
    match seen.since {
        _ if wanted > 1 => format!(" — {up} of {wanted} up"),
        Some(since) => format!(" — running, up {}", span::since(since, now)),
        None => String::new(),
    }
}

/// What is left of a change that did not succeed.
fn left(operation: &Operation, impact: &Impact, progress: &Progress, prefix: &str) -> Option<String> {
    let status = code(&format!("{prefix}status {}", operation.service));
    let down = progress.down.map_or(String::new(), |down| format!(" It was {}.", down_for(down)));
    Some(match impact {
        Impact::Untouched => "What was running was left alone.".to_owned(),
        Impact::Back(Back::Held(version)) => {
            format!("↩️ Back at {}: it runs and holds.{down}", code(short(version)))
        }
        Impact::Back(Back::Failed(why)) => {
            format!("🔴 **Going back failed too**: {}. It needs a person: {status}", escape(why))
        }
        Impact::Back(Back::Off) => format!("It is left like that: `rollback` is off. {status}"),
        Impact::Back(Back::Nothing) => {
            format!("There was nothing sound to go back to, so it is left like that. {status}")
        }
        Impact::Back(Back::NoCommand) => {
            format!("It is left like that: the config gives no `undo` for it. {status}")
        }
        Impact::AsItIs if operation.change.deploys() => {
            format!("How it was left I cannot say. {status}")
        }
        Impact::AsItIs => return None,
    })
}

fn down_for(down: Duration) -> String {
    format!("down for {}", span::exact(SignedDuration::try_from(down).unwrap_or(SignedDuration::MAX)))
}

/// Why a change cannot be followed, while what is there is looked at.
pub fn lost(why: &str) -> String {
    format!("{}; looking what is there", why.trim_end_matches('.'))
}

/// How a service was found after a change whose end nobody knows.
pub fn found(before: Option<&Observation>, after: &Observation, now: Timestamp) -> String {
    let name = escape(after.service.as_str());
    let since = after.since.map_or(String::new(), |since| format!(" for {}", span::since(since, now)));
    let state = match &after.state {
        State::Running if after.health == Health::Unhealthy => format!("runs{since}, and its health check fails"),
        State::Running => format!("runs{since}"),
        State::Restarting { last } => format!("dies again and again: {}", last.explain()),
        State::Exited(death) => format!("stands still{since}: {}", death.explain()),
        State::Paused => "is paused".to_owned(),
        State::Created => "was made and never started".to_owned(),
        State::Removing => "is being removed".to_owned(),
        State::NotDeployed => "is not deployed".to_owned(),
        State::Unknown(why) => format!("cannot be looked at: {}", escape(why)),
    };
    let compared = match (before.map(|b| (&b.id, b.since)), &after.id) {
        (Some((id, _)), now) if id != now => "; it is another container than before",
        (Some((_, since)), _) if since == after.since => "; nothing about it has changed",
        (Some(_), _) => "; it is the container from before, started anew",
        (None, _) => "",
    };
    format!("I found this: **{name}** {state}{compared}.")
}

/// The newest commits, by their subjects.
fn subjects(progress: &Progress) -> impl Iterator<Item = String> {
    progress.subjects.iter().take(3).map(|line| subject(line))
}

/// A commit by its short ID and its subject.
pub(super) fn subject(line: &str) -> String {
    let (commit, subject) = line.split_once(' ').unwrap_or((line, ""));
    format!("· {} {}", code(commit), escape(subject))
}

fn versions(progress: &Progress) -> String {
    match &progress.commits {
        Some(c) if c.old == c.new => format!("already at {}, nothing new", code(short(&c.new))),
        Some(c) => commits(&c.old, &c.new, c.count),
        None => match &progress.version {
            Some((old, new)) if old == new => format!("already at {}, nothing new", code(short(new))),
            Some((old, new)) => format!("{} → {}", code(short(old)), code(short(new))),
            None => "the version was not told".to_owned(),
        },
    }
}

pub(super) fn commits(old: &str, new: &str, count: u32) -> String {
    let plural = if count == 1 { "commit" } else { "commits" };
    format!("{} → {} ({count} {plural})", code(short(old)), code(short(new)))
}

pub(super) fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

/// One line per phase: done, running, to come.
fn phases(change: Change, progress: &Progress, outcome: Option<&Outcome>) -> Vec<String> {
    let begun = |phase: Phase| progress.phases.iter().any(|(p, _)| *p == phase);
    let mut plan = match change {
        Change::Update if begun(Phase::Pull) => vec![Phase::Pull, Phase::Switch, Phase::Verify],
        Change::Update if begun(Phase::Switch) && !begun(Phase::Fetch) => vec![Phase::Switch, Phase::Verify],
        Change::Update => vec![Phase::Fetch, Phase::Build, Phase::Switch, Phase::Verify],
        Change::Rollback if begun(Phase::Build) => vec![Phase::Build, Phase::Switch, Phase::Verify],
        Change::Rollback => vec![Phase::Switch, Phase::Verify],
        Change::Restart | Change::Stop | Change::Start | Change::Scale => return Vec::new(),
    };
    if begun(Phase::Rollback) {
        plan.push(Phase::Rollback);
    }
    let rolled_back = matches!(progress.back, Some(Back::Held(_)));
    let went_wrong = progress.failure.as_ref().map(|(phase, _)| *phase);
    let last = progress.phases.last().map(|(phase, _)| *phase);
    plan.iter()
        .map(|phase| {
            let begun = progress.phases.iter().position(|(p, _)| p == phase);
            let ended = begun
                .and_then(|at| progress.phases.get(at + 1).map(|(_, t)| *t))
                .or_else(|| progress.ended_at.filter(|_| begun.is_some()));
            let length = begun.zip(ended).map(|(at, end)| end - progress.phases[at].1);
            let length = length.map_or(String::new(), |s| format!(" · {}", span::rough(SignedDuration::from_secs(s))));
            let detail = match (phase, &progress.commits, progress.step) {
                (Phase::Fetch, Some(c), _) if c.old == c.new => format!(" {} (nothing new)", code(short(&c.new))),
                (Phase::Fetch, Some(c), _) => format!(" {}", commits(&c.old, &c.new, c.count)),
                (Phase::Build, _, Some((n, m))) if last == Some(Phase::Build) => format!(" step {n}/{m}"),
                _ => String::new(),
            };
            let failed = outcome.is_some_and(|outcome| *outcome != Outcome::Succeeded);
            let mark = match (begun, last == Some(*phase), outcome) {
                (None, _, _) => "▫️",
                (Some(_), _, _) if went_wrong == Some(*phase) => "🔴",
                (Some(_), true, Some(_)) if *phase == Phase::Rollback && rolled_back => "↩️",
                (Some(_), true, Some(Outcome::Cancelled { .. })) => "✋",
                (Some(_), true, Some(_)) if failed => "🔴",
                (Some(_), true, None) => "⏳",
                (Some(_), _, _) => "✅",
            };
            format!("{mark} {}{detail}{length}", phase.name())
        })
        .collect()
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// A cause from outside as a sentence of its own.
fn sentence(why: &str) -> String {
    let text = escape(&capital(why));
    if text.ends_with(['.', '!', '?']) { text } else { format!("{text}.") }
}
