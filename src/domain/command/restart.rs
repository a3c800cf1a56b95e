//! `!restart`: restart it.

use super::{Command, Context, Effect, Spec, args};
use crate::domain::{
    change::{Change, Wanted},
    role::Role,
};

pub(super) static SPEC: Spec = Spec {
    name: "restart",
    aliases: &[],
    arguments: "<service>",
    summary: "restart it",
    detail: "Restarts it, then looks again and says what it sees. Of a project, `cloud/db` is one container of it; so with stop, start and logs.",
    needs: Role::Operator,
    effect: Effect::Change,
    context: Context::Member,
    read: |args| Ok(SPEC.gives(Command::Change { wanted: Wanted::plain(Change::Restart), target: args::one(args)? })),
};
