//! `!whoami`: who you are to me, and what you may do.

use super::{Command, Context, Effect, Spec, args};
use crate::domain::role::Role;

pub(super) static SPEC: Spec = Spec {
    name: "whoami",
    aliases: &[],
    arguments: "",
    summary: "who you are to me, and what you may do",
    detail: "",
    needs: Role::Viewer,
    effect: Effect::Read,
    context: Context::None,
    read: |args| {
        args::nothing(args)?;
        Ok(SPEC.gives(Command::Whoami))
    },
};
