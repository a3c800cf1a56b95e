//! `!ops`: what is in progress, and whose it is.

use super::{Command, Context, Effect, Spec, args};
use crate::domain::role::Role;

pub(super) static SPEC: Spec = Spec {
    name: "ops",
    aliases: &["operations", "jobs"],
    arguments: "",
    summary: "what is in progress, and whose it is",
    detail: "",
    needs: Role::Viewer,
    effect: Effect::Read,
    context: Context::None,
    read: |args| {
        args::nothing(args)?;
        Ok(SPEC.gives(Command::Operations))
    },
};
