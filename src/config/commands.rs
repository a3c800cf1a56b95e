//! `[commands]`: how the bot is spoken to.

use std::time::Duration;

use super::{problem::At, section::Section};
use crate::domain::inventory::CommandSettings;

pub(super) fn commands(section: &Section<'_>) -> CommandSettings {
    let default = CommandSettings::default();
    let minute = Duration::from_secs(60);
    let stale_after = section.duration("stale_after", default.stale_after, minute / 60..=minute * 60 * 24);
    let prefix = match section.text("prefix") {
        None => default.prefix,
        Some(At { value, at }) => {
            let advice = if value.starts_with('/') {
                "clients keep what begins with `/` to themselves: use another sign, like \"!\""
            } else if value.chars().any(|c| c.is_whitespace() || c.is_control()) || value.chars().count() > 16 {
                "use 1 to 16 characters without spaces, like \"!\" or \"ops!\""
            } else {
                ""
            };
            if !advice.is_empty() {
                section.problems.report(at, format!("`prefix` cannot begin a command: {value:?}"), advice);
            }
            value.to_owned()
        }
    };
    CommandSettings { prefix, stale_after }
}
