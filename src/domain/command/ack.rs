//! `!ack`: say that one is on an alert.

use super::{Command, Context, Effect, Fault, Spec};
use crate::domain::role::Role;

pub(super) static SPEC: Spec = Spec {
    name: "ack",
    aliases: &[],
    arguments: "<number, service, host or all> […]",
    summary: "say that you are on an alert",
    detail: "It then notifies nobody again unless it gets worse. Answering an alert with `ack` does the same.",
    needs: Role::Operator,
    effect: Effect::Change,
    context: Context::Alerts,
    read: |args| match args {
        [] => Err(Fault::Missing("alert")),
        which => Ok(SPEC.gives(Command::Ack { incidents: which.iter().map(|w| (*w).to_owned()).collect() })),
    },
};
