//! A change while it goes on, and its result.

use jiff::{SignedDuration, Timestamp};

use super::span;
use crate::domain::{
    change::Change,
    inventory::Service,
    message::{block, code, escape},
    operation::{self, Operation, Outcome},
    progress::{Phase, Progress},
};

/// Lines of a tool's output that fit a phone.
const SHOWN: usize = 12;

/// The message that is edited while the change goes on.
pub fn underway(operation: &Operation, progress: &Progress, note: Option<&str>, now: Timestamp) -> String {
    let name = escape(operation.service.as_str());
    let head = format!("⏳ **{} {name}** · {}", capital(operation.change.doing()), span::since(operation.began, now));
    let mut lines = vec![head];
    lines.extend(phases(operation.change, progress, None));
    if let Some(note) = note {
        lines.push(format!("⚠️ {}", escape(note)));
    }
    lines.join("\n")
}

/// The result, in full.
pub fn result(
    operation: &Operation,
    service: Option<&Service>,
    progress: &Progress,
    outcome: &Outcome,
    now: Timestamp,
) -> String {
    let mut lines = vec![verdict(operation, service, progress, outcome, now)];
    match outcome {
        Outcome::Succeeded => {}
        Outcome::Failed { output, phase, .. } => {
            if let Some(safe) = untouched(operation.change, *phase) {
                lines.push(safe.to_owned());
            }
            let shown = &output[output.len().saturating_sub(SHOWN)..];
            if !shown.is_empty() {
                lines.push(block(&shown.join("\n")));
            }
        }
        Outcome::NotStarted(why) => lines.push(format!("{} Nothing was changed.", sentence(why))),
        Outcome::TimedOut(_) => {
            lines.push("I told the job to end. Look at the service before you try again.".to_owned());
        }
        Outcome::Unknown(why) => {
            lines.push(format!("{} I do not try again by myself.", sentence(why)));
        }
    }
    lines.join("\n")
}

/// The message that was edited, in its last form: the phases, and a head.
pub fn finished(
    operation: &Operation,
    service: Option<&Service>,
    progress: &Progress,
    outcome: &Outcome,
    now: Timestamp,
) -> String {
    let mut lines = vec![verdict(operation, service, progress, outcome, now)];
    if operation.change == Change::Update {
        lines.extend(phases(operation.change, progress, Some(outcome)));
    }
    lines.join("\n")
}

fn verdict(
    operation: &Operation,
    service: Option<&Service>,
    progress: &Progress,
    outcome: &Outcome,
    now: Timestamp,
) -> String {
    let name = escape(operation.service.as_str());
    let took = span::exact(now.duration_since(operation.began));
    let command = operation.change.command();
    match outcome {
        Outcome::Succeeded => {
            let mut text = format!("✅ **{name} {}** in {took}", operation.change.done());
            if operation.change == Change::Update {
                text.push_str(&format!(" — {}", versions(progress)));
            } else if let Some(seen) = service.and_then(|s| operation::seen(progress.after.as_deref(), s, now))
                && operation.change != Change::Stop
                && let Some(since) = seen.since
            {
                text.push_str(&format!(" — running, up {}", span::since(since, now)));
            }
            text
        }
        Outcome::Failed { phase, why, .. } => {
            let phase = phase.map_or(String::new(), |p| format!(" in {}", p.name()));
            format!("🔴 **{command} of {name} failed**{phase} after {took} — {}", escape(why))
        }
        Outcome::NotStarted(_) => format!("🔴 **{command} of {name} was not started**"),
        Outcome::TimedOut(limit) => {
            let limit = span::rough(SignedDuration::try_from(*limit).unwrap_or(SignedDuration::MAX));
            format!("🔴 **{command} of {name} timed out** after {limit}")
        }
        Outcome::Unknown(_) => format!("❔ **{command} of {name}: outcome unknown** after {took}"),
    }
}

fn versions(progress: &Progress) -> String {
    match &progress.commits {
        Some(c) if c.old == c.new => format!("already at {}, nothing new", code(short(&c.new))),
        Some(c) => commits(&c.old, &c.new, c.count),
        None => "no commits were told".to_owned(),
    }
}

fn commits(old: &str, new: &str, count: u32) -> String {
    let plural = if count == 1 { "commit" } else { "commits" };
    format!("{} → {} ({count} {plural})", code(short(old)), code(short(new)))
}

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

/// One line per phase: done, running, to come.
fn phases(change: Change, progress: &Progress, outcome: Option<&Outcome>) -> Vec<String> {
    let plan: &[Phase] = match change {
        Change::Update => &[Phase::Fetch, Phase::Build, Phase::Switch, Phase::Verify],
        Change::Restart | Change::Stop | Change::Start => &[],
    };
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
            let failed = matches!(outcome, Some(Outcome::Failed { .. } | Outcome::TimedOut(_) | Outcome::Unknown(_)));
            let mark = match (begun, last == Some(*phase), outcome) {
                (None, _, _) => "▫️",
                (Some(_), true, Some(_)) if failed => "🔴",
                (Some(_), true, None) => "⏳",
                (Some(_), _, _) => "✅",
            };
            format!("{mark} {}{detail}{length}", phase.name())
        })
        .collect()
}

/// What a failure in that phase has left alone.
fn untouched(change: Change, phase: Option<Phase>) -> Option<&'static str> {
    match (change, phase) {
        (Change::Update, None | Some(Phase::Preflight | Phase::Fetch | Phase::Build)) => {
            Some("What was running was left alone.")
        }
        _ => None,
    }
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
