//! What is not done, and why: each names the thing and the next step.

use jiff::Timestamp;

use super::{help, incident, operations, span};
use crate::domain::{
    access::Missing,
    change::Change,
    command::{Fault, Spec, Unresolved},
    inbound::{Arrival, Unreadable},
    message::{code, escape, quote},
    names::ServiceName,
    operation::Operation,
    rights::Rights,
    runtime::NotPossible,
    selector::NoMatch,
    suggest, target,
};

/// No command of that name.
pub fn no_such_command(written: &str, nearest: Option<&str>, prefix: &str) -> String {
    let next = match nearest {
        Some(nearest) => format!("did you mean {}?", code(&format!("{prefix}{nearest}"))),
        None => format!("{} lists what I know.", code(&format!("{prefix}help"))),
    };
    format!("There is no command {} — {next}", quote(written))
}

/// Wrong arguments.
pub fn misused(spec: &Spec, fault: &Fault, prefix: &str) -> String {
    let what = match fault {
        Fault::Missing(kind) => format!("Which {kind}?"),
        Fault::Extra(extra) => format!("{} is one word too many.", quote(extra)),
        Fault::Lines(given) => format!("{} is not a number of lines between 1 and 5000.", quote(given)),
        Fault::Time(given) => format!("{} is no length of time like {} or {}.", quote(given), code("30m"), code("2h")),
        Fault::Replicas(given) => {
            format!("{} is not a number of replicas between 1 and 1000; to have none of it, stop it.", quote(given))
        }
        Fault::Version(bad) => format!("{} is no version: {}.", quote(&bad.given), bad.rule),
        Fault::Selector(no_match) => return self::no_match(no_match, prefix),
    };
    format!("{what} Usage: {}", help::usage(spec, prefix))
}

/// A name that selects nothing.
pub fn no_match(no_match: &NoMatch, prefix: &str) -> String {
    match no_match {
        NoMatch::Malformed { written } if written.contains('/') => format!(
            "{} names one member, which works with logs, restart, stop and start. Here, use {}.",
            quote(written),
            quote(target::service_in(written))
        ),
        NoMatch::Malformed { written } => format!(
            "{} is no name of a service — use a name, {}, {}, a glob like {} or {}.",
            quote(written),
            code("host:"),
            code("@tag"),
            code("web-*"),
            code("all")
        ),
        NoMatch::Nothing { written, nearest: Some(nearest) } => {
            format!("Nothing here is called {} — did you mean {}?", quote(written), code(nearest))
        }
        NoMatch::Nothing { written, nearest: None } => {
            format!(
                "Nothing here is called {} — {} lists everything.",
                quote(written),
                code(&format!("{prefix}status"))
            )
        }
    }
}

/// A command that names nothing.
pub fn unresolved(unresolved: &Unresolved, prefix: &str) -> String {
    match unresolved {
        Unresolved::NoMatch(no_match) => self::no_match(no_match, prefix),
        Unresolved::NoHost { written, nearest } => {
            let next = match nearest {
                Some(nearest) => format!("did you mean {}?", code(nearest)),
                None => format!("{} lists all.", code(&format!("{prefix}hosts"))),
            };
            format!("No host here is called {} — {next}", quote(written))
        }
        Unresolved::NoMember { service, written, members } => no_member(service, written, members.as_deref(), prefix),
        Unresolved::WholeOnly { service, change } => {
            let command = code(&format!("{prefix}{} {service}", change.command()));
            format!("✋ **{}** is {} as a whole: {command}.", escape(service.as_str()), change.done())
        }
        Unresolved::NoOperation(written) => operations::nothing_to_cancel(written, prefix),
        Unresolved::NoIncident(written) => incident::nothing_open(written, prefix),
        Unresolved::NoSilence(written) => incident::not_silent(written, prefix),
    }
}

