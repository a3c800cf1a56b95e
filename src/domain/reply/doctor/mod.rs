//! What a look at the set-up found: each finding a sentence with its next step,
//! troubled ones first in a room, all of them in a terminal.

mod chat;
mod host;
mod service;

use crate::domain::{
    doctor::{About, Check, Finding, Mark},
    message::{Body, escape},
    names::HostName,
    runtime::RuntimeCheck,
    selector::NoMatch,
};

/// One finding in words, as Markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The check, in a word or two.
    pub what: &'static str,
    /// What was found.
    pub says: String,
    /// What to do about it.
    pub next: Option<String>,
}

/// Findings shown in a room. More would not be read on a phone.
const SHOWN: usize = 25;

impl From<RuntimeCheck> for Line {
    fn from(check: RuntimeCheck) -> Self {
        Self { what: check.what, says: check.says, next: check.next }
    }
}

impl Line {
    fn fine(what: &'static str, says: impl Into<String>) -> Self {
        Self { what, says: says.into(), next: None }
    }

    fn new(what: &'static str, says: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what, says: says.into(), next: Some(next.into()) }
    }
}

/// A finding in words.
pub fn line(finding: &Finding) -> Line {
    match (&finding.check, &finding.about) {
        (Check::Chat(check), _) => chat::line(check),
        (Check::Host(check), about) => host::line(check, about),
        (Check::Service(check), _) => service::line(check),
    }
}

/// "bridge", "spark-1", "spark-1 as svc".
fn subject(about: &About) -> String {
    match about {
        About::Chat => "matrix".to_owned(),
        About::Host { host, login: None } => host.to_string(),
        About::Host { host, login: Some(login) } => format!("{host} as {login}"),
        About::Service { service, .. } => service.to_string(),
    }
}

/// A runtime did not show what it runs.
pub fn not_shown(said: &str) -> String {
    format!("✗ {said}\n  What it runs there is not found.")
}

/// The answer to `!doctor`: the verdict, what is wrong, what is doubtful, and
/// who is well. `waiting` are the hosts that have not answered yet.
pub fn answer(findings: &[Finding], waiting: &[HostName]) -> String {
    let count = |mark: Mark| findings.iter().filter(|finding| finding.mark() == mark).count();
    let (wrong, doubtful) = (count(Mark::Wrong), count(Mark::Doubtful));
    let mut lines = Vec::new();
    if findings.is_empty() && !waiting.is_empty() {
        lines.push(format!("⏳ looking at {} …", hosts(waiting.len())));
    } else {
        lines.push(verdict(findings.len(), wrong, doubtful, waiting.len()));
    }
    let troubled = [(Mark::Wrong, "🔴"), (Mark::Doubtful, "🟡")].into_iter().flat_map(|(mark, emoji)| {
        findings.iter().filter(move |finding| finding.mark() == mark).map(move |finding| told(finding, emoji))
    });
    let troubled: Vec<String> = troubled.collect();
    let left = troubled.len().saturating_sub(SHOWN);
    lines.extend(troubled.into_iter().take(SHOWN));
    if left > 0 {
        lines.push(format!("… and {left} more; `opsroom doctor` in a terminal shows all"));
    }
    if !findings.is_empty() && !waiting.is_empty() {
        let names: Vec<String> = waiting.iter().map(|host| escape(host.as_str())).collect();
        lines.push(format!("⏳ no answer yet: {}", names.join(", ")));
    }
    let well = well(findings);
    if !well.is_empty() {
        lines.push(format!("🟢 {}", well.join(", ")));
    }
    lines.join("\n")
}

fn verdict(all: usize, wrong: usize, doubtful: usize, waiting: usize) -> String {
    let so_far = if waiting > 0 { format!(", {} still to come", hosts(waiting)) } else { String::new() };
    match (wrong, doubtful) {
        (0, 0) => format!("🟢 **everything is set up** ({all} checks{so_far})"),
        (0, doubtful) => format!("🟡 **{doubtful} of {all} checks in doubt**, none failed{so_far}"),
        (1, _) => format!("🔴 **1 of {all} checks failed**{so_far}"),
        (wrong, _) => format!("🔴 **{wrong} of {all} checks failed**{so_far}"),
    }
}

