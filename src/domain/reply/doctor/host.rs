//! A host's findings in words.

use super::{super::size::size, Line};
use crate::domain::{
    doctor::{About, HostCheck},
    message::{code, escape},
};

pub(super) fn line(check: &HostCheck, about: &About) -> Line {
    let (host, run_as) = match about {
        About::Host { host, login } => (host.as_str(), login.as_ref().map(|login| login.as_str())),
        About::Service { host, .. } => (host.as_str(), None),
        About::Chat => ("", None),
    };
    match check {
        HostCheck::Reached(login) if login.is_empty() => {
            Line::fine("connection", "the host is reached, and the right one")
        }
        HostCheck::Reached(login) => {
            Line::fine("connection", format!("the host is reached, the right one, and lets {} in", escape(login)))
        }
        HostCheck::NotReached(why) => Line { what: "connection", says: escape(why), next: None },
        HostCheck::NoShell(said) => Line::new(
            "shell",
            format!("the login runs no commands{}", said_instead(said)),
            format!("give it a POSIX shell: {}, and no forced command", code("chsh -s /bin/sh <login>")),
        ),
        HostCheck::NoSudo { from, said } => {
            let (from, to) = (from.as_deref().unwrap_or("<login>"), run_as.unwrap_or("<run_as>"));
            Line::new(
                "sudo",
                format!("cannot become {}{}", escape(to), said_instead(said)),
                format!("with visudo on {}: {}", escape(host), code(&format!("{from} ALL=({to}) NOPASSWD: ALL"))),
            )
        }
        HostCheck::Chatty(said) => Line::new(
            "profile",
            format!("the login's profile prints before each command: {}", code(said)),
            format!(
                "let it print in terminals only: {} before it in its {}",
                code("[ -t 1 ] || return"),
                code(".bashrc or .profile")
            ),
        ),
        HostCheck::JobsPossible => Line::fine("jobs", "setsid is there, and a place for jobs"),
        HostCheck::NoSetsid => Line::new(
            "jobs",
            "there is no setsid, so nothing can be changed",
            format!("install util-linux (or busybox): {}", code("apt-get install util-linux")),
        ),
        HostCheck::NoPlaceForJobs(dir) => Line::new(
            "jobs",
            format!("{} cannot be made or written", code(dir)),
            format!("make it, and give it to the login: {}", code(&format!("install -d -o <login> {dir}"))),
        ),
        HostCheck::Runtime(check) => check.clone().into(),
        HostCheck::Git(version) => Line::fine("git", escape(version)),
        HostCheck::NoGit => Line::new("git", "there is no git, so nothing can be updated", code("apt-get install git")),
        HostCheck::Disk { mount, free, percent, cleanup } => {
            let says = format!("{} is {percent} % full, {} free", escape(mount), size(*free));
            if finding_is_fine(*free, *percent) {
                Line::fine("disk", says)
            } else {
                let example = cleanup.map_or(String::new(), |cleanup| format!(", for example with {}", code(cleanup)));
                Line::new("disk", says, format!("make room there{example}"))
            }
        }
        HostCheck::Unanswered(why) => Line::new(
            "answers",
            format!("not all checks came to an end: {}", escape(why)),
            "ask again; if it stays so, look at what hangs there",
        ),
    }
}

fn finding_is_fine(free: u64, percent: u32) -> bool {
    free >= crate::domain::doctor::host::LEAST_FREE && percent < crate::domain::doctor::host::NEARLY_FULL
}

pub(super) fn said_instead(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {}", code(said)) }
}
