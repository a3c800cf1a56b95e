//! `!cancel`: end a change.

use super::{Command, Context, Effect, Spec, args};
use crate::domain::role::Role;

pub(super) static SPEC: Spec = Spec {
    name: "cancel",
    aliases: &["abort"],
    arguments: "<number or service>",
    summary: "cancel a change",
    detail: "Tells its job on the host to end, and looks whether it has. Before anything that runs was touched, that \
             is all; later, what ran before is put back.",
    needs: Role::Operator,
    effect: Effect::Change,
    context: Context::None,
    read: |args| Ok(SPEC.gives(Command::Cancel { operation: args::only("operation", args)? })),
};