fn hosts(count: usize) -> String {
    if count == 1 { "1 host".to_owned() } else { format!("{count} hosts") }
}

/// "🔴 **bridge** branch — … → …"
fn told(finding: &Finding, emoji: &str) -> String {
    let Line { what, says, next } = line(finding);
    let next = next.map_or(String::new(), |next| format!(" → {next}"));
    format!("{emoji} **{}** {what} — {says}{next}", escape(&subject(&finding.about)))
}

/// Those of whom nothing is wrong or doubtful.
fn well(findings: &[Finding]) -> Vec<String> {
    let mut seen: Vec<&About> = Vec::new();
    for finding in findings {
        if !seen.contains(&&finding.about) {
            seen.push(&finding.about);
        }
    }
    let is_well = |about: &&About| findings.iter().all(|f| f.about != **about || f.mark() == Mark::Fine);
    seen.into_iter().filter(is_well).map(|about| escape(&subject(about))).collect()
}

/// What the bot says once by itself when it starts: only what is wrong.
pub fn at_start(findings: &[&Finding], prefix: &str) -> String {
    /// Lines of it: who wants more asks.
    const LINES: usize = 5;
    let head = match findings.len() {
        1 => "🔴 **1 thing is not set up**".to_owned(),
        n => format!("🔴 **{n} things are not set up**"),
    };
    let ask = crate::domain::message::code(&format!("{prefix}doctor"));
    let mut lines = vec![format!("{head} — {ask} looks again")];
    lines.extend(findings.iter().take(LINES).map(|finding| told(finding, "🔴")));
    if findings.len() > LINES {
        lines.push(format!("… and {} more", findings.len() - LINES));
    }
    lines.join("\n")
}

/// For a terminal or a log: "✗ docker — … (next step)", without markup.
pub fn plain(finding: &Finding) -> String {
    let Line { what, says, next } = line(finding);
    let mark = match finding.mark() {
        Mark::Fine => '✓',
        Mark::Doubtful => '!',
        Mark::Wrong => '✗',
    };
    let text = |markdown: &str| Body::from_markdown(markdown).plain;
    let head = format!("{mark} {what} — {}", text(&says));
    next.map_or(head.clone(), |next| format!("{head}\n    → {}", text(&next).replace('\n', "\n      ")))
}

/// All findings for a terminal, a heading for each host and service.
pub fn page(findings: &[Finding]) -> String {
    let mut lines = Vec::new();
    let mut last = None;
    for finding in findings {
        if last != Some(&finding.about) {
            let of = match &finding.about {
                About::Service { host, .. } => format!(" (on {host})"),
                About::Chat | About::Host { .. } => String::new(),
            };
            lines.push(format!("{}{of}", subject(&finding.about)));
            last = Some(&finding.about);
        }
        lines.push(format!("  {}", plain(finding).replace('\n', "\n  ")));
    }
    lines.join("\n")
}

/// A word on the command line that names nothing.
pub fn no_match(no_match: &NoMatch) -> String {
    match no_match {
        NoMatch::Malformed { written } => {
            format!("{written:?} names no host or service: use a name, `host:`, `@tag` or a glob like `web-*`")
        }
        NoMatch::Nothing { written, nearest: Some(nearest) } => {
            format!("the config has nothing called {written:?}: did you mean {nearest:?}?")
        }
        NoMatch::Nothing { written, nearest: None } => format!("the config has nothing called {written:?}"),
    }
}

/// The last line in a terminal.
pub fn summary(findings: &[Finding]) -> String {
    let count = |mark: Mark| findings.iter().filter(|finding| finding.mark() == mark).count();
    let (wrong, doubtful) = (count(Mark::Wrong), count(Mark::Doubtful));
    format!("{} checks: {} fine, {doubtful} in doubt, {wrong} failed", findings.len(), count(Mark::Fine))
}
