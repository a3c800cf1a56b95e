//! No file needs one that needs it: what several need lies below them. A module
//! and the parts below it are one room, whose parts may know the whole.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use crate::source::{code, files, module, paths};

/// Each module and those that it needs.
type Needs = BTreeMap<String, BTreeSet<String>>;

/// What a house of these files needs.
fn needs(sources: &[(String, String)]) -> Needs {
    let modules: BTreeSet<String> = sources.iter().map(|(file, _)| module(file)).collect();
    let shown = shown(sources);
    let mut needs = Needs::new();
    for (file, source) in sources {
        let own = module(file);
        let handed_on = shown.get(&own).map(|names| names.values().cloned().collect::<BTreeSet<_>>());
        let needed = paths(file, source)
            .into_iter()
            .map(|path| if path.starts_with("crate") { path } else { format!("{own}::{path}") })
            // A name that is only handed on is needed by whoever takes it.
            .filter(|path| !handed_on.as_ref().is_some_and(|handed_on| handed_on.contains(path)))
            .filter_map(|path| defined_in(&path, &modules, &shown))
            .filter(|other| *other != own && !is_below(&own, other));
        needs.insert(own.clone(), needed.collect());
    }
    needs
}

/// Whether a module is a part of another.
fn is_below(part: &str, whole: &str) -> bool {
    part.strip_prefix(whole).is_some_and(|rest| rest.starts_with("::"))
}

/// The names that each module hands on with `pub use`, and their paths.
fn shown(sources: &[(String, String)]) -> BTreeMap<String, BTreeMap<String, String>> {
    let handed_on = Regex::new(r"\bpub(?:\([a-z ]+\))?\s+use\s+[^;]+;").expect("a pattern");
    let mut shown = BTreeMap::new();
    for (file, source) in sources {
        let code = code(source);
        let uses: Vec<&str> = handed_on.find_iter(&code).map(|found| found.as_str()).collect();
        let names = paths(file, &uses.join("\n")).into_iter();
        let names = names.filter_map(|path| Some((path.rsplit_once("::")?.1.to_owned(), path.clone())));
        shown.insert(module(file), names.collect());
    }
    shown
}

/// The module in which what a path names is defined, if it is one of ours.
fn defined_in(
    path: &str,
    modules: &BTreeSet<String>,
    shown: &BTreeMap<String, BTreeMap<String, String>>,
) -> Option<String> {
    let parts: Vec<&str> = path.split("::").collect();
    for length in (1..=parts.len()).rev() {
        let module = parts[..length].join("::");
        if !modules.contains(&module) {
            continue;
        }
        let handed_on = parts.get(length).and_then(|name| shown.get(&module)?.get(*name));
        return match handed_on {
            Some(other) if other != path => defined_in(other, modules, shown),
            Some(_) | None => Some(module).filter(|module| module != "crate"),
        };
    }
    None
}

/// The modules that need themselves by way of others.
fn circles(needs: &Needs) -> Vec<String> {
    let mut found = Vec::new();
    for start in needs.keys() {
        let mut reached: BTreeMap<&str, &str> = BTreeMap::new();
        let mut next = vec![start.as_str()];
        while let Some(module) = next.pop() {
            for other in needs.get(module).into_iter().flatten() {
                if !reached.contains_key(other.as_str()) {
                    reached.insert(other, module);
                    next.push(other);
                }
            }
        }
        if reached.contains_key(start.as_str()) {
            let mut way = vec![start.as_str()];
            let mut at = reached[start.as_str()];
            while at != start {
                way.push(at);
                at = reached[at];
            }
            way.push(start);
            way.reverse();
            found.push(way.join(" → "));
        }
    }
    found
}

fn source(file: &str, text: &str) -> (String, String) {
    (file.to_owned(), text.to_owned())
}

#[test]
fn no_file_needs_one_that_needs_it() {
    let sources: Vec<_> = files(&["src"], &["rs"]).into_iter().filter(|(file, _)| !file.contains("/tests")).collect();
    let circles = circles(&needs(&sources));
    assert!(circles.is_empty(), "what several need lies below them, in a small file:\n{}", circles.join("\n"));
}

#[test]
fn a_circle_is_found_and_parts_of_a_whole_are_none() {
    let apart = [
        source("src/a.rs", "use crate::b::Thing;\npub struct Other;"),
        source("src/b.rs", "use super::c::{Deep, Deeper};\npub struct Thing;"),
        source("src/c/mod.rs", "pub use self::deep::Deep;\nmod deep;"),
        source("src/c/deep.rs", "pub struct Deep;"),
    ];
    assert_eq!(circles(&needs(&apart)), [""; 0]);
    let mut round = apart.to_vec();
    round[3].1.push_str("\nfn f(_: crate::a::Other) {}");
    assert_eq!(circles(&needs(&round)).len(), 3, "by way of what `c` only hands on");
    let whole = [
        source("src/a/mod.rs", "mod part;\nuse self::part::Part;\npub struct Whole(Part);"),
        source("src/a/part.rs", "use super::Whole;\npub struct Part;\nimpl Whole {}"),
    ];
    assert_eq!(circles(&needs(&whole)), [""; 0]);
}
