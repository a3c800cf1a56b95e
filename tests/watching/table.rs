//! The table in `docs/watching.md`: read, compared and written row by row, so
//! that each test stands for its own.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

use regex::Regex;

use super::said::Said;

/// Everything that happens, in the order of the table, by the stories that play it.
const ROWS: [(&str, &[&str]); 2] = [
    (
        "e2e",
        &[
            "fresh install: one runs, one is stopped, one was never deployed",
            "fresh install next to a crash loop",
            "`docker stop`",
            "`!stop`",
            "`docker restart`",
            "`!restart`",
            "`docker kill`",
            "its process is killed, and its policy starts it again",
            "its process is killed, and nothing starts it again",
            "its container is removed",
            "the image of its container is removed",
            "out of memory",
            "a process beside its first runs out of memory",
            "its health check fails and recovers",
            "it crashes every second",
            "it crashes every 12 s",
            "it crashes every 70 s",
            "`!update`",
            "`!update` to a version that dies, which is taken back",
            "`docker compose up -d --build`",
            "`docker compose up -d --build` of a version that dies",
            "its host cannot be reached for a while",
            "the engine restarts",
            "the engine restarts, and containers go on without it",
            "the engine is away for a while",
            "its host reboots",
            "fifty containers of a host die at once",
            "of a project: a container dies, and nothing starts it again",
            "of a project: `docker compose stop`",
            "of a project: `docker compose down`",
            "of a project: `docker compose restart`",
            "of a project: `docker compose up --scale` with fewer",
            "of a project: its set-up runs again, and ends well",
            "of a project: `!restart`",
            "of a project: `!stop` of one container",
        ],
    ),
    (
        "runtimes",
        &[
            "of a unit: `systemctl stop`",
            "of a unit: `systemctl stop`, and it ends with a status of its own",
            "of a unit: `systemctl stop`, and it is killed because it does not end",
            "of a unit: `!stop`",
            "of a unit: `systemctl restart`",
            "of a unit: `!restart`",
            "of a unit: `systemctl reload`",
            "of a unit: `systemctl daemon-reload`",
            "of a unit: `systemctl disable`",
            "of a unit: its file is removed while it runs",
            "of a unit: its process is killed, and systemd starts it again",
            "of a unit: its process is killed, and nothing starts it again",
            "of a unit: its process crashes, and nothing starts it again",
            "of a unit: `systemctl restart`, which fails",
            "of a unit: it is stopped, and its file is removed",
            "of a unit: it ends with status 0, and nothing starts it again",
            "of a unit: it dies again and again",
            "of a unit: it dies again and again, until systemd gives it up",
            "of a unit: it gives no sign of life to its watchdog",
            "of a unit: its start takes too long",
            "of a unit: its host reboots",
            "of a unit that is not enabled: its host reboots",
            "of a unit of a login: `systemctl --user restart`",
            "of a unit of a login: its process is killed, and nothing starts it again",
            "of a unit of a login: it ends with status 0, and nothing starts it again",
            "of a unit that does one thing: a run ends well",
            "of a unit that does one thing: a run fails, and the next one ends well",
            "of a timer: a run ends well",
            "of a timer: a run fails, and the next one ends well",
            "of a Podman container: `podman stop`",
            "of a Podman container: `!stop`",
            "of a Podman container: `podman restart`",
            "of a Podman container: `!restart`",
            "of a Podman container: `podman kill`",
            "of a Podman container: its process is killed, and its policy starts it again",
            "of a Podman container: its process is killed, and nothing starts it again",
            "of a Podman container: it is removed",
            "of a Podman container: it dies again and again",
            "of a Podman container: its health check fails and recovers",
            "of a Podman container: its host reboots, and podman-restart.service is enabled",
            "of a quadlet: `systemctl --user stop`",
            "of a quadlet: `!stop`",
            "of a quadlet: `systemctl --user restart`",
            "of a quadlet: `!restart`",
            "of a quadlet: `podman stop` of its container",
            "of a quadlet: `podman restart` of its container",
            "of a quadlet: its container is killed, and systemd starts it again",
            "of a quadlet: its container dies, and nothing starts it again",
            "of a quadlet: its container is removed",
            "of a quadlet: its container dies again and again",
            "of a quadlet: its host reboots",
            "of a service of a swarm: `docker service scale` to none",
            "of a service of a swarm: `!stop`",
            "of a service of a swarm: `docker service scale` to more",
            "of a service of a swarm: `!scale`",
            "of a service of a swarm: `docker service update --force`",
            "of a service of a swarm: `!restart`",
            "of a service of a swarm: a task is killed, and the engine starts another",
            "of a service of a swarm: a task is killed, and the engine starts no other",
            "of a service of a swarm: `docker service update` to a version that dies",
            "of a service of a swarm: it is removed",
            "of a service of a swarm: there is no node for it any more",
        ],
    ),
];

const HEAD: &str = "| what happens | what the room reads, in order | 🔔 |";
const RULE: &str = "|---|---|---|";

/// Two tests at a time would write over each other.
static FILE: Mutex<()> = Mutex::new(());

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/watching.md")
}

fn hold() -> MutexGuard<'static, ()> {
    FILE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The rows that the stories of this binary play.
fn own_rows() -> &'static [&'static str] {
    let own =
        |(stories, rows): &(&str, &'static [&'static str])| (*stories == env!("CARGO_CRATE_NAME")).then_some(*rows);
    ROWS.iter().find_map(own).expect("ROWS knows them")
}

fn all_rows() -> impl Iterator<Item = &'static str> {
    ROWS.iter().flat_map(|(_, rows)| rows.iter().copied())
}

