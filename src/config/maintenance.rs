//! `[[maintenance]]`: times in which troubles notify nobody.

use jiff::{civil, tz::TimeZone};

use super::{problem::At, section::Section};
use crate::domain::{maintenance::Window, selector::Selector};

const DAYS: [(&str, civil::Weekday); 7] = [
    ("mon", civil::Weekday::Monday),
    ("tue", civil::Weekday::Tuesday),
    ("wed", civil::Weekday::Wednesday),
    ("thu", civil::Weekday::Thursday),
    ("fri", civil::Weekday::Friday),
    ("sat", civil::Weekday::Saturday),
    ("sun", civil::Weekday::Sunday),
];

/// `None` only when a problem was reported.
pub(super) fn read(section: &Section<'_>) -> Option<Window> {
    let selector = section.required("services", "a selector, like \"@db\" or \"all\"")?;
    if Selector::parse(selector.value).is_err() {
        let what = format!("`services` is no selector: {:?}", selector.value);
        section.problems.report(selector.at, what, "use a name, a glob, \"host:\", \"@tag\" or \"all\"");
        return None;
    }
    let from = time(section, "from")?;
    let to = time(section, "to")?;
    let zone = match section.text("timezone") {
        None => TimeZone::UTC,
        Some(At { value, at }) => match TimeZone::get(value) {
            Ok(zone) => zone,
            Err(_) => {
                let what = format!("`timezone` is unknown: {value:?}");
                section.problems.report(at, what, "use a name like \"Europe/Berlin\" or \"UTC\"");
                return None;
            }
        },
    };
    let mut days = Vec::new();
    for At { value, at } in section.texts("days") {
        match DAYS.iter().find(|(name, _)| *name == value) {
            Some((_, day)) => days.push(*day),
            None => {
                let what = format!("`days` has no such day: {value:?}");
                section.problems.report(at, what, "use \"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"");
            }
        }
    }
    if section.place("days").is_none() {
        days = DAYS.iter().map(|(_, day)| *day).collect();
    }
    Some(Window { selector: selector.value.to_owned(), days, from, to, zone })
}

fn time(section: &Section<'_>, key: &'static str) -> Option<civil::Time> {
    let At { value, at } = section.required(key, "a time of day, like \"03:00\"")?;
    match civil::Time::strptime("%H:%M", value) {
        Ok(time) => Some(time),
        Err(_) => {
            section.problems.report(at, format!("`{key}` is no time of day: {value:?}"), "write it like \"03:00\"");
            None
        }
    }
}
