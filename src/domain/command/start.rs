//! `!start`: start it, or deploy it where it is not.

use super::{Command, Context, Effect, Spec, args};
use crate::domain::{
    change::{Change, Wanted},
    role::Role,
};

pub(super) static SPEC: Spec = Spec {
    name: "start",
    aliases: &["up"],
    arguments: "<service>",
    summary: "start it, or deploy it where it is not",
    detail: "Brings up its compose project where it has a directory; otherwise starts what is there.",
    needs: Role::Operator,
    effect: Effect::Change,
    context: Context::None,
    read: |args| Ok(SPEC.gives(Command::Change { wanted: Wanted::plain(Change::Start), target: args::one(args)? })),
};
