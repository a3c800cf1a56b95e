//! `!logs`: what fits a phone in the message, the whole as a file.

use crate::domain::{
    message::{block, escape},
    output::{LogError, LogTail},
    progress::clean,
    target::Target,
};

/// Lines shown in the message itself.
const SHOWN: usize = 30;
/// Bytes shown in the message itself; a phone's screen or three.
const BYTES: usize = 3_000;

/// The answer to `!logs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    /// The message.
    pub text: String,
    /// The whole, when the message shows only its end.
    pub file: Option<(String, String)>,
}

/// The last lines of a service's log, or why there are none.
pub fn answer(target: &Target, log: Result<LogTail, LogError>) -> Logs {
    match log {
        Ok(LogTail { text, truncated }) => tail(target, &text, truncated),
        Err(error) => Logs { text: failed(target, &error), file: None },
    }
}

fn tail(target: &Target, output: &str, cut: bool) -> Logs {
    let name = escape(&target.to_string());
    let lines: Vec<String> = output.lines().map(clean).collect();
    if lines.iter().all(|line| line.trim().is_empty()) {
        return Logs { text: format!("**{name}** has printed nothing."), file: None };
    }
    let mut shown = 0;
    let mut bytes = 0;
    for line in lines.iter().rev().take(SHOWN) {
        bytes += line.len() + 1;
        if bytes > BYTES {
            break;
        }
        shown += 1;
    }
    let shown = shown.max(1);
    let end = lines[lines.len() - shown..].join("\n");
    if shown == lines.len() && !cut {
        let count = lines.len();
        let plural = if count == 1 { "line" } else { "lines" };
        return Logs { text: format!("**{name}** — last {count} {plural}\n{}", block(&end)), file: None };
    }
    let all = lines.len();
    let beginning = if cut { " (its beginning is cut off)" } else { "" };
    let text =
        format!("**{name}** — last {shown} of {all} lines; all of them in the file below{beginning}\n{}", block(&end));
    Logs { text, file: Some((format!("{}.log", target.to_string().replace('/', "-")), lines.join("\n"))) }
}

fn failed(target: &Target, error: &LogError) -> String {
    format!("🔴 **{}** — its log could not be read: {}", escape(&target.to_string()), escape(&error.to_string()))
}
