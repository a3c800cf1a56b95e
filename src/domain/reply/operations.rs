//! Operations in progress and past, and cancelling them.

use jiff::Timestamp;

use super::span;
use crate::domain::{
    message::{code, escape, quote},
    names::ServiceName,
    operation::Operation,
    origin::Actor,
    progress::Progress,
    record::Record,
};

/// What is in progress.
pub fn in_progress(operations: &[(&Operation, &Progress)], prefix: &str, now: Timestamp) -> String {
    if operations.is_empty() {
        return format!("💤 Nothing is in progress. {} shows what was.", code(&format!("{prefix}history")));
    }
    let plural = if operations.len() == 1 { "change is" } else { "changes are" };
    let mut lines = vec![format!("⏳ **{} {plural} in progress**", operations.len())];
    lines.extend(operations.iter().map(|(operation, progress)| {
        let step = progress.step.map_or(String::new(), |(n, m)| format!(" step {n}/{m}"));
        let phase = progress.phases.last().map_or(String::new(), |(phase, _)| format!(" · {}{step}", phase.name()));
        format!(
            "#{} {} of **{}**{phase} · {} · {}",
            operation.id.0,
            operation.change.command(),
            escape(&operation.target().to_string()),
            span::since(operation.began, now),
            escape(operation.origin.actor().short()),
        )
    }));
    lines.push(format!("{} cancels one.", code(&format!("{prefix}cancel {}", operations[0].0.id.0))));
    lines.join("\n")
}

/// A change is told to end.
pub fn cancelling(operation: &Operation) -> String {
    format!("✋ Cancelling {} …", named(operation))
}

/// In the message of the change itself, until it has ended.
pub fn cancelled_by(by: &Actor) -> String {
    format!("cancelled by {}; it is ending", by.short())
}

/// It has ended, and nothing of it runs.
pub fn ended(operation: &Operation) -> String {
    format!("✋ Cancelled {}: it has ended, and none of its processes is left.", named(operation))
}

/// It was told, and takes its time.
pub fn ending(operation: &Operation) -> String {
    format!("✋ Cancelled {}: it puts back what it had touched. Its result comes when it is done.", named(operation))
}

/// It had not begun.
pub fn never_began(operation: &Operation) -> String {
    format!("✋ Cancelled {}: it had not begun on its host, and cannot any more.", named(operation))
}

/// It has ended, but something it started has not.
pub fn stragglers(operation: &Operation) -> String {
    format!(
        "🔴 {} has ended, but processes it had started are left on {} and cannot be killed. They need a person.",
        named(operation),
        escape(operation.host.as_str())
    )
}

/// It could not be told.
pub fn not_delivered(operation: &Operation, why: &str, prefix: &str) -> String {
    format!(
        "🔴 I could not tell {} to end: {}. It goes on; {} tries again.",
        named(operation),
        escape(why.trim_end_matches('.')),
        code(&format!("{prefix}cancel {}", operation.id.0))
    )
}

fn named(operation: &Operation) -> String {
    format!(
        "#{}, the {} of **{}**",
        operation.id.0,
        operation.change.command(),
        escape(&operation.target().to_string())
    )
}

/// There is nothing to cancel.
pub fn nothing_to_cancel(written: &str, prefix: &str) -> String {
    format!("Nothing that {} names is in progress — {} lists what is.", quote(written), code(&format!("{prefix}ops")))
}

/// The bot ends; what it was following does not.
pub const LEFT_RUNNING: &str =
    "I am being stopped. This goes on without me on its host, and I report how it ended when I am back";

/// What was done.
pub fn history(service: Option<&ServiceName>, records: &[Record], prefix: &str, now: Timestamp) -> String {
    let of = service.map_or(String::new(), |service| format!(" of {}", escape(service.as_str())));
    let Some(first) = records.first() else {
        return format!("📜 I have made no change{of} yet.");
    };
    let mut lines = vec![format!("📜 **The last changes{of}**")];
    for record in records {
        lines.push(verdict(record));
        lines.push(format!("· {}", origin(record, now)));
    }
    lines.push(format!("{} shows more of one.", code(&format!("{prefix}history {}", first.operation.id.0))));
    lines.join("\n")
}

/// Everything about one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The message.
    pub text: String,
    /// The name of the file with what ran.
    pub file: String,
    /// What ran.
    pub script: String,
}

/// Everything about one operation, and what ran as a file.
pub fn past(record: &Record, now: Timestamp) -> Past {
    let operation = &record.operation;
    let mut lines = vec![verdict(record), format!("· {}", origin(record, now))];
    let login = operation.job.run_as.as_ref().map_or(String::new(), |user| format!(" as {}", escape(user.as_str())));
    lines.push(format!("· on {}{login}, job {}", escape(operation.host.as_str()), code(operation.job.id.as_str())));
    lines.push(format!("· began {}", clock(operation.began)));
    lines.extend(record.phases.iter().map(|(phase, at)| format!("· {} {}", phase.name(), clock(*at))));
    lines.extend(record.cancelled_by.iter().map(|by| format!("· cancelled by {}", escape(by.short()))));
    lines.extend(record.end.iter().map(|end| format!("· {} {}", escape(&end.outcome), clock(end.at))));
    lines.push("What ran is in the file.".to_owned());
    Past {
        text: lines.join("\n"),
        file: format!("operation-{}.sh", operation.id.0),
        script: operation.job.body.clone(),
    }
}

/// There is no such operation.
pub fn no_such_operation(number: u64, prefix: &str) -> String {
    format!("There is no operation #{number} — {} lists the last ones.", code(&format!("{prefix}history")))
}

fn verdict(record: &Record) -> String {
    let operation = &record.operation;
    match &record.end {
        Some(end) => end.verdict.clone(),
        None => {
            format!(
                "⏳ **{} of {}** is in progress",
                operation.change.command(),
                escape(&operation.target().to_string())
            )
        }
    }
}

fn origin(record: &Record, now: Timestamp) -> String {
    let operation = &record.operation;
    let actor = operation.origin.actor();
    let who = escape(actor.short());
    format!("#{} by {who}, {} ago: {}", operation.id.0, span::since(operation.began, now), quote(&operation.asked))
}

fn clock(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
