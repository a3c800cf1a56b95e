//! Keys that do not belong where they are: what is said about them.

use toml::de::DeValue;

use super::{
    problem::Problems,
    schema::{self, Schema},
};
use crate::domain::suggest::nearest;

/// Reports a key that its section does not have. The value is looked at only
/// for its type, and never shown: it may be a secret.
pub(super) fn report(problems: &Problems<'_>, schema: &Schema, key: &str, at: usize, value: &DeValue<'_>) {
    if schema.secrets.contains(&key) {
        let what = format!("`{key}` is a secret and does not belong in the config");
        problems.report(at, what, homes_of_secret(schema, key));
        return;
    }
    let at_top = std::ptr::eq(schema, &schema::ROOT);
    let advice = if let Some(near) = nearest(key, schema.keys) {
        let near = Schema::of_section(near).filter(|_| at_top).map_or(*near, |section| section.heading);
        format!("did you mean `{near}`?")
    } else if let Some(home) = schema::ALL.iter().find(|other| other.keys.contains(&key)) {
        format!("it belongs to {}", home.heading)
    } else {
        format!("known here: {}", schema.keys.join(", "))
    };
    let what = match value {
        DeValue::Table(_) if at_top => format!("unknown section `[{key}]`"),
        DeValue::Array(_) if at_top => format!("unknown section `[[{key}]]`"),
        _ if at_top => format!("unknown key `{key}` before the first section"),
        _ => format!("unknown key `{key}` in {}", schema.heading),
    };
    problems.report(at, what, advice);
}

fn homes_of_secret(schema: &Schema, key: &str) -> String {
    let ways = [("file", "in a file only the bot can read"), ("env", "in an environment variable")];
    let ways = ways.into_iter().filter_map(|(suffix, place)| {
        let key = format!("{key}_{suffix}");
        schema.keys.contains(&key.as_str()).then(|| format!("{place}, named by `{key}`"))
    });
    format!("put it {}", ways.collect::<Vec<_>>().join(", or "))
}