/// A project has no such member, or a service none at all.
fn no_member(service: &ServiceName, written: &str, members: Option<&[String]>, prefix: &str) -> String {
    const SHOWN: usize = 20;
    let name = escape(service.as_str());
    let Some(members) = members else {
        return format!("**{name}** is no project, so there is no {} in it. Write {service} alone.", quote(written));
    };
    let status = code(&format!("{prefix}status {service}"));
    if members.is_empty() {
        return format!("**{name}** has no member {} — {status} shows what it has.", quote(written));
    }
    let nearest = suggest::nearest(written, members.iter().map(String::as_str));
    let did_you_mean =
        nearest.map_or(String::new(), |near| format!(" Did you mean {}?", code(&format!("{service}/{near}"))));
    let shown = members.iter().take(SHOWN).map(|member| escape(member)).collect::<Vec<_>>().join(", ");
    let more = members.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("**{name}** has no member {}.{did_you_mean} It has {shown}{more} — {status} shows them.", quote(written))
}

/// The sender's role is too small.
pub fn missing_right(command: &str, missing: &Missing) -> String {
    format!(
        "{} takes the role **{}**; you are **{}** here. An admin can change that in the config.",
        code(command),
        missing.needs.name(),
        missing.has.name()
    )
}

/// Nobody may do that with this service.
pub fn not_of_service(service: &ServiceName, has: Rights, change: Change) -> String {
    let may = match has {
        Rights::Read | Rights::Change => "looked at",
        Rights::Restart => "restarted, stopped and started",
    };
    let more = match Rights::for_change(change) {
        Rights::Read | Rights::Restart => "To allow it, set `may = \"restart\"` in its host's `discover`.",
        Rights::Change => "To be updated it needs a `[[service]]`: `opsroom discover` prints the lines.",
    };
    let name = escape(service.as_str());
    format!("**{name}** was found, not configured: it can only be {may} — not {}. {more}", change.done())
}

/// A command that is too old to be meant any more.
pub fn stale(sent: Timestamp, now: Timestamp, arrival: Arrival) -> String {
    let ago = span::since(sent, now);
    match arrival {
        Arrival::CatchUp => {
            format!("⏰ sent {ago} ago while I was away — not run. Send it again if you still want it.")
        }
        Arrival::LateKey => {
            format!("⏰ sent {ago} ago, readable for me only now — not run. Send it again if you still want it.")
        }
        Arrival::Live => format!("⏰ sent {ago} ago, arrived only now — not run. Send it again if you still want it."),
    }
}

/// A readable message in an encrypted room.
pub fn unprotected() -> String {
    "🔓 That message was not encrypted, though this room is — not run. Anybody on the way could have written it."
        .to_owned()
}

/// An encrypted message that was sent before, by whomever.
pub fn copy() -> String {
    "🔁 That is a copy of an earlier message — not run. Write the command again if it was you; if it was not, somebody \
     can send in your name: look at your sessions."
        .to_owned()
}

/// Whether a message is a copy could not be found out.
pub fn replay_unclear(why: &str) -> String {
    format!(
        "✋ I could not make sure that this is no copy of an earlier message ({}) — not run. Send it again.",
        escape(why.trim_end_matches('.'))
    )
}

/// A message that cannot be decrypted, or may not be by policy.
pub fn unreadable(why: Unreadable) -> String {
    let (why, next) = match why {
        Unreadable::UnsignedDevice => (
            "it comes from a session that you have not verified",
            "Verify that session in your client's settings, then send it again.",
        ),
        Unreadable::UnknownDevice => {
            ("its session is not known, or was removed", "Send it again from a session that you have verified.")
        }
        Unreadable::IdentityChanged => (
            "your identity has changed since it was last verified",
            "Verify me again from your client, then send it again.",
        ),
        Unreadable::WrongSender => ("it was encrypted by somebody else than its sender", "Look into who sent it."),
        Unreadable::KeyWithheld => {
            ("your client did not share its key with me", "Verify me from your client, then send it again.")
        }
        Unreadable::KeyMissing => ("its key has not arrived", "If it arrives I read it then; or send it again."),
        Unreadable::Damaged => ("it is damaged", "Send it again."),
    };
    format!("🔒 I cannot read that message: {why}. Nothing was run. {next}")
}

