//! Reads what a host answered into findings.

use super::{
    About, Check, Finding, HostCheck, ServiceCheck,
    answers::{Answer, Answers},
    clone, compose, script,
};
use crate::domain::{
    inventory::Service,
    names::{HostName, LoginName},
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
            return vec![Finding { about, matter: Check::Host(HostCheck::NotReached(why.clone())) }];
        }
        Heard::Answers { stdout, stderr, broken } => (stdout, stderr, broken.as_deref()),
    };
    let unfinished = broken.unwrap_or("the host did not answer all questions");
    let mut findings = Vec::new();
    let mut ssh_login = None;
    for login in script::logins(services) {
        let answers = Answers::of(login, stdout, stderr);
        let own: Vec<(usize, &Service)> =
            services.iter().enumerate().filter(|(_, service)| service.run_as.as_ref() == login).collect();
        let about = About::Host { host: host.clone(), login: login.cloned() };
        let mut say = |matter| findings.push(Finding { about: about.clone(), matter: Check::Host(matter) });
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
        on_login(&answers, unfinished).into_iter().for_each(&mut say);
        for (number, service) in own {
            let about = About::Service { service: service.name.clone(), host: host.clone() };
            let matters = on_service(&answers, number, service, unfinished);
            findings.extend(
                matters.into_iter().map(|matter| Finding { about: about.clone(), matter: Check::Service(matter) }),
            );
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

fn on_login(answers: &Answers<'_>, unfinished: &str) -> Vec<HostCheck> {
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
    found.extend(answers.own("docker").map(|docker| engine(answers, docker)));
    let version = |answer: Answer<'_>, good: fn(String) -> HostCheck, bad: HostCheck| {
        if answer.is_good() { good(answer.words()) } else { bad }
    };
    let docker_is_there = answers.own("docker").is_none_or(|docker| docker.code != 127);
    found.extend(
        answers
            .own("compose")
            .filter(|_| docker_is_there)
            .map(|answer| version(answer, HostCheck::Compose, HostCheck::NoCompose(answer.words()))),
    );
    found.extend(answers.own("git").map(|answer| version(answer, HostCheck::Git, HostCheck::NoGit)));
    let mut mounts: Vec<&str> = Vec::new();
    for answer in answers.all("disk") {
        if let Some((mount, disk)) = disk(answer.value())
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

fn engine(answers: &Answers<'_>, docker: Answer<'_>) -> HostCheck {
    if docker.is_good() {
        return HostCheck::Engine(docker.words());
    }
    let said = docker.words();
    let lower = said.to_lowercase();
    // The group's name is the socket's; where that cannot be seen, Docker's own.
    let socket = answers.own("socket").map(Answer::words).filter(|group| !group.is_empty());
    let group = socket.unwrap_or_else(|| "docker".to_owned());
    if docker.code == 127 {
        HostCheck::NoDocker
    } else if lower.contains("permission denied") {
        let groups = answers.own("groups").map(Answer::words).unwrap_or_default();
        let login = answers.own("login").map(Answer::words).unwrap_or_default();
        HostCheck::EngineForbidden { member: groups.split(' ').any(|member| *member == group), login, group }
    } else if ["is the docker daemon running", "failed to connect to the docker api"].iter().any(|s| lower.contains(s))
    {
        HostCheck::EngineDown(said)
    } else if docker.code == 124 {
        HostCheck::EngineFails("no answer within 15 s".to_owned())
    } else {
        HostCheck::EngineFails(said)
    }
}

/// A line of `df -Pk`: device, blocks, used, free, capacity, mount point.
fn disk(line: &str) -> Option<(&str, HostCheck)> {
    let mut fields = line.split_whitespace().skip(3);
    let free = fields.next()?.parse().ok()?;
    let percent = fields.next()?.strip_suffix('%')?.parse().ok()?;
    let mount = fields.next()?;
    Some((mount, HostCheck::Disk { mount: mount.to_owned(), free, percent }))
}

fn on_service(answers: &Answers<'_>, number: usize, service: &Service, unfinished: &str) -> Vec<ServiceCheck> {
    let asked = answers.about(number);
    let mut found = Vec::new();
    if let Some(dir) = &service.dir {
        found.extend(clone::read(&asked, dir, &service.branch, answers.own("git").is_none_or(Answer::is_good)));
    }
    found.extend(compose::read(&asked, service));
    if asked.get("done").is_none() {
        found.push(ServiceCheck::Unanswered(unfinished.to_owned()));
    }
    found
}
