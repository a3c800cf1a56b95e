//! `!silence`: notify nobody for a while.

use jiff::{SignedDuration, Span, SpanRelativeTo};

use super::{Command, Context, Effect, Fault, Spec};
use crate::domain::{role::Role, selector::Selector};

/// Characters kept of a reason.
const REASON: usize = 200;

pub(super) static SPEC: Spec = Spec {
    name: "silence",
    aliases: &["mute"],
    arguments: "<selector> <time> [reason]",
    summary: "notify nobody for a while",
    detail: "A time is like `30m`, `2h` or `3d`. What happens meanwhile is told silently; what is still wrong \
             afterwards notifies.",
    needs: Role::Operator,
    effect: Effect::Change,
    context: Context::Subject,
    read: |args| {
        let [selector, length, reason @ ..] = args else {
            return Err(Fault::Missing(if args.is_empty() { "service" } else { "time" }));
        };
        let scope = Selector::parse(selector).map_err(Fault::Selector)?;
        let length = length_of_time(length).ok_or_else(|| Fault::Time((*length).to_owned()))?;
        let reason = (!reason.is_empty()).then(|| reason.join(" ").chars().take(REASON).collect());
        Ok(SPEC.gives(Command::Silence { scope, length, reason }))
    },
};

/// "30m", "1h30m", "3d": more than nothing, and a year at most.
fn length_of_time(text: &str) -> Option<SignedDuration> {
    let span: Span = text.parse().ok()?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    (length.is_positive() && length <= SignedDuration::from_hours(24 * 366)).then_some(length)
}
