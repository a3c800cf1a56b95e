//! `!ping`: am I there?.

use super::{Command, Context, Effect, Spec, args};
use crate::domain::role::Role;

pub(super) static SPEC: Spec = Spec {
    name: "ping",
    aliases: &[],
    arguments: "",
    summary: "am I there?",
    detail: "",
    needs: Role::Viewer,
    effect: Effect::Read,
    context: Context::None,
    read: |args| {
        args::nothing(args)?;
        Ok(SPEC.gives(Command::Ping))
    },
};
