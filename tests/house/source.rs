//! The house's source, as far as its rules look at it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use regex::Regex;

/// `src/engine.rs` and what is below `src/engine/`.
pub(crate) fn within(file: &str, room: &str) -> bool {
    file.strip_prefix(room).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// Every path in the code of a file: written out where it is used, or put
/// together from the braces of a `use`, from the top of the crate. Comments,
/// strings and tests do not count.
pub(crate) fn paths(file: &str, source: &str) -> BTreeSet<String> {
    written(source).iter().map(|path| from_the_top(file, path)).collect()
}

/// `super::x` in `src/a/b.rs` as `crate::a::x`.
fn from_the_top(file: &str, path: &str) -> String {
    let own = module(file);
    let mut here: Vec<&str> = own.split("::").collect();
    let mut rest: Vec<&str> = path.split("::").collect();
    match rest.first() {
        Some(&"self") => {
            rest.remove(0);
        }
        Some(&"super") => {
            while rest.first() == Some(&"super") {
                rest.remove(0);
                here.pop();
            }
        }
        _ => return path.to_owned(),
    }
    here.extend(rest);
    here.join("::")
}

/// The module that a file is: `src/a/b.rs` and `src/a/b/mod.rs` are
/// `crate::a::b`.
pub(crate) fn module(file: &str) -> String {
    let path = file.strip_prefix("src/").unwrap_or(file).trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    match path {
        "lib" => "crate".to_owned(),
        path => format!("crate::{}", path.replace('/', "::")),
    }
}

/// The code of a file: without comments, strings and tests. Those of the pure
/// part may ask a real shell whether it agrees.
pub(crate) fn code(source: &str) -> String {
    let source = source.split("#[cfg(test)]\nmod ").next().unwrap_or(source);
    // In one pass: a URL in a string is no comment, a quote in a comment no string.
    static UNREAD: LazyLock<Regex> =
        LazyLock::new(|| regex(r###"(?s)r##".*?"##|r#".*?"#|r"[^"]*"|"(?:[^"\\]|\\.)*"|'\\?"'|//[^\n]*"###));
    UNREAD.replace_all(source, "\"\"").into_owned()
}

/// The paths as they are written.
fn written(source: &str) -> BTreeSet<String> {
    static USE: LazyLock<Regex> = LazyLock::new(|| regex(r"\buse\s+([^;]+);"));
    static RENAME: LazyLock<Regex> = LazyLock::new(|| regex(r"\s+as\s+\w+"));
    static PATH: LazyLock<Regex> = LazyLock::new(|| regex(r"\b\w+(?:::\w+)+"));
    let code = code(source);
    let mut paths = BTreeSet::new();
    for tree in USE.captures_iter(&code) {
        let tree: String = RENAME.replace_all(&tree[1], "").split_whitespace().collect();
        unfold("", &tree, &mut paths);
    }
    paths.extend(PATH.find_iter(&code).map(|path| path.as_str().to_owned()));
    paths
}

pub(crate) fn regex(pattern: &str) -> Regex {
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

/// The texts below some directories, by their path from the top. "." is the
/// top itself, without what is below it.
pub(crate) fn files(directories: &[&str], kinds: &[&str]) -> Vec<(String, String)> {
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