/// The service is being changed already.
pub fn in_progress(other: &Operation, prefix: &str, now: Timestamp) -> String {
    format!(
        "✋ **{}** is {} already (#{}, asked by {}, {} ago) — one change at a time. Ask again when it is done, or {} \
         cancels it.",
        escape(&other.target().to_string()),
        other.change.doing(),
        other.id.0,
        escape(other.origin.actor().short()),
        span::since(other.began, now),
        code(&format!("{prefix}cancel {}", other.id.0)),
    )
}

/// The config lacks what such a change needs.
pub fn not_possible(service: &ServiceName, why: NotPossible) -> String {
    let name = escape(service.as_str());
    match why {
        NotPossible::NoDirectory => {
            format!("✋ **{name}** has no {} in the config, so there is no clone to update.", code("dir"))
        }
        NotPossible::NoStrategy => format!(
            "✋ **{name}** has neither {} nor a {} script in the config, so I don't know how to update it.",
            code("dir"),
            code("deploy")
        ),
        NotPossible::NoReplicas => format!(
            "✋ **{name}** has no number of replicas that could be changed: its runtime runs what its files say."
        ),
        NotPossible::NoUndo => {
            format!("✋ **{name}** is updated by a script of its own, and the config gives no {} for it.", code("undo"))
        }
        NotPossible::NoChoice => format!(
            "✋ **{name}** is updated by a script of its own, which cannot be told a version. Without one, its {} runs.",
            code("undo")
        ),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{
        command::{self, Command, Directory, Reading, TABLE},
        inbound::Me,
        incident::IncidentId,
        inventory::Inventory,
        member::Member,
        message::Body,
        names::UserId,
        operation::OperationId,
    };

    /// Where nothing is.
    #[derive(Default)]
    struct Nowhere(Inventory);

    impl Directory for Nowhere {
        fn inventory(&self) -> &Inventory {
            &self.0
        }
        fn members(&self, _: &ServiceName) -> Vec<&Member> {
            vec![]
        }
        fn operation_of(&self, _: &ServiceName) -> Option<OperationId> {
            None
        }
        fn is_in_progress(&self, _: OperationId) -> bool {
            false
        }
        fn incidents(&self, _: &str) -> Vec<IncidentId> {
            vec![]
        }
        fn silences(&self, _: &str) -> Vec<u64> {
            vec![]
        }
    }

    /// What is said to what is no command, or names nothing.
    fn refused(body: &str) -> Option<String> {
        let me = Me { user: UserId::parse("@opsroom:example.org").unwrap(), display_name: None };
        match command::read(body, false, "!", &me) {
            Reading::NotForMe => None,
            Reading::NoSuchCommand { written, nearest } => Some(no_such_command(&written, nearest, "!")),
            Reading::Misused { spec, fault } => Some(misused(spec, &fault, "!")),
            Reading::Command(parsed) => match parsed.command {
                Command::Help { about } => about.map(|about| no_such_command(&about, None, "!")),
                command => command.resolve(&Nowhere::default()).err().map(|why| unresolved(&why, "!")),
            },
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4))]

        #[test]
        fn what_was_written_is_quoted_in_part(piece in r"(\PC|\p{Cf}|[`*@:.-]| ){1,12}", more in r"( 1h| 7)?") {
            let long: String = piece.chars().cycle().take(30_000).collect();
            let word = long.replace(char::is_whitespace, "-");
            for text in [&long, &word] {
                let commands = TABLE.iter().map(|spec| format!("!{} {text}{more}", spec.name));
                let others = [format!("!{text}"), format!("!rollback bridge {text}"), format!("!logs bridge {text}")];
                for body in commands.chain(others) {
                    if let Some(refusal) = refused(&body) {
                        let Body { plain, html, .. } = Body::from_markdown(&refusal);
                        prop_assert!(plain.len() + html.len() < 2_000, "{}", plain);
                    }
                }
            }
        }
    }

    #[test]
    fn a_refusal_quotes_what_a_person_recognises() {
        let said = |body: &str| Body::from_markdown(&refused(body).expect("a refusal")).plain;
        insta::assert_snapshot!(said(&format!("!{}", "x".repeat(30_000))), @"There is no command xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… — !help lists what I know.");
        insta::assert_snapshot!(said("!restart brid\u{202e}ge"), @"Nothing here is called brid<U+202E>ge — !status lists everything.");
    }
}
