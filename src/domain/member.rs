//! Members of a project: its containers, each by the part it plays there.

use serde::{Deserialize, Serialize};

use super::names::MemberName;

/// One container of a project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Member {
    /// The service that the project's file describes.
    pub part: MemberName,
    /// Which of that service's containers it is, from 1 on.
    pub number: u32,
}

impl Member {
    /// What it is called among the others: "db", or "web-2" where there are
    /// several of its kind.
    pub fn shown<'a>(&self, others: impl IntoIterator<Item = &'a Self>) -> String {
        let alone = self.number == 1 && !others.into_iter().any(|other| other.part == self.part && other != self);
        if alone { self.part.to_string() } else { format!("{}-{}", self.part, self.number) }
    }

    /// Whether a person means it by this name: all of its kind, or this one.
    pub fn is_called(&self, written: &str) -> bool {
        self.named(written).is_some()
    }

    /// The same name as it is written where the project is.
    pub fn named(&self, written: &str) -> Option<String> {
        let names = [self.part.to_string(), format!("{}-{}", self.part, self.number)];
        names.into_iter().find(|name| written.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(part: &str, number: u32) -> Member {
        Member { part: MemberName::parse(part).unwrap(), number }
    }

    #[test]
    fn a_number_is_shown_only_where_there_are_several() {
        let (db, web) = (member("db", 1), [member("web", 1), member("web", 2)]);
        let all = [&db, &web[0], &web[1]];
        let shown: Vec<String> = all.iter().map(|one| one.shown(all.iter().copied())).collect();
        assert_eq!(shown, ["db", "web-1", "web-2"]);
        assert_eq!(web[1].shown([&db, &web[1]]), "web-2", "its number is what the engine calls it by");
        assert!(web[1].is_called("web") && web[1].is_called("WEB-2") && !web[1].is_called("web-1"));
    }
}
