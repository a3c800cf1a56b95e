//! Patterns of names, as the config has them.

use globset::{Glob, GlobMatcher};

/// A glob on a name: `*` is any characters, `?` one, `[ab]` one of these.
#[derive(Debug, Clone)]
pub struct Pattern {
    written: String,
    matcher: GlobMatcher,
}

impl Pattern {
    /// Reads one. What it may hold is an allow-list: it is put into commands.
    pub fn parse(written: &str) -> Option<Self> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._@:-*?[]".contains(c);
        let is_fine = !written.starts_with('-') && written.len() <= 255 && written.chars().all(allowed);
        let glob = Glob::new(written).ok().filter(|_| is_fine && !written.is_empty())?;
        Some(Self { written: written.to_owned(), matcher: glob.compile_matcher() })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Whether a name is one of those it stands for.
    pub fn is_match(&self, name: &str) -> bool {
        self.matcher.is_match(name)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Pattern {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_names_and_can_be_no_option_and_no_syntax() {
        let web = Pattern::parse("web-*").unwrap();
        assert!(web.is_match("web-1") && web.is_match("web-") && !web.is_match("my-web-1"));
        assert!(Pattern::parse("app@*.service").unwrap().is_match("app@1.service"));
        for bad in ["", "-a", "a b", "a;b", "$(id)", "a\nb", "{a,b}", "a/b", "[a"] {
            assert!(Pattern::parse(bad).is_none(), "{bad:?}");
        }
    }
}
