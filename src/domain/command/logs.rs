//! `!logs`: what a service printed last.

use super::{Command, Context, Effect, Fault, Spec};
use crate::domain::role::Role;

/// Lines that are shown when nobody says how many.
const LINES: u32 = 100;

pub(super) static SPEC: Spec = Spec {
    name: "logs",
    aliases: &["log"],
    arguments: "<service> [lines]",
    summary: "the last lines it printed",
    detail: "100 lines unless said otherwise, 5000 at most. What is too long for a phone comes as a file.",
    needs: Role::Viewer,
    effect: Effect::Read,
    context: Context::Member,
    read: |args| {
        let (service, lines) = match args {
            [service] => (service, LINES),
            [service, lines] => match lines.parse() {
                Ok(lines @ 1..=5000) => (service, lines),
                Ok(_) | Err(_) => return Err(Fault::Lines((*lines).to_owned())),
            },
            [] => return Err(Fault::Missing("service")),
            [_, _, extra, ..] => return Err(Fault::Extra((*extra).to_owned())),
        };
        Ok(SPEC.gives(Command::Logs { target: (*service).to_owned(), lines }))
    },
};
