//! `!help`, `!ping`, `!whoami`.

use crate::domain::{
    command::{Spec, TABLE},
    message::{code, escape},
    origin::Actor,
    role::Role,
};

/// The commands that the reader may give.
pub fn list(role: Role, prefix: &str) -> String {
    let rows = TABLE
        .iter()
        .filter(|spec| spec.needs <= role)
        .map(|spec| format!("{} — {}", usage(spec, prefix), spec.summary));
    let rows: Vec<String> = rows.collect();
    let more = code(&format!("{prefix}help status"));
    format!("**What you can ask me**\n{}\nMore about one: {more}", rows.join("\n"))
}

/// One command in full.
pub fn about(spec: &Spec, prefix: &str) -> String {
    let mut out = format!("{} — {}", usage(spec, prefix), spec.summary);
    if !spec.detail.is_empty() {
        out.push_str(&format!("\n{}", spec.detail));
    }
    if !spec.aliases.is_empty() {
        let aliases: Vec<String> = spec.aliases.iter().map(|a| code(&format!("{prefix}{a}"))).collect();
        out.push_str(&format!("\nAlso: {}", aliases.join(", ")));
    }
    out
}

/// `` `!logs <service> [lines]` ``.
pub fn usage(spec: &Spec, prefix: &str) -> String {
    code(format!("{prefix}{} {}", spec.name, spec.arguments).trim_end())
}

/// The answer to `!ping`.
pub fn pong() -> String {
    "🏓 pong".to_owned()
}

/// The answer to `!whoami`.
pub fn whoami(actor: &Actor, role: Role, prefix: &str) -> String {
    let may: Vec<&str> = TABLE.iter().filter(|spec| spec.needs <= role).map(|spec| spec.name).collect();
    format!(
        "You are {}, **{}** here.\nYou may: {}\n(commands begin with {})",
        escape(&actor.to_string()),
        role.name(),
        may.join(", "),
        code(prefix)
    )
}
