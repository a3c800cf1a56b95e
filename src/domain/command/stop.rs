//! `!stop`: stop it.

use super::{Command, Context, Effect, Spec, args};
use crate::domain::{
    change::{Change, Wanted},
    role::Role,
};

pub(super) static SPEC: Spec = Spec {
    name: "stop",
    aliases: &[],
    arguments: "<service>",
    summary: "stop it",
    detail: "Nobody is notified because of a service that was stopped through me.",
    needs: Role::Operator,
    effect: Effect::Risky,
    context: Context::None,
    read: |args| Ok(SPEC.gives(Command::Change { wanted: Wanted::plain(Change::Stop), target: args::one(args)? })),
};
