//! `!scale`: change how many of it run.

use super::{Command, Context, Effect, Fault, Spec};
use crate::domain::{
    change::{Change, Wanted},
    role::Role,
};

/// More than one types on purpose.
const MOST: u32 = 1_000;

pub(super) static SPEC: Spec = Spec {
    name: "scale",
    aliases: &["replicas"],
    arguments: "<service> <replicas>",
    summary: "change how many of it run",
    detail: "Starts or stops replicas until that many run, then verifies that they hold. Of a stack, name the service: \
             `shop/api`. To have none of it, stop it.",
    needs: Role::Operator,
    effect: Effect::Change,
    context: Context::None,
    read: |args| {
        let (target, replicas) = match *args {
            [target, replicas] | [target, "to", replicas] => (target, replicas),
            [both] => both.split_once('=').ok_or(Fault::Missing("number of replicas"))?,
            [] => return Err(Fault::Missing("service")),
            [_, _, extra, ..] => return Err(Fault::Extra(extra.to_owned())),
        };
        // "+3" is no number of replicas: somebody means three more.
        let digits = replicas.bytes().all(|b| b.is_ascii_digit());
        let count = replicas.parse().ok().filter(|_| digits).filter(|count| (1..=MOST).contains(count));
        let count = count.ok_or_else(|| Fault::Replicas(replicas.to_owned()))?;
        let wanted = Wanted { replicas: Some(count), ..Wanted::plain(Change::Scale) };
        Ok(SPEC.gives(Command::Change { wanted, target: target.to_owned() }))
    },
};
