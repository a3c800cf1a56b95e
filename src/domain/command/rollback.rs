//! `!rollback`: go back to a version that was good.

use super::{Command, Context, Effect, Fault, Spec, args};
use crate::domain::{
    change::{Change, Wanted},
    names::Version,
    role::Role,
};

pub(super) static SPEC: Spec = Spec {
    name: "rollback",
    aliases: &["revert"],
    arguments: "<service> [commit] [--discard]",
    summary: "go back to the last good version",
    detail: "Its images are kept, so that takes seconds. A commit that was never in place is built.",
    needs: Role::Operator,
    effect: Effect::Risky,
    context: Context::None,
    read: |args| {
        let (flags, rest) = args::flags(args, &["--discard"])?;
        let (service, version) = match rest[..] {
            [service, version] => {
                (service.to_owned(), Some(Version::parse(&version.to_lowercase()).map_err(Fault::Version)?))
            }
            _ => (args::one(&rest)?, None),
        };
        let discard = flags.contains(&"--discard");
        let wanted = Wanted { discard, version, ..Wanted::plain(Change::Rollback) };
        Ok(SPEC.gives(Command::Change { wanted, target: service }))
    },
};
