//! `!update`: put the newest version in place.

use super::{Command, Context, Effect, Spec, args, diff};
use crate::domain::{
    change::{Change, Wanted},
    role::Role,
};

pub(super) static SPEC: Spec = Spec {
    name: "update",
    aliases: &["deploy"],
    arguments: "<service> [--dry-run] [--discard]",
    summary: "fetch, build and put in place",
    detail: "Gets the newest version and builds it in full, then replaces what runs and verifies it. What fails before \
             that leaves what runs alone; what fails verification is rolled back. Ignored files, such as secrets, stay. \
             `--dry-run` only says what is new; `--discard` sets local changes in the clone aside.",
    needs: Role::Operator,
    effect: Effect::Change,
    context: Context::None,
    read: |args| {
        let (flags, rest) = args::flags(args, &["--dry-run", "--discard"])?;
        let service = args::one(&rest)?;
        if flags.contains(&"--dry-run") {
            return Ok(diff::SPEC.gives(Command::Preview { service }));
        }
        let wanted = Wanted { discard: flags.contains(&"--discard"), ..Wanted::plain(Change::Update) };
        Ok(SPEC.gives(Command::Change { wanted, target: service }))
    },
};
