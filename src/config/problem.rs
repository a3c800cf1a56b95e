//! What is wrong with a config, and where. Problems are collected, not thrown:
//! somebody who repairs a config by hand wants to see all of them at once.

use std::{cell::RefCell, fmt, path::PathBuf};

use crate::domain::names::BadName;

/// A config that cannot be used. Its text lists every problem, one below the
/// other, each with its place and the next step. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The file as it was named.
    pub file: PathBuf,
    /// In the order of the file. Never empty.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where in the file; `None` when the file itself could not be read.
    pub place: Option<Place>,
    /// What is wrong, naming the key or the value.
    pub what: String,
    /// What to do about it; a few lines at most.
    pub advice: String,
}

/// A place in a text file, both counted from 1; columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => write!(f, "config invalid: 1 problem")?,
            count => write!(f, "config invalid: {count} problems")?,
        }
        for Problem { place, what, advice } in &self.problems {
            write!(f, "\n{}", self.file.display())?;
            if let Some(Place { line, column }) = place {
                write!(f, ":{line}:{column}")?;
            }
            write!(f, ": {what}")?;
            for line in advice.lines() {
                write!(f, "\n    {line}")?;
            }
        }
        Ok(())
    }
}

/// A value and where in the text it stands (a byte offset).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) at: usize,
}

/// Collects problems while a text is read.
pub(super) struct Problems<'a> {
    text: &'a str,
    found: RefCell<Vec<(usize, String, String)>>,
}

impl<'a> Problems<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, found: RefCell::default() }
    }

    /// Notes a problem at a byte offset. `advice` may be empty.
    pub(super) fn report(&self, at: usize, what: impl Into<String>, advice: impl Into<String>) {
        self.found.borrow_mut().push((at, what.into(), advice.into()));
    }

    /// Notes that a key's value is not a name of its kind.
    pub(super) fn report_name(&self, at: usize, key: &str, bad: BadName) {
        let BadName { kind, given, rule } = bad;
        self.report(at, format!("`{key}` is not a valid {kind}: {given:?}"), rule);
    }

    /// The line of a byte offset, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.place(at).line
    }

    fn place(&self, at: usize) -> Place {
        let before = &self.text[..self.text.floor_char_boundary(at)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }

    /// All problems in the order of the file.
    pub(super) fn into_sorted(self) -> Vec<Problem> {
        let mut found = self.found.take();
        found.sort_by_key(|(at, _, _)| *at);
        found.into_iter().map(|(at, what, advice)| Problem { place: Some(self.place(at)), what, advice }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let text = "a = 1\nü = \"ß\" x\n";
        let problems = Problems::new(text);
        assert_eq!(problems.place(0), Place { line: 1, column: 1 });
        assert_eq!(problems.place(text.find('x').unwrap()), Place { line: 2, column: 9 });
        assert_eq!(problems.place(text.len() + 9), Place { line: 3, column: 1 }, "past the end is the end");
    }
}
