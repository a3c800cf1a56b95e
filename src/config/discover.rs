//! `discover = { … }` of a host: what of that which runs there becomes a service
//! without being in the config.

use std::time::Duration;

use super::{problem::At, section::Section};
use crate::domain::{
    discovery::{Policy, Sought},
    names::{LabelName, LoginName},
    pattern::Pattern,
    rights::Rights,
    suggest::nearest,
};

/// What may be done with what is found, the default first. An update takes a service of the config: it has
/// to say where new versions come from.
const RIGHTS: [(&str, Rights); 2] = [("read", Rights::Read), ("restart", Rights::Restart)];

/// Sessions that must be left beside the event streams: a look, and what people ask for.
const OTHERS: usize = 3;

/// The streams that the SSH user and each other login may have at most.
const STREAMS: (usize, usize) = (3, 2);

/// `None` when something is wrong, and reported. `ssh` is the SSH user, with the sessions that a connection
/// may have.
pub(super) fn read(section: &Section<'_>, ssh: Option<(&str, u32)>) -> Option<Policy> {
    let allow = patterns(section, "allow");
    let units = patterns(section, "units");
    if allow.as_ref().is_some_and(Vec::is_empty) && units.as_ref().is_some_and(Vec::is_empty) {
        let advice = "give `allow`, like [\"media-*\"], or [\"*\"] for all; and `units` for units by name";
        section.problems.report(section.at, "`discover` allows nothing", advice);
        return None;
    }
    let label_text = section.text("label");
    let label = section.parsed("label", label_text, LabelName::parse);
    let rights = rights(section);
    let (minute, day) = (Duration::from_secs(60), Duration::from_secs(24 * 60 * 60));
    let gone_after = section.duration("gone_after", minute * 10, Duration::from_secs(1)..=day);
    let login_texts = section.texts("run_as");
    let logins: Vec<LoginName> =
        login_texts.iter().filter_map(|login| section.parsed("run_as", Some(*login), LoginName::parse)).collect();
    if let Some((user, sessions)) = ssh {
        for At { value, at } in login_texts.iter().filter(|login| login.value == user) {
            let what = format!("`run_as` lists {value:?}, who is the host's `user`");
            section.problems.report(*at, what, "drop it: what is the SSH user's own is found anyway");
        }
        let wanted = STREAMS.0 + STREAMS.1 * logins.len() + OTHERS;
        if let Some(at) = section.place("run_as").filter(|_| wanted > sessions as usize) {
            let what = format!("so many logins take up to {wanted} sessions, and `max_sessions` is {sessions}");
            let advice = format!(
                "set max_sessions = {wanted}, and MaxSessions {wanted} in the host's sshd_config; or list fewer"
            );
            section.problems.report(at, what, advice);
        }
    }
    let is_whole = label.is_some() == label_text.is_some() && logins.len() == login_texts.len();
    let sought = Sought { units: units?, label };
    is_whole.then_some(Policy { allow: allow?, sought, rights: rights?, gone_after, logins })
}

fn rights(section: &Section<'_>) -> Option<Rights> {
    let Some(At { value, at }) = section.text("may") else { return Some(RIGHTS[0].1) };
    let known = RIGHTS.iter().find(|(name, _)| *name == value).map(|(_, rights)| *rights);
    if known.is_none() {
        let near = nearest(value, RIGHTS.iter().map(|(name, _)| *name)).map(|near| format!("did you mean {near:?}? "));
        let advice = near.unwrap_or_default()
            + "\"read\" (the default) is to look at it; \"restart\" is to start and stop it, too;\n\
               to update one, give it a [[service]]: `opsroom discover` prints the lines";
        section.problems.report(at, format!("`may` is not known: {value:?}"), advice);
    }
    known
}

/// Patterns of names; none when one of them is none, and reported.
fn patterns(section: &Section<'_>, key: &'static str) -> Option<Vec<Pattern>> {
    let texts = section.texts(key);
    let patterns = texts.iter().filter_map(|At { value, at }| {
        let pattern = Pattern::parse(value);
        if pattern.is_none() {
            let advice = "use letters, digits, '.', '_', '@', ':' and '-', with '*', '?' and '[…]' for others";
            section.problems.report(*at, format!("`{key}` holds what is no pattern: {value:?}"), advice);
        }
        pattern
    });
    let patterns: Vec<Pattern> = patterns.collect();
    (patterns.len() == texts.len()).then_some(patterns)
}
