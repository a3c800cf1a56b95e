//! `!help`: what can be asked.

use super::{Command, Context, Effect, Spec};
use crate::domain::role::Role;

pub(super) static SPEC: Spec = Spec {
    name: "help",
    aliases: &["?", "h"],
    arguments: "[command]",
    summary: "this list, or more about one command",
    detail: "",
    needs: Role::Viewer,
    effect: Effect::Read,
    context: Context::None,
    read: |args| Ok(SPEC.gives(Command::Help { about: args.first().map(|about| (*about).to_owned()) })),
};