/// Compares a row with the one in the docs, or writes it there.
#[track_caller]
pub(super) fn is_row(name: &str, said: &[Said]) {
    assert!(own_rows().contains(&name), "ROWS in {} does not know {name:?} of these stories", file!());
    let row = row(name, said);
    let _held = hold();
    let text = fs::read_to_string(path()).expect("docs/watching.md");
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path(), with(&text, name, &row)).expect("docs/watching.md can be written");
        return;
    }
    let written = text.lines().find(|line| is_of(line, name)).unwrap_or("(nothing)");
    assert!(
        written == row,
        "docs/watching.md is not what happens (UPDATE_DOCS=1 writes it anew).\nwritten:  {written}\nhappened: {row}"
    );
}

fn is_of(line: &str, name: &str) -> bool {
    line.strip_prefix("| ").and_then(|rest| rest.strip_prefix(name)).is_some_and(|rest| rest.starts_with(" | "))
}

/// The text with this row, all rows in their order, and none that nothing plays.
fn with(text: &str, name: &str, row: &str) -> String {
    let (before, table) = text.split_once(RULE).expect("a table in docs/watching.md");
    let after = table.lines().skip(1).skip_while(|line| line.starts_with('|'));
    let known = |of: &str| {
        let kept = table.lines().find(|line| is_of(line, of)).map(str::to_owned);
        if of == name { Some(row.to_owned()) } else { kept }
    };
    let lines = all_rows().filter_map(known).chain(after.map(str::to_owned));
    format!("{before}{RULE}\n{}\n", lines.collect::<Vec<_>>().join("\n"))
}

fn row(name: &str, said: &[Said]) -> String {
    let pushes: usize = said.iter().map(|said| said.pushes).sum();
    let told: Vec<String> = said.iter().map(cell).collect();
    let told = if told.is_empty() { "nothing".to_owned() } else { told.join("<br>") };
    format!("| {name} | {told} | {pushes} |")
}

fn cell(said: &Said) -> String {
    let mut heads: Vec<String> = said.heads.iter().map(|head| plain(head)).collect();
    heads.dedup();
    let [first, .., last] = &heads[..] else {
        return format!("{}{}{}", said.bell(), said.arrow(), heads.concat());
    };
    // What a change shows on its way depends on how fast it is.
    if said.answer {
        return format!("{}{}{last}", said.bell(), said.arrow());
    }
    format!("{}{first} → {last}", said.bell())
}

/// The sentence without what is different each time.
fn plain(head: &str) -> String {
    static VARIES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        [
            (r"(unreachable|does not answer) — .*", "$1 — (why)"),
            (r"\d\d:\d\d:\d\d( UTC)?", "⏱"),
            (r"\d+(\.\d+)? (s|min|h|d)\b( \d+ s\b)?", "⏱"),
            (r"\b[0-9a-f]{7,40}\b", "1a2b3c4"),
            (r"\d+×", "n×"),
            // Whether two are over by the same look is chance.
            (r" and \d+ other members?\b", ""),
            (r"\b\d+ (services|in trouble)\b", "n $1"),
            (r"\|", r"\|"),
        ]
        .map(|(pattern, instead)| (Regex::new(pattern).expect("a pattern"), instead))
        .into()
    });
    VARIES.iter().fold(head.to_owned(), |text, (pattern, instead)| pattern.replace_all(&text, *instead).into_owned())
}

#[test]
fn the_table_has_a_row_for_everything_that_is_played_and_no_other() {
    let _held = hold();
    let text = fs::read_to_string(path()).expect("docs/watching.md");
    let (_, table) = text.split_once(&format!("{HEAD}\n{RULE}\n")).expect("the table");
    let rows: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
    let known: Vec<&str> = all_rows().collect();
    assert_eq!(rows.len(), known.len(), "{rows:#?}");
    for (line, name) in rows.iter().zip(known) {
        assert!(is_of(line, name), "{name:?} is not {line:?}");
    }
}

/// A row that no story names any more is not compared with anything.
#[test]
fn each_row_is_played_by_one_story_and_where_the_table_says() {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let told: Vec<(&str, String)> = ROWS
        .iter()
        .map(|(stories, _)| (*stories, source(&crate_dir.join("tests").join(stories).join("chaos"))))
        .collect();
    for (stories, rows) in ROWS {
        for row in rows {
            let quoted = format!("{row:?}");
            let played: Vec<&str> =
                told.iter().flat_map(|(by, text)| text.matches(&quoted).map(move |_| *by)).collect();
            assert_eq!(played, [stories], "who plays {row:?}");
        }
    }
}

/// All of a folder of stories.
fn source(dir: &Path) -> String {
    let files = fs::read_dir(dir).expect("stories").map(|file| file.expect("a file").path());
    files.map(|file| fs::read_to_string(file).expect("a story")).collect()
}

#[test]
fn what_is_different_each_time_is_left_out() {
    for (said, written) in [
        (
            "✅ bridge recovered — well for 3 s; the trouble lasted 4 min",
            "✅ bridge recovered — well for ⏱; the trouble lasted ⏱",
        ),
        ("🔴 bridge crash loop on spark-1 — exit 7, 12× in 40 s", "🔴 bridge crash loop on spark-1 — exit 7, n× in ⏱"),
        ("✅ bridge updated 0123abc → 89abcde in 1.5 s | 4 min 10 s", r"✅ bridge updated 1a2b3c4 → 1a2b3c4 in ⏱ \| ⏱"),
        ("🔴 49 in trouble at once on spark-1", "🔴 n in trouble at once on spark-1"),
        ("🔴 spark-1 unreachable — no answer within 10 s", "🔴 spark-1 unreachable — (why)"),
    ] {
        assert_eq!(plain(said), written);
    }
}
