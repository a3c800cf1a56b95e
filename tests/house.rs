//! What the house keeps out, and why. Rules that a compiler does not know are
//! checked here on the source text, and each one shows that it can fail.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use regex::Regex;

const DOMAIN: &str = "src/domain";
const ENGINE: &str = "src/engine";
/// The rooms that talk to the outside, each to one thing.
const ADAPTERS: [&str; 7] = ["matrix", "ssh", "local", "ledger", "console", "http", "heartbeat"];
/// What nothing but the composition root may know.
const OUTERMOST: [&str; 5] = ["crate::app", "crate::cli", "crate::config", "crate::lifecycle", "crate::logging"];

// ---------------------------------------------------------------- paths

/// A path that a room must not know.
struct Ban {
    /// What the path begins with.
    path: String,
    /// The files for which it holds.
    holds: Box<dyn Fn(&str) -> bool>,
    /// Said when it is broken.
    reason: String,
    /// A file and a line that break it.
    violation: (String, String),
}

fn ban(path: &str, holds: impl Fn(&str) -> bool + 'static, reason: &str, violation: (&str, &str)) -> Ban {
    let violation = (violation.0.to_owned(), violation.1.to_owned());
    Ban { path: path.to_owned(), holds: Box::new(holds), reason: reason.to_owned(), violation }
}

