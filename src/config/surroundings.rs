//! What a config refers to outside itself: files, and variables of the
//! environment. Given from outside, so that a test needs neither.

use std::path::{Path, PathBuf};

use super::{
    problem::At,
    secret::{self, Secret},
    section::Section,
};

/// How far a check goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The text alone, as for a config that is meant for another machine.
    Text,
    /// Also the files and variables that it names.
    Files,
}

/// The outside of a config.
pub struct Surroundings<'a> {
    /// Relative paths in the config begin here: the directory it is in.
    pub base: &'a Path,
    /// Looks up an environment variable.
    pub variables: &'a dyn Fn(&str) -> Option<String>,
    /// Whether files and variables are looked at.
    pub depth: Depth,
}

impl Surroundings<'_> {
    /// A path from the config.
    pub(super) fn path(&self, section: &Section<'_>, key: &'static str) -> Option<At<PathBuf>> {
        let text = section.text(key)?;
        if text.value.starts_with('~') || text.value.contains('$') {
            let what = format!("`{key}` is not expanded by a shell: {:?}", text.value);
            section.problems.report(text.at, what, "write the path out, without `~` and `$`");
            return None;
        }
        Some(At { value: self.base.join(text.value), at: text.at })
    }

    /// A path to a file that must be there and be nobody else's to read.
    pub(super) fn private_file(&self, section: &Section<'_>, key: &'static str) -> Option<At<PathBuf>> {
        let path = self.path(section, key)?;
        if self.depth == Depth::Files
            && let Err(error) = secret::check_private(&path.value)
        {
            section.problems.report(path.at, format!("`{key}` cannot be used"), error.to_string());
        }
        Some(path)
    }

    /// A secret, given by one of two keys: its file or its variable.
    pub(super) fn secret(
        &self,
        section: &Section<'_>,
        file_key: &'static str,
        variable_key: &'static str,
    ) -> Option<At<Secret>> {
        let file = self.path(section, file_key).map(|path| (file_key, path.at, Secret::File(path.value)));
        let variable = variable(section, variable_key);
        let variable = variable.map(|name| (variable_key, name.at, Secret::Variable(name.value.to_owned())));
        if let (Some(_), Some((_, at, _))) = (&file, &variable) {
            let what = format!("both `{file_key}` and `{variable_key}` are given");
            section.problems.report(*at, what, "keep one of them");
        }
        let (key, at, secret) = file.or(variable)?;
        if self.depth == Depth::Files
            && let Err(error) = secret.check(self.variables)
        {
            section.problems.report(at, format!("`{key}` cannot be used"), error.to_string());
        }
        Some(At { value: secret, at })
    }
}

/// The name of a variable. Anything else is not shown: it may be the secret.
fn variable<'a>(section: &Section<'a>, key: &'static str) -> Option<At<&'a str>> {
    let name = section.text(key)?;
    let is_name = name.value.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.value.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    if !is_name {
        let advice = "give a name in capitals, like OPSROOM_PASSWORD; the secret itself is the variable's value";
        section.problems.report(name.at, format!("`{key}` is not the name of a variable"), advice);
        return None;
    }
    Some(name)
}
