//! `!history`: who changed what.

use super::{Command, Context, Effect, Fault, Spec};
use crate::domain::role::Role;

pub(super) static SPEC: Spec = Spec {
    name: "history",
    aliases: &["past"],
    arguments: "[service or number]",
    summary: "who changed what, and how it went",
    detail: "The last changes, of all services or of one. With an operation's number: everything about it, and the \
             script that ran as a file.",
    needs: Role::Viewer,
    effect: Effect::Read,
    context: Context::Subject,
    read: |args| match args {
        [] => Ok(SPEC.gives(Command::History { past: None })),
        [about] => Ok(SPEC.gives(Command::History { past: Some((*about).to_owned()) })),
        [_, extra, ..] => Err(Fault::Extra((*extra).to_owned())),
    },
};
