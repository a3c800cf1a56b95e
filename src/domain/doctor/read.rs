//! Reads what a host answered into findings.

use super::{
    About, Check, Finding, HostCheck, ServiceCheck,
    answers::{Answer, Answers},
    clone, script,
};
use crate::domain::{
    inventory::Service,
    names::{HostName, LoginName},
    runtime::{ByRuntime, by_runtime},
};

/// What came of running the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// It certainly did not run; why.
    Nothing(String),
    /// It ran.
    Answers {
        /// What it printed.
        stdout: String,
        /// What was complained.
        stderr: String,
        /// Why it did not come to its end, if it did not.
        broken: Option<String>,
    },
}

/// The findings on a host and its services, in the order of asking.
pub fn read(host: &HostName, services: &[Service], heard: &Heard) -> Vec<Finding> {
    let (stdout, stderr, broken) = match heard {
        Heard::Nothing(why) => {
            let about = About::Host { host: host.clone(), login: None };
            return vec![Finding { about, check: Check::Host(HostCheck::NotReached(why.clone())) }];
        }
        Heard::Answers { stdout, stderr, broken } => (stdout, stderr, broken.as_deref()),
    };
    let unfinished = broken.unwrap_or("the host did not answer all questions");
    let mut findings = Vec::new();
    let mut ssh_login = None;
    for login in script::logins(services) {
        let answers = Answers::of(host.as_str(), login, stdout, stderr);
        let own: Vec<(usize, &Service)> =
            services.iter().enumerate().filter(|(_, service)| service.run_as.as_ref() == login).collect();
        let runtimes = by_runtime(own.iter().map(|(_, service)| *service));
        let about = About::Host { host: host.clone(), login: login.cloned() };
        let mut say = |check| findings.push(Finding { about: about.clone(), check: Check::Host(check) });
        if login.is_none() {
            ssh_login = answers.own("login").map(Answer::words);
            say(HostCheck::Reached(ssh_login.clone().unwrap_or_default()));
            // A host that others are reached through may let nothing else happen.
            if services.is_empty() {
                return findings;
            }
        }
        if answers.is_empty() {
            say(silent(login, ssh_login.clone(), &answers, broken));
            continue;
        }
        on_login(&answers, &runtimes, unfinished).into_iter().for_each(&mut say);
        for (number, service) in own {
            let about = About::Service { service: service.name.clone(), host: host.clone() };
            let checks = on_service(&answers, number, service, unfinished);
            findings
                .extend(checks.into_iter().map(|check| Finding { about: about.clone(), check: Check::Service(check) }));
        }
    }
    findings
}

/// A login that answered nothing.
fn silent(login: Option<&LoginName>, from: Option<String>, answers: &Answers<'_>, broken: Option<&str>) -> HostCheck {
    let said = match (&answers.errors, &answers.noise) {
        (errors, noise) if errors.is_empty() => noise.clone(),
        (errors, _) => errors.clone(),
    };
    match (login, broken) {
        (_, Some(why)) if said.is_empty() => HostCheck::Unanswered(why.to_owned()),
        (None, _) => HostCheck::NoShell(said),
        (Some(_), _) => HostCheck::NoSudo { from, said },
    }
}

fn on_login(answers: &Answers<'_>, runtimes: &[ByRuntime<'_>], unfinished: &str) -> Vec<HostCheck> {
    let mut found = Vec::new();
    if !answers.noise.is_empty() {
        found.push(HostCheck::Chatty(answers.noise.clone()));
    }
    match (answers.own("setsid"), answers.own("jobs")) {
        (Some(setsid), _) if !setsid.is_good() => found.push(HostCheck::NoSetsid),
        (_, Some(jobs)) if !jobs.is_good() => found.push(HostCheck::NoPlaceForJobs(jobs.words())),
        (Some(_), Some(_)) => found.push(HostCheck::JobsPossible),
        (None, _) | (_, None) => {}
    }
    for (runtime, _) in runtimes {
        found.extend(runtime.doctor().read_login(answers).into_iter().map(HostCheck::Runtime));
    }
    let version = |answer: Answer<'_>, good: fn(String) -> HostCheck, bad: HostCheck| {
        if answer.is_good() { good(answer.words()) } else { bad }
    };
    found.extend(answers.own("git").map(|answer| version(answer, HostCheck::Git, HostCheck::NoGit)));
    let cleanup = runtimes.first().map(|(runtime, _)| runtime.cleanup());
    let mut mounts: Vec<&str> = Vec::new();
    for answer in answers.all("disk") {
        if let Some((mount, disk)) = disk(answer.value(), cleanup)
            && !mounts.contains(&mount)
        {
            mounts.push(mount);
            found.push(disk);
        }
    }
    if answers.own("done").is_none() {
        found.push(HostCheck::Unanswered(unfinished.to_owned()));
    }
    found
}

/// A line of `df -Pk`: device, blocks, used, free, capacity, mount point.
fn disk<'a>(line: &'a str, cleanup: Option<&'static str>) -> Option<(&'a str, HostCheck)> {
    let mut fields = line.split_whitespace().skip(3);
    let free = fields.next()?.parse().ok()?;
    let percent = fields.next()?.strip_suffix('%')?.parse().ok()?;
    let mount = fields.next()?;
    Some((mount, HostCheck::Disk { mount: mount.to_owned(), free, percent, cleanup }))
}

fn on_service(answers: &Answers<'_>, number: usize, service: &Service, unfinished: &str) -> Vec<ServiceCheck> {
    let asked = answers.about(number);
    let mut found = Vec::new();
    if let Some(dir) = &service.dir {
        found.extend(clone::read(&asked, dir, &service.branch, answers.own("git").is_none_or(Answer::is_good)));
    }
    let runtime = service.workload.runtime();
    found.extend(runtime.doctor().read_service(&asked, service).into_iter().map(ServiceCheck::Runtime));
    if asked.get("done").is_none() {
        found.push(ServiceCheck::Unanswered(unfinished.to_owned()));
    }
    found
}
