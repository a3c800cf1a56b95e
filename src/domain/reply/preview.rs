//! What an update would do, before anybody asks for it.

use jiff::Timestamp;

use super::{change, preflight};
use crate::domain::{
    change::Change,
    inventory::{Service, Strategy},
    message::{block, code, escape},
    progress::Progress,
};

/// Commits whose subjects are shown.
const SHOWN: usize = 10;

/// The answer. `failed` is the status the preview ended with, if not 0.
pub fn answer(service: &Service, progress: &Progress, failed: Option<u32>, prefix: &str, now: Timestamp) -> String {
    let name = escape(service.name.as_str());
    let mut lines = Vec::new();
    if let Some(refusal) = &progress.refused {
        lines.push(format!("✋ **{name} cannot be updated now**"));
        lines.push(preflight::refused(refusal, service, Change::Update, prefix, now));
        return lines.join("\n");
    }
    if let Some(exit) = failed {
        lines.push(format!("🔴 **I cannot say what is new for {name}** — exit {exit}"));
        let (_, output) = progress.failed();
        if !output.is_empty() {
            lines.push(block(&output[output.len().saturating_sub(12)..].join("\n")));
        }
        return lines.join("\n");
    }
    match (&service.update.strategy, &progress.commits) {
        (Strategy::ComposeGit | Strategy::Git { .. }, Some(commits)) if commits.old == commits.new => {
            lines.push(format!("✅ **{name} is up to date** at {}", code(change::short(&commits.new))));
        }
        (Strategy::ComposeGit | Strategy::Git { .. }, Some(commits)) => {
            lines
                .push(format!("🔍 **{name}** would go {}", change::commits(&commits.old, &commits.new, commits.count)));
            lines.extend(progress.subjects.iter().take(SHOWN).map(|line| change::subject(line)));
            let more = usize::try_from(commits.count).unwrap_or(0).saturating_sub(SHOWN);
            if more > 0 && progress.subjects.len() > SHOWN {
                lines.push(format!("… and {more} more"));
            }
            if !progress.files.is_empty() {
                let files: Vec<String> = progress.files.iter().map(|file| code(file)).collect();
                lines.push(format!("📄 changes {}", files.join(", ")));
            }
        }
        (Strategy::ComposePull | Strategy::Pull, _) => {
            lines.push(format!("🔍 **{name}** would pull, and be replaced where something is new:"));
            lines.extend(progress.images.iter().map(|image| format!("· {}", code(image))));
        }
        (Strategy::Command { .. }, _) => {
            lines.push(format!(
                "🔍 **{name}** would be updated by the script in the config. What that brings, it knows."
            ));
        }
        (Strategy::ComposeGit | Strategy::Git { .. }, None) => {
            lines.push(format!("❔ The host told nothing about {name}."))
        }
    }
    lines.extend(progress.notes.iter().map(preflight::note));
    lines.join("\n")
}

/// The host could not be asked.
pub fn failed(service: &Service, why: &str) -> String {
    let name = escape(service.name.as_str());
    format!("🔴 **I cannot say what is new for {name}** — {}", escape(why))
}
