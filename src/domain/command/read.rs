//! Reads messages: people talking, or a command.

use super::{Command, Context, Effect, Fault, Parsed, Spec, help, nearest, spec};
use crate::domain::{inbound::Me, phone};

/// What a message turned out to be.
#[derive(Debug)]
pub enum Reading {
    /// People talking.
    NotForMe,
    /// A command.
    Command(Parsed),
    /// Addressed to the bot, but no command of that name.
    NoSuchCommand {
        /// As it was written.
        written: String,
        /// The nearest that exists.
        nearest: Option<&'static str>,
    },
    /// A command with the wrong arguments.
    Misused {
        /// Which one.
        spec: &'static Spec,
        /// What is wrong.
        fault: Fault,
    },
}

/// Reads a message. `addressed` says whether it mentions the bot.
pub fn read(body: &str, addressed: bool, prefix: &str, me: &Me) -> Reading {
    let Some(text) = behind_prefix(body, prefix).or_else(|| addressed.then(|| behind_name(body, me)).flatten()) else {
        return Reading::NotForMe;
    };
    let words = phone::words(text);
    let Some((first, rest)) = words.split_first() else {
        return Reading::Command(help::SPEC.gives(Command::Help { about: None }));
    };
    let name = first.to_lowercase();
    let Some(spec) = spec(&name) else {
        // "!!", "!?" and "!1" are how people talk.
        if !name.starts_with(char::is_alphabetic) {
            return Reading::NotForMe;
        }
        return Reading::NoSuchCommand { written: first.clone(), nearest: nearest(&name) };
    };
    let args: Vec<&str> = rest.iter().map(String::as_str).collect();
    // What an acknowledgement names in vain is only refused.
    let careful = spec.effect != Effect::Read && spec.context != Context::Alerts;
    match phone::politely(&args, spec.read, careful) {
        Ok(parsed) => Reading::Command(parsed),
        Err(fault) => Reading::Misused { spec, fault },
    }
}

fn behind_prefix<'a>(body: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = phone::behind_prefix(body, prefix)?;
    (!rest.trim().is_empty()).then_some(rest)
}
/// `opsroom: status`, `@opsroom:example.org status`: clients write a mention
/// as the display name or the ID, with or without a colon.
fn behind_name<'a>(body: &'a str, me: &Me) -> Option<&'a str> {
    let body = body.trim_start();
    let names = [Some(me.user.as_str()), me.display_name.as_deref(), Some(me.user.localpart())];
    let rest = names.into_iter().flatten().find_map(|name| {
        let bare = body.strip_prefix('@').unwrap_or(body);
        [body, bare].into_iter().find_map(|text| {
            let head = text.get(..name.len())?;
            head.eq_ignore_ascii_case(name).then(|| &text[name.len()..])
        })
    })?;
    let rest = rest.strip_prefix([':', ',', '：', '，']).unwrap_or(rest);
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some(rest)
}
