//! Reads what git said about a service's clone.

use super::{
    ServiceCheck,
    answers::{AboutService, Answer},
    service::RemoteTrouble,
};
use crate::domain::names::{Branch, RemoteDir};

/// The findings about a clone. Without `git` there is nothing to say of it.
pub(super) fn read(asked: &AboutService<'_, '_>, dir: &RemoteDir, branch: &Branch, git: bool) -> Vec<ServiceCheck> {
    let place = dir.as_str().to_owned();
    match asked.get("dir") {
        Some(entered) if !entered.is_good() => {
            return vec![ServiceCheck::NoDirectory { dir: place, said: entered.words() }];
        }
        Some(_) if git => {}
        Some(_) | None => return Vec::new(),
    }
    let Some(clone) = asked.get("clone") else { return Vec::new() };
    if !clone.is_good() || clone.value() != "true" {
        return vec![no_clone(clone, place)];
    }
    let mut found = Vec::new();
    if asked.get("writable").is_some_and(|answer| !answer.is_good()) {
        found.push(ServiceCheck::CloneReadOnly(place.clone()));
    }
    found.extend(obstacles(asked, &place, branch));
    if found.is_empty() && asked.get("changed").is_some() {
        let on = asked.get("head").filter(|head| head.is_good());
        found.push(ServiceCheck::Clone(on.map_or("a commit".to_owned(), Answer::words)));
    }
    found.extend(remote(asked, &place, branch));
    found.extend(secrets(asked, &place));
    found
}

fn no_clone(answer: Answer<'_>, dir: String) -> ServiceCheck {
    let said = answer.words();
    if said.contains("dubious ownership") {
        ServiceCheck::Dubious(dir)
    } else if answer.is_good() || said.contains("not a git repository") {
        ServiceCheck::NoClone(dir)
    } else {
        ServiceCheck::GitFails(said)
    }
}

/// What an update stops at, or leaves behind.
fn obstacles(asked: &AboutService<'_, '_>, dir: &str, branch: &Branch) -> Vec<ServiceCheck> {
    let mut found = Vec::new();
    let wanted = branch.as_str();
    if let Some(head) = asked.get("head").filter(|head| head.is_good() && head.value() != wanted) {
        found.push(ServiceCheck::OtherBranch { on: head.words(), branch: wanted.to_owned(), dir: dir.to_owned() });
    }
    if let Some(ahead) = asked.get("ahead").filter(|ahead| ahead.code > 0) {
        found.push(ServiceCheck::LocalCommits { count: ahead.code, branch: wanted.to_owned() });
    }
    if let Some(changed) = asked.get("changed").filter(|changed| changed.code > 0) {
        let (count, files) = (changed.code, changed.words());
        found.push(ServiceCheck::Changed { count, files, dir: dir.to_owned() });
    }
    found
}

fn remote(asked: &AboutService<'_, '_>, dir: &str, branch: &Branch) -> Option<ServiceCheck> {
    if asked.get("origin").is_some_and(|origin| !origin.is_good()) {
        return Some(ServiceCheck::NoOrigin(dir.to_owned()));
    }
    let answer = asked.get("remote")?;
    if !answer.is_good() {
        let said = answer.words();
        return Some(ServiceCheck::RemoteFails { why: trouble(answer.code, &said), said });
    }
    let wanted = format!("refs/heads/{branch}");
    // "ref: refs/heads/main HEAD <id> HEAD <id> refs/heads/main"
    let words: Vec<&str> = answer.value().split_whitespace().collect();
    let named = |place: usize| place > 0 && words[place - 1] == "ref:";
    let default =
        (0..words.len()).find(|place| named(*place)).and_then(|place| words[place].strip_prefix("refs/heads/"));
    if !(0..words.len()).any(|place| words[place] == wanted && !named(place)) {
        let (branch, default) = (branch.as_str().to_owned(), default.map(str::to_owned));
        return Some(ServiceCheck::NoBranch { branch, default });
    }
    // Not fetched yet is nothing; never fetched is something.
    let refspec = asked.get("refspec").map(|answer| answer.value().to_owned()).unwrap_or_default();
    let fetched = refspec.split_whitespace().any(|spec| {
        let from = spec.trim_start_matches('+').split(':').next().unwrap_or_default();
        from == "refs/heads/*" || from == "refs/*" || from == wanted
    });
    if asked.get("refspec").is_some() && !fetched {
        return Some(ServiceCheck::BranchNotFetched { branch: branch.as_str().to_owned(), dir: dir.to_owned() });
    }
    Some(ServiceCheck::Remote(branch.as_str().to_owned()))
}

/// Why a remote cannot be asked, by what ssh, git and curl say of it.
fn trouble(code: u32, said: &str) -> RemoteTrouble {
    let said = said.to_lowercase();
    let told = |parts: &[&str]| parts.iter().any(|part| said.contains(part));
    if code == 124 {
        RemoteTrouble::Slow
    } else if told(&["host key verification failed", "host identification has changed", "no matching host key"]) {
        RemoteTrouble::HostKey
    } else if told(&["permission denied (", "no such identity", "too many authentication failures"]) {
        RemoteTrouble::Key
    } else if told(&[
        "could not read username",
        "could not read password",
        "terminal prompts disabled",
        "authentication failed",
        "invalid credentials",
    ]) {
        RemoteTrouble::Password
    } else if told(&[
        "does not appear to be a git repository",
        "repository not found",
        "' not found",
        "no such file or directory",
    ]) {
        RemoteTrouble::NotThere
    } else if told(&[
        "could not resolve",
        "connection refused",
        "timed out",
        "no route to host",
        "network is unreachable",
        "failed to connect",
        "couldn't connect",
    ]) {
        RemoteTrouble::Unreachable
    } else {
        RemoteTrouble::Other
    }
}

fn secrets(asked: &AboutService<'_, '_>, dir: &str) -> Vec<ServiceCheck> {
    let mut found = Vec::new();
    let mut ignored = Vec::new();
    for secret in asked.all("secret") {
        let file = secret.words();
        match secret.code {
            0 => ignored.push(file),
            1 | 2 => found.push(ServiceCheck::SecretTracked { file, telling: secret.code == 2 }),
            _ => found.push(ServiceCheck::SecretNotIgnored { file, dir: dir.to_owned() }),
        }
    }
    if !ignored.is_empty() {
        found.push(ServiceCheck::SecretsIgnored(ignored));
    }
    found.extend(asked.get("key").map(|key| ServiceCheck::KeyTracked(key.words())));
    found
}
