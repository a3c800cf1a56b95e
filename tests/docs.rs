//! What the documents say of the program and of each other, as far as a test can
//! know it: commands, roles, links and lines of the log.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its documents has failed")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use opsroom::domain::command::{Spec, TABLE};
use regex::Regex;

const README: &str = include_str!("../README.md");
const COMMANDS: &str = include_str!("../docs/commands.md");
const OPERATIONS: &str = include_str!("../docs/operations.md");

fn usage(spec: &Spec) -> String {
    format!("`!{}`", format!("{} {}", spec.name, spec.arguments).trim_end())
}

/// The cells of each row of the table with this head.
fn rows<'a>(text: &'a str, head: &str) -> Vec<Vec<&'a str>> {
    let (_, table) = text.split_once(head).expect("the document has this table");
    let lines = table.lines().skip_while(|line| !line.starts_with("|-"));
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

#[test]
fn the_readme_lists_each_command_with_its_arguments_and_its_role() {
    let listed: BTreeSet<(String, String)> = rows(README, "| command | who | what |")
        .into_iter()
        .map(|cells| (cells[0].to_owned(), cells[1].to_owned()))
        .collect();
    let known = TABLE.iter().map(|spec| (usage(spec), spec.needs.name().to_owned())).collect();
    assert_eq!(listed, known);
}

#[test]
fn the_reference_has_a_heading_for_each_command() {
    for spec in TABLE {
        let heading = COMMANDS.lines().find(|line| line.starts_with("### ") && line.contains(&usage(spec)));
        let role = format!("· {}", spec.needs.name());
        assert!(heading.is_some_and(|line| line.ends_with(&role)), "no heading with {} {role}", usage(spec));
    }
}

#[test]
fn the_reference_lists_each_other_name_of_a_command() {
    static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new("`!([^`]+)`").unwrap());
    let names = |cell: &str| NAME.captures_iter(cell).map(|found| found[1].to_owned()).collect::<BTreeSet<_>>();
    let listed: BTreeSet<String> =
        rows(COMMANDS, "| command | also |").iter().flat_map(|cells| names(cells[1])).collect();
    let known = TABLE.iter().flat_map(|spec| spec.aliases).map(|alias| (*alias).to_owned()).collect();
    assert_eq!(listed, known);
}

#[test]
fn the_lines_of_the_log_to_watch_for_are_logged() {
    let source: String = sources(Path::new("src")).iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let lines = rows(OPERATIONS, "| line | means |");
    assert!(!lines.is_empty());
    for cells in lines {
        assert!(source.contains(cells[0].trim_matches('`')), "nothing logs {}", cells[0]);
    }
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    found.filter(|path| path.extension().is_some_and(|kind| kind == "rs")).collect()
}

// ---------------------------------------------------------------- links

fn documents() -> Vec<PathBuf> {
    let folders = [".", "docs", "docker", "benches"];
    let files = folders.into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let files = files.map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|kind| kind == "md")).collect()
}

/// The part of a heading's address behind `#`, as forges make it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn broken_links(document: &Path, text: &str) -> Vec<String> {
    static LINK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\]\(([^)\s]+)\)").unwrap());
    let mut broken = Vec::new();
    for link in LINK.captures_iter(text).map(|found| found[1].to_owned()) {
        if link.contains("://") {
            continue;
        }
        let (file, section) = link.split_once('#').unwrap_or((&link, ""));
        let target = if file.is_empty() { document.to_owned() } else { document.parent().unwrap().join(file) };
        let there = match fs::read_to_string(&target) {
            Ok(text) if !section.is_empty() => {
                let headings = text.lines().filter(|line| line.starts_with('#'));
                headings.map(|line| anchor(line.trim_start_matches('#'))).any(|known| known == section)
            }
            Ok(_) => true,
            Err(_) => target.exists() && section.is_empty(),
        };
        if !there {
            broken.push(format!("{}: {link}", document.display()));
        }
    }
    broken
}

#[test]
fn links_between_the_documents_lead_somewhere() {
    let documents = documents();
    assert!(documents.iter().any(|path| path.ends_with("docs/install.md")), "{documents:?}");
    let broken: Vec<String> =
        documents.iter().flat_map(|path| broken_links(path, &fs::read_to_string(path).unwrap())).collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let readme = Path::new("./README.md");
    let fine = "[a](docs/hosts.md) [b](docs/hosts.md#check-it-opsroom-doctor) [c](#install) [d](https://example.org/x)";
    assert_eq!(broken_links(readme, fine), [""; 0]);
    let wrong = "[a](docs/nowhere.md) [b](docs/hosts.md#nowhere) [c](#nowhere)";
    assert_eq!(broken_links(readme, wrong).len(), 3);
}
