//! Text that does not belong in a file.

use std::sync::LazyLock;

use regex::Regex;

use crate::source::{files, regex};

/// Text that must not be in a file.
struct Word {
    pattern: &'static str,
    reason: &'static str,
    violations: &'static [&'static str],
    fine: &'static [&'static str],
}

const WORDS: &[Word] = &[
    Word {
        pattern: r"\b(todo|unimplemented|dbg)!",
        reason: "unfinished work is not merged: leave the feature out",
        violations: &["todo!()", "unimplemented!(\"later\")", "dbg!(x);"],
        fine: &["the todo list"],
    },
    Word {
        pattern: r"\b(FIXME|TODO|XXX)\b",
        reason: "a note to oneself is lost in the code: do it, or open an issue",
        violations: &["// FIXME: slow", "// TODO", "# XXX"],
        fine: &["mktemp /tmp/job.XXXXXX"],
    },
    Word {
        pattern: r"#\[ignore|#\[cfg_attr\([^)]*\bignore",
        reason: "a test that is not run proves nothing",
        violations: &["#[ignore]", "#[ignore = \"slow\"]", "#[cfg_attr(ci, ignore)]"],
        fine: &["// files that git ignores"],
    },
    Word {
        pattern: r"/root/|/home/(?:[a-z_][a-z0-9_-]*)/|/Users/|/work/(?:main|shared|wt-)",
        reason: "a path of somebody's machine: use a temporary directory, /srv, or /home/<user>",
        violations: &["/root/.ssh/id", "/home/carol/src/opsroom", "/Users/dave/x", "/work/main/src"],
        fine: &["/home/<user>/matrix-bridge", "/srv/app", "/var/lib/opsroom"],
    },
];

fn broken_words(file: &str, text: &str) -> Vec<String> {
    static PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| WORDS.iter().map(|word| regex(word.pattern)).collect());
    let mut broken = Vec::new();
    for (Word { reason, .. }, regex) in WORDS.iter().zip(PATTERNS.iter()) {
        for (index, line) in text.lines().enumerate() {
            if let Some(found) = regex.find(line) {
                broken.push(format!("{file}:{}: `{}`: {reason}", index + 1, found.as_str()));
            }
        }
    }
    broken
}

#[test]
fn no_file_holds_what_does_not_belong_in_it() {
    let everywhere = ["src", "tests", "benches", "examples", "docker", "docs", "lab", "scripts", "."];
    let kinds = ["rs", "md", "toml", "sh", "py", "yml", "yaml", "service", "Dockerfile"];
    let broken: Vec<_> = files(&everywhere, &kinds)
        .iter()
        // This file has to name what it looks for.
        .filter(|(file, _)| file != "tests/house/words.rs")
        .flat_map(|(file, text)| broken_words(file, text))
        .collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_word_can_be_found() {
    for word in WORDS {
        for violation in word.violations {
            assert_eq!(broken_words("x.rs", violation).len(), 1, "{violation}");
        }
        for fine in word.fine {
            assert_eq!(broken_words("x.rs", fine), [""; 0], "{fine}");
        }
    }
}
