//! `!hosts`: how the machines are.

use super::{Command, Context, Effect, Spec};
use crate::domain::role::Role;

pub(super) static SPEC: Spec = Spec {
    name: "hosts",
    aliases: &["host", "nodes"],
    arguments: "[host…]",
    summary: "how the machines are",
    detail: "Uptime, load, memory, disks, and the versions of what runs services there; those in trouble first. Of one \
             host, all there is to know. Where a service runs on several nodes, these too.",
    needs: Role::Viewer,
    effect: Effect::Read,
    context: Context::None,
    read: |args| {
        let names = args.iter().map(|name| name.trim_end_matches(':').to_owned());
        Ok(SPEC.gives(Command::Hosts { hosts: names.filter(|name| name != "all").collect() }))
    },
};
