//! Names that may be given once.

use std::collections::HashMap;

use super::problem::Problems;

/// Remembers where each name of a kind was first given.
pub(super) struct Unique {
    kind: &'static str,
    taken: HashMap<String, usize>,
}

impl Unique {
    pub(super) fn new(kind: &'static str) -> Self {
        Self { kind, taken: HashMap::new() }
    }

    /// Whether the name was free; if not, reports both places.
    pub(super) fn take(&mut self, name: &str, at: usize, problems: &Problems<'_>) -> bool {
        if let Some(first) = self.taken.get(name) {
            let (kind, line) = (self.kind, problems.line(*first));
            let advice = format!("it is on line {line} already: change or drop one of them");
            problems.report(at, format!("{kind} {name:?} is given twice"), advice);
            return false;
        }
        self.taken.insert(name.to_owned(), at);
        true
    }
}
