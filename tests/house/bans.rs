//! Paths that a room must not know.

use crate::source::{files, paths, within};

const DOMAIN: &str = "src/domain";
const ENGINE: &str = "src/engine";
/// The rooms that talk to the outside, each to one thing.
const ADAPTERS: [&str; 7] = ["matrix", "ssh", "local", "ledger", "console", "http", "heartbeat"];
/// What nothing but the composition root may know.
const OUTERMOST: [&str; 5] = ["crate::app", "crate::cli", "crate::config", "crate::lifecycle", "crate::logging"];

/// The machines of the dispatcher.
const MACHINES: [&str; 7] = ["intake", "queries", "operations", "watcher", "incidents", "dashboard", "notifier"];

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

    for machine in MACHINES {
        let path = format!("crate::engine::{machine}");
        for other in MACHINES.into_iter().filter(|other| *other != machine) {
            let room = format!("src/engine/{other}");
            let file = format!("{room}/mod.rs");
            let reason = "a machine reaches into no other: it signals, and the dispatcher carries the signal on";
            let violation = format!("use super::{machine}::Thing;");
            bans.push(ban(&path, move |file| within(file, &room), reason, (&file, &violation)));
        }
    }

    let root = |file: &str| file.starts_with("src/") && !["src/main", "src/app"].iter().any(|own| within(file, own));
    let reason = "anyhow is for main and app: everywhere else the caller has to tell errors apart";
    bans.push(ban("anyhow", root, reason, ("src/ledger/store.rs", "fn open() -> anyhow::Result<()> { Ok(()) }")));
    bans
}

fn broken_bans(file: &str, source: &str, bans: &[Ban]) -> Vec<String> {
    let paths = paths(file, source);
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
