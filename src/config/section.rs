//! Reads one section of a config: typed values with their places, and a
//! problem for everything that is not as the schema has it.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    duration,
    problem::{At, Problems},
    schema::Schema,
    stray_key,
};
use crate::domain::names::BadName;
use std::{fmt::Write as _, ops::RangeInclusive, time::Duration};

/// A table of the config on its way to being settings.
#[derive(Clone, Copy)]
pub(super) struct Section<'a> {
    schema: &'static Schema,
    table: &'a DeTable<'a>,
    /// Where its heading stands.
    pub(super) at: usize,
    pub(super) problems: &'a Problems<'a>,
}

impl<'a> Section<'a> {
    /// Opens a table and reports the keys that do not belong to it.
    pub(super) fn open(schema: &'static Schema, table: &'a DeTable<'a>, at: usize, problems: &'a Problems<'a>) -> Self {
        let section = Self { schema, table, at, problems };
        for (key, value) in table.iter().filter(|(key, _)| !schema.keys.contains(&key.get_ref().as_ref())) {
            stray_key::report(problems, schema, key.get_ref(), key.span().start, value.get_ref());
        }
        section
    }

    /// The keys this section may have.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.schema.keys.iter().copied()
    }

    /// The value of a key, and where it stands.
    pub(super) fn value(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        debug_assert!(self.schema.keys.contains(&key), "{key} is missing from the schema of {}", self.schema.heading);
        self.table.get(key)
    }

    /// Where a key's value stands.
    pub(super) fn place(&self, key: &'static str) -> Option<usize> {
        Some(self.value(key)?.span().start)
    }

    /// Reads a name; reports one that is against the rules.
    pub(super) fn parsed<T>(
        &self,
        key: &str,
        text: Option<At<&str>>,
        parse: fn(&str) -> Result<T, BadName>,
    ) -> Option<T> {
        let At { value, at } = text?;
        parse(value).map_err(|bad| self.problems.report_name(at, key, bad)).ok()
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str, example: &str) {
        // The value itself is not shown: this may be a secret under the wrong key.
        let what = format!("`{key}` must be {wanted}, not {}", with_article(value.get_ref().type_str()));
        self.problems.report(value.span().start, what, format!("write it like: {key} = {example}"));
    }

    /// Notes that a key is missing, at the section's heading.
    pub(super) fn missing(&self, key: &str, advice: &str) {
        self.problems.report(self.at, format!("{} lacks `{key}`", self.schema.heading), advice);
    }

    /// A string.
    pub(super) fn text(&self, key: &'static str) -> Option<At<&'a str>> {
        let value = self.value(key)?;
        match value.get_ref().as_str() {
            Some("") => {
                self.problems.report(value.span().start, format!("`{key}` is empty"), "give a value or drop the key");
                None
            }
            Some(text) if text.chars().any(char::is_control) => {
                let what = format!("`{key}` holds a control character");
                self.problems.report(value.span().start, what, "write it in one line, without `\\n` and the like");
                None
            }
            Some(text) => Some(At { value: text, at: value.span().start }),
            None => {
                self.wrong_type(key, value, "a string", "\"…\"");
                None
            }
        }
    }

    /// A string that has to be there.
    pub(super) fn required(&self, key: &'static str, advice: &str) -> Option<At<&'a str>> {
        if self.value(key).is_none() {
            self.missing(key, advice);
        }
        self.text(key)
    }

    /// One string, or a list of them.
    pub(super) fn texts(&self, key: &'static str) -> Vec<At<&'a str>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else { return self.text(key).into_iter().collect() };
        let strings = array.iter().filter_map(|item| match item.get_ref().as_str() {
            Some(text) => Some(At { value: text, at: item.span().start }),
            None => {
                self.wrong_type(key, item, "a string or a list of strings", "[\"…\", \"…\"]");
                None
            }
        });
        strings.collect()
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong_type(key, value, "true or false", "true");
        }
        flag
    }

    /// A whole number within bounds, or its default.
    pub(super) fn number(&self, key: &'static str, default: u32, bounds: RangeInclusive<u32>) -> u32 {
        let Some(value) = self.value(key) else { return default };
        let Some(integer) = value.get_ref().as_integer() else {
            self.wrong_type(key, value, "a whole number", &default.to_string());
            return default;
        };
        match u32::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) if bounds.contains(&number) => number,
            Ok(_) | Err(_) => {
                let allowed = format!("allowed: {} to {}", bounds.start(), bounds.end());
                self.problems.report(value.span().start, format!("`{key}` is out of range: {integer}"), allowed);
                default
            }
        }
    }

    /// A length of time within bounds, or its default.
    pub(super) fn duration(&self, key: &'static str, default: Duration, bounds: RangeInclusive<Duration>) -> Duration {
        let Some(value) = self.value(key) else { return default };
        let at = value.span().start;
        let short = duration::short(default);
        if let Some(integer) = value.get_ref().as_integer() {
            let what = format!("`{key}` lacks its unit: {integer}");
            self.problems.report(at, what, format!("write it like: {key} = \"{integer}s\" (or ms, m, h)"));
            return default;
        }
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(key, value, "a length of time", &format!("{short:?}"));
            return default;
        };
        match duration::parse(text) {
            Some(duration) if bounds.contains(&duration) => duration,
            Some(_) => {
                let allowed = format!(
                    "allowed: {} to {}; the default is {short}",
                    duration::short(*bounds.start()),
                    duration::short(*bounds.end())
                );
                self.problems.report(at, format!("`{key}` is out of range: {text:?}"), allowed);
                default
            }
            None => {
                let what = format!("`{key}` is not a length of time: {text:?}");
                self.problems.report(at, what, "write it like: \"90s\", \"25m\" or \"1h30m\"");
                default
            }
        }
    }

    /// A section or inline table that is there at most once.
    pub(super) fn table(&self, key: &'static str, schema: &'static Schema) -> Option<Section<'a>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Section::open(schema, table, value.span().start, self.problems)),
            DeValue::Array(_) if schema.heading.starts_with('[') => {
                let heading = schema.heading;
                let what = format!("there is only one {heading}");
                self.problems.report(value.span().start, what, format!("write {heading} with single brackets, once"));
                None
            }
            _ => {
                self.wrong_type(key, value, "a table", &example_table(schema));
                None
            }
        }
    }

    /// The sections of a kind that may be there several times.
    pub(super) fn tables(&self, key: &'static str, schema: &'static Schema) -> Vec<Section<'a>> {
        debug_assert!(schema.repeats());
        let Some(value) = self.value(key) else { return Vec::new() };
        let items = match value.get_ref() {
            DeValue::Array(items) => &**items,
            DeValue::Table(_) => {
                let what = format!("`[{key}]` is written with single brackets");
                self.problems.report(value.span().start, what, format!("write [[{key}]]: there may be several"));
                // Read all the same, so that what else is wrong in it shows too.
                std::slice::from_ref(value)
            }
            _ => {
                self.wrong_type(key, value, "a section", &example_table(schema));
                &[]
            }
        };
        let tables = items.iter().filter_map(|item| match item.get_ref().as_table() {
            Some(table) => Some(Section::open(schema, table, item.span().start, self.problems)),
            None => {
                self.wrong_type(key, item, "a section", &example_table(schema));
                None
            }
        });
        tables.collect()
    }
}

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

fn example_table(schema: &Schema) -> String {
    let mut example = String::from("{ ");
    for key in schema.keys.iter().take(2) {
        let _ = write!(example, "{key} = …, ");
    }
    example + "… }"
}
