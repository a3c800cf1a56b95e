//! `!alerts`: what is wrong, who is on it, what is silenced.

use super::{Command, Context, Effect, Spec, args};
use crate::domain::role::Role;

pub(super) static SPEC: Spec = Spec {
    name: "alerts",
    aliases: &["incidents"],
    arguments: "",
    summary: "what is wrong, who is on it, what is silenced",
    detail: "",
    needs: Role::Viewer,
    effect: Effect::Read,
    context: Context::None,
    read: |args| {
        args::nothing(args)?;
        Ok(SPEC.gives(Command::Alerts))
    },
};
