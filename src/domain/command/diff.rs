//! `!diff`: what an update would bring.

use super::{Command, Context, Effect, Spec, args};
use crate::domain::role::Role;

pub(super) static SPEC: Spec = Spec {
    name: "diff",
    aliases: &["new"],
    arguments: "<service>",
    summary: "what an update would bring",
    detail: "Fetches, and lists the commits. Nothing that runs is touched.",
    needs: Role::Viewer,
    effect: Effect::Read,
    context: Context::None,
    read: |args| Ok(SPEC.gives(Command::Preview { service: args::one(args)? })),
};