/// `src/engine.rs` and what is below `src/engine/`.
fn within(file: &str, room: &str) -> bool {
    file.strip_prefix(room).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn bans() -> Vec<Ban> {
    let mut bans = Vec::new();

    let impure = [
        ("tokio", "use tokio::sync::mpsc;"),
        ("tokio_util", "use tokio_util::sync::CancellationToken;"),
        ("std::fs", "use std::{fmt, fs};"),
        ("std::net", "let address: std::net::IpAddr;"),
        ("std::process", "use std::process::Command;"),
        ("std::env", "let home = std::env::var(\"HOME\");"),
        ("std::thread", "use std::thread;"),
        ("rand", "let n: u8 = rand::random();"),
        ("SystemTime::now", "let now = SystemTime::now();"),
        ("std::time::SystemTime::now", "let now = std::time::SystemTime::now();"),
        ("Instant::now", "let now = Instant::now();"),
        ("std::time::Instant::now", "let now = std::time::Instant::now();"),
        ("Timestamp::now", "let now = Timestamp::now();"),
        ("jiff::Timestamp::now", "let now = jiff::Timestamp::now();"),
        ("jiff::Zoned::now", "let now = jiff::Zoned::now();"),
        ("crate::ports", "use crate::ports::Chat;"),
        ("crate::engine", "use crate::{domain::names::HostName, engine::Dispatcher};"),
        ("crate::health", "use crate::health;"),
    ];
    for (path, violation) in impure {
        let reason = "src/domain is pure: no runtime, no I/O, no clock, no luck, nothing further out";
        bans.push(ban(path, |file| within(file, DOMAIN), reason, ("src/domain/detector.rs", violation)));
    }

    let owners = [
        ("matrix_sdk", "matrix", "use matrix_sdk::{Client, Room};"),
        ("matrix_sdk_base", "matrix", "use matrix_sdk_base::crypto::CollectStrategy;"),
        ("ruma", "matrix", "let id: ruma::OwnedRoomId;"),
        ("russh", "ssh", "use russh::client as ssh_client;"),
        ("rusqlite", "ledger", "use rusqlite::Connection;"),
        ("reqwest", "heartbeat", "use reqwest::Client;"),
    ];
    for (path, owner, violation) in owners {
        let room = format!("src/{owner}");
        let reason = format!("only {room} knows {path}: what it is can change without the rest of the house");
        bans.push(ban(path, move |file| !within(file, &room), &reason, ("src/engine/worker.rs", violation)));
    }

    for adapter in ADAPTERS {
        let path = format!("crate::{adapter}");
        let violation = format!("use crate::{{ports::Chat, {adapter}::Door}};");
        let reason = "the engine knows ports, not who stands behind them";
        bans.push(ban(&path, |file| within(file, ENGINE), reason, ("src/engine/mod.rs", &violation)));
        let inward = |file: &str| within(file, DOMAIN) || file == "src/ports.rs";
        bans.push(ban(&path, inward, "dependencies point inward", ("src/ports.rs", &violation)));
        for other in ADAPTERS.into_iter().filter(|other| *other != adapter) {
            let room = format!("src/{other}");
            let file = format!("{room}/mod.rs");
            let reason = "adapters do not know each other";
            bans.push(ban(&path, move |file| within(file, &room), reason, (&file, &violation)));
        }
    }

    for path in OUTERMOST {
        let violation = format!("use {path}::Thing;");
        let inner = |file: &str| {
            [DOMAIN, ENGINE].iter().any(|room| within(file, room))
                || ADAPTERS.iter().any(|adapter| within(file, &format!("src/{adapter}")))
        };
        let reason = "the composition root knows the rooms, not the other way round: take plain values";
        bans.push(ban(path, inner, reason, ("src/ssh/session.rs", &violation)));
    }
    for adapter in ADAPTERS {
        let room = format!("src/{adapter}");
        let file = format!("{room}.rs");
        let reason = "adapters serve ports; the engine calls them, not they the engine";
        let inner = move |file: &str| within(file, &room);
        bans.push(ban("crate::engine", inner, reason, (&file, "use crate::engine::Dispatcher;")));
    }

    let root = |file: &str| file.starts_with("src/") && !["src/main", "src/app"].iter().any(|own| within(file, own));
    let reason = "anyhow is for main and app: everywhere else the caller has to tell errors apart";
    bans.push(ban("anyhow", root, reason, ("src/ledger/store.rs", "fn open() -> anyhow::Result<()> { Ok(()) }")));
    bans
}

/// Every path in the code of a file: written out where it is used, or put
/// together from the braces of a `use`. Comments and strings do not count, nor
/// do tests: those of the pure part may ask a real shell whether it agrees.
fn paths(source: &str) -> BTreeSet<String> {
    let source = source.split("#[cfg(test)]\nmod ").next().unwrap_or(source);
    // In one pass: a URL in a string is no comment, a quote in a comment no string.
    static UNREAD: LazyLock<Regex> =
        LazyLock::new(|| regex(r###"(?s)r##".*?"##|r#".*?"#|r"[^"]*"|"(?:[^"\\]|\\.)*"|'\\?"'|//[^\n]*"###));
    static USE: LazyLock<Regex> = LazyLock::new(|| regex(r"\buse\s+([^;]+);"));
    static RENAME: LazyLock<Regex> = LazyLock::new(|| regex(r"\s+as\s+\w+"));
    static PATH: LazyLock<Regex> = LazyLock::new(|| regex(r"\b\w+(?:::\w+)+"));
    let code = UNREAD.replace_all(source, "\"\"");
    let mut paths = BTreeSet::new();
    for tree in USE.captures_iter(&code) {
        let tree: String = RENAME.replace_all(&tree[1], "").split_whitespace().collect();
        unfold("", &tree, &mut paths);
    }
    paths.extend(PATH.find_iter(&code).map(|path| path.as_str().to_owned()));
    paths
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern")
}

/// `a::{b, c::{d}}` → `a::b`, `a::c::d`.
fn unfold(before: &str, tree: &str, paths: &mut BTreeSet<String>) {
    let Some((stem, group)) = tree.split_once('{') else {
        paths.insert(format!("{before}{tree}").trim_end_matches("::self").to_owned());
        return;
    };
    let group = group.strip_suffix('}').unwrap_or(group);
    let (mut depth, mut start) = (0, 0);
    for (index, sign) in group.char_indices().chain([(group.len(), ',')]) {
        match sign {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if start < index {
                    unfold(&format!("{before}{stem}"), &group[start..index], paths);
                }
                start = index + 1;
            }
            _ => {}
        }
    }
}

fn broken_bans(file: &str, source: &str, bans: &[Ban]) -> Vec<String> {
    let paths = paths(source);
    let mut broken = Vec::new();
    for ban in bans.iter().filter(|ban| (ban.holds)(file)) {
        let below = format!("{}::", ban.path);
        if let Some(path) = paths.iter().find(|path| **path == ban.path || path.starts_with(&below)) {
            broken.push(format!("{file}: `{path}`: {}", ban.reason));
        }
    }
    broken
}

#[test]
fn no_room_knows_what_it_must_not() {
    let bans = bans();
    let sources = files(&["src"], &["rs"]);
    let production = sources.iter().filter(|(file, _)| !file.ends_with("/tests.rs"));
    let broken: Vec<_> = production.flat_map(|(file, source)| broken_bans(file, source, &bans)).collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_ban_can_be_broken() {
    for ban in bans() {
        let (path, (file, line)) = (ban.path.clone(), ban.violation.clone());
        assert_eq!(broken_bans(&file, &line, &[ban]).len(), 1, "{path}: {line} in {file}");
    }
    let fine = "//! russh is not known here.\nuse crate::domain::{names, inventory::Host};\nlet log = \"russh::client\"; // std::fs\nuse std::{fmt, time::Instant};";
    assert_eq!(broken_bans("src/domain/mod.rs", fine, &bans()), [""; 0]);
    let hidden =
        "let a = \"https://x\"; let b = '\"'; // it's\nlet c = r#\"say \"hi\"\"#;\nuse std::fs;\nlet d = \"e\";";
    assert_eq!(broken_bans("src/domain/a.rs", hidden, &bans()).len(), 1, "quotes and URLs hide nothing");
    let tested = "struct A;\n#[cfg(test)]\nmod tests {\n    use std::process::Command;\n}\n";
    assert_eq!(broken_bans("src/domain/shell.rs", tested, &bans()), [""; 0], "tests may look outside");
    assert_eq!(broken_bans("src/ssh/mod.rs", "use russh::client;", &bans()), [""; 0]);
    assert_eq!(broken_bans("src/sshd.rs", "use russh::client;", &bans()).len(), 1, "a room ends with its name");
}

// ---------------------------------------------------------------- words

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
        .filter(|(file, _)| file != "tests/house.rs")
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

// ---------------------------------------------------------------- files

/// The texts below some directories, by their path from the top. "." is the
/// top itself, without what is below it.
fn files(directories: &[&str], kinds: &[&str]) -> Vec<(String, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for directory in directories {
        collect(top, &top.join(directory), *directory != ".", kinds, &mut found);
    }
    found
}

fn collect(top: &Path, directory: &Path, deep: bool, kinds: &[&str], found: &mut Vec<(String, String)>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let kind = path.extension().map_or(&*name, |extension| extension.to_str().unwrap_or_default());
        if path.is_dir() && deep && !name.starts_with('.') {
            collect(top, &path, deep, kinds, found);
        } else if path.is_file() && kinds.contains(&kind) {
            let text = fs::read_to_string(&path).expect("our own files are UTF-8 text");
            let file = path.strip_prefix(top).unwrap_or(&path).to_string_lossy().trim_start_matches("./").to_owned();
            found.push((file, text));
        }
    }
}

#[test]
fn the_files_are_found() {
    let files = files(&["src", "."], &["rs", "toml"]);
    for expected in ["src/lib.rs", "src/domain/names.rs", "Cargo.toml", "clippy.toml"] {
        assert!(files.iter().any(|(file, _)| file == expected), "{expected} is not among those that are checked");
    }
}
