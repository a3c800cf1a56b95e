//! `!unsilence`: notify again.

use super::{Command, Context, Effect, Spec, args};
use crate::domain::role::Role;

pub(super) static SPEC: Spec = Spec {
    name: "unsilence",
    aliases: &["unmute"],
    arguments: "<selector or all>",
    summary: "notify again",
    detail: "",
    needs: Role::Operator,
    effect: Effect::Change,
    context: Context::Subject,
    read: |args| Ok(SPEC.gives(Command::Unsilence { silences: args::one(args)? })),
};
