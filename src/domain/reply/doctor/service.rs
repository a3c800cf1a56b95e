//! A service's findings in words.

use super::{Line, host::said_instead};
use crate::domain::{
    doctor::{RemoteTrouble, ServiceCheck},
    message::{code, escape},
};

pub(super) fn line(check: &ServiceCheck) -> Line {
    match check {
        ServiceCheck::NoDirectory { dir, said } => Line::new(
            "directory",
            format!("{} cannot be entered{}", code(dir), said_instead(said)),
            format!("clone it there as that login: {}", code(&format!("git clone <url> {dir}"))),
        ),
        ServiceCheck::NoClone(dir) => Line::new(
            "clone",
            format!("{} is no git clone, so there is no update", code(dir)),
            format!("move it aside and clone: {}", code(&format!("git clone <url> {dir}"))),
        ),
        ServiceCheck::Dubious(dir) => Line::new(
            "clone",
            format!("{} belongs to another login, and git refuses it (“dubious ownership”)", code(dir)),
            format!(
                "give it to the login that runs the service (`chown -R`), or as that login: {}",
                code(&format!("git config --global --add safe.directory {dir}"))
            ),
        ),
        ServiceCheck::GitFails(said) => {
            Line::new("clone", format!("git fails{}", said_instead(said)), "run `git status` there as that login")
        }
        ServiceCheck::CloneReadOnly(dir) => Line::new(
            "clone",
            format!("{} cannot be written by the login", code(dir)),
            format!("{} as root", code(&format!("chown -R <login> {dir}"))),
        ),
        ServiceCheck::Clone(on) => {
            Line::fine("clone", format!("at {}, with nothing in the way of an update", code(on)))
        }
        ServiceCheck::NoOrigin(dir) => Line::new(
            "remote",
            "the clone has no remote `origin`",
            code(&format!("git -C {dir} remote add origin <url>")),
        ),
        ServiceCheck::Remote(branch) => Line::fine("remote", format!("origin answers, with {}", code(branch))),
        ServiceCheck::RemoteFails { why, said } => {
            let (says, next) = remote(*why);
            Line::new("remote", format!("{says}{}", said_instead(said)), next)
        }
        ServiceCheck::NoBranch { branch, default } => Line::new(
            "branch",
            format!("origin has no {}", code(branch)),
            match default {
                Some(default) => format!("in the config: {}", code(&format!("branch = \"{default}\""))),
                None => "push it, or name another `branch` in the config".to_owned(),
            },
        ),
        ServiceCheck::BranchNotFetched { branch, dir } => Line::new(
            "branch",
            format!("the clone never fetches {}", code(branch)),
            code(&format!("git -C {dir} remote set-branches --add origin {branch}")),
        ),
        ServiceCheck::OtherBranch { on, branch, dir } => Line::new(
            "branch",
            format!("{} is checked out, not {}: an update refuses to begin", code(on), code(branch)),
            code(&format!("git -C {dir} switch {branch}")),
        ),
        ServiceCheck::LocalCommits { count, branch } => Line::new(
            "commits",
            format!(
                "{count} commit{} here that origin's {} has not: an update leaves them behind",
                plural(*count),
                code(branch)
            ),
            format!("push them; what is left behind stays under {}", code("refs/opsroom/")),
        ),
        ServiceCheck::Changed { count, files, dir } => Line::new(
            "changes",
            format!("{count} tracked file{} changed ({}): an update refuses to begin", plural(*count), code(files)),
            format!(
                "commit it upstream ({} shows it), or update with {}",
                code(&format!("git -C {dir} diff")),
                code("--discard")
            ),
        ),
        ServiceCheck::SecretsIgnored(files) => Line::fine(
            "secrets",
            format!("git ignores {}", files.iter().map(|f| code(f)).collect::<Vec<_>>().join(", ")),
        ),
        ServiceCheck::SecretTracked { file, telling } => {
            let what = if *telling { ", and it has what looks like secrets in it" } else { "" };
            Line::new(
                "secrets",
                format!(
                    "git tracks {}{what}: an update overwrites it, and whoever has the repository has it",
                    code(file)
                ),
                format!(
                    "upstream: {}, and change the secrets",
                    code(&format!("git rm --cached {file} && echo {file} >>.gitignore"))
                ),
            )
        }
        ServiceCheck::SecretNotIgnored { file, dir } => Line::new(
            "secrets",
            format!("git does not ignore {}", code(file)),
            format!("upstream in .gitignore, or here: {}", code(&format!("echo /{file} >>{dir}/.git/info/exclude"))),
        ),
        ServiceCheck::KeyTracked(file) => Line::new(
            "secrets",
            format!("git tracks {}, which looks like a private key", code(file)),
            "if it is one: make a new one outside of the repository",
        ),
        ServiceCheck::Runtime(check) => check.clone().into(),
        ServiceCheck::Unanswered(why) => Line::new(
            "answers",
            format!("not all checks came to an end: {}", escape(why)),
            "ask again; if it stays so, look at what hangs there",
        ),
    }
}

fn remote(why: RemoteTrouble) -> (&'static str, &'static str) {
    match why {
        RemoteTrouble::HostKey => (
            "the login does not know the git server's host key",
            "as that login run `git fetch` by hand once and compare the fingerprint it shows",
        ),
        RemoteTrouble::Key => (
            "the git server does not take the login's key",
            "make one as that login (`ssh-keygen`) and add it to the repository as a deploy key",
        ),
        RemoteTrouble::Password => (
            "origin asks for a password, and nobody is there to type it",
            "use a deploy key and an SSH URL, or git's credential helper",
        ),
        RemoteTrouble::NotThere => {
            ("there is no repository at origin's address", "correct it with `git remote set-url origin <url>`")
        }
        RemoteTrouble::Unreachable => {
            ("origin cannot be reached from there", "look at the host's network, DNS and firewall")
        }
        RemoteTrouble::Slow => ("origin gave no answer within 20 s", "run `git ls-remote origin` there as that login"),
        RemoteTrouble::Other => ("origin cannot be asked", "run `git ls-remote origin` there as that login"),
    }
}

fn plural(count: u32) -> &'static str {
    if count == 1 { "" } else { "s" }
}
