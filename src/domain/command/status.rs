//! `!status`: how services are.

use super::{Command, Context, Effect, Fault, Spec};
use crate::domain::{role::Role, selector::Selector, target};

pub(super) static SPEC: Spec = Spec {
    name: "status",
    aliases: &["st", "ps"],
    arguments: "[selector…]",
    summary: "how services are; troubled ones first",
    detail: "Selectors: a name, `host:`, `@tag`, a glob like `web-*`, `all`. Without one: everything.",
    needs: Role::Viewer,
    effect: Effect::Read,
    context: Context::Subject,
    read: |args| {
        // All of its members are shown when it is asked for alone.
        let services = args.iter().map(|arg| Selector::parse(target::service_in(arg))).collect::<Result<_, _>>();
        let services = services.map_err(Fault::Selector)?;
        Ok(SPEC.gives(Command::Status { services }))
    },
};
