//! Alerts: what must be known, cause first.

use jiff::{SignedDuration, Timestamp, Unit};

use super::span;
use crate::domain::{
    inventory::Service,
    message::{block, escape},
    names::{HostName, ServiceName},
    observation::Disk,
    progress::clean,
    watch::{Closed, Fall, HostProblem, Kind, Missed, Problem, Who},
};

/// Lines of a log that an alert shows.
pub const LOG_LINES: u32 = 8;
/// A change this long before a problem is worth telling.
const CHANGED_LATELY: SignedDuration = SignedDuration::from_mins(30);
/// Things that happened unseen, told one by one.
const MISSED_SHOWN: usize = 8;

/// Something is wrong with a service.
pub fn opened(service: &Service, problem: &Problem, log: Option<Result<&str, &str>>, now: Timestamp) -> String {
    let (name, host) = (escape(&titled(&service.name, problem)), escape(service.host.as_str()));
    let last = problem.last.as_ref();
    let lasts = span::since(problem.since, now);
    let again = if problem.relapses.is_empty() { "" } else { " again" };
    let head = match problem.kind {
        Kind::Flapping if problem.flapping => format!(
            "🔴 **{name} is flapping** on {host} — back and down again {}×, {}",
            problem.relapses.len(),
            how(last)
        ),
        Kind::CrashLoop => {
            let cause = last.map_or(String::new(), |last| format!("{}, ", last.death.explain()));
            format!("🔴 **{name} crash loop{again}** on {host} — {cause}{}× in {lasts}", problem.deaths)
        }
        Kind::OutOfMemory => format!("🔴 **{name} out of memory{again}** on {host} — {}", how(last)),
        Kind::Failed => format!("🔴 **{name} failed{again}** on {host} — {}{}", how(last), times(problem)),
        Kind::Exited => format!("🔴 **{name} is down{again}** on {host} — {}", how(last)),
        Kind::NotDeployed => {
            format!(
                "🔴 **{name} is not deployed any more** on {host} — its {} is gone",
                service.workload.runtime().noun()
            )
        }
        Kind::Stuck => format!("🔴 **{name} is stuck{again}** on {host} — between two states for {lasts}"),
        Kind::Unhealthy => format!("🔴 **{name} is unhealthy{again}** on {host} — its health check fails, for {lasts}"),
        Kind::Flapping => format!("🔴 **{name} is flapping** on {host} — well and not well in turns, for {lasts}"),
        Kind::Crashed => format!("⚠️ **{name} crashed** on {host} — {}; it runs again", how(last)),
    };
    let mut lines = vec![head];
    lines.extend(also(problem));
    lines.extend(changed_before(problem));
    lines.extend(log.and_then(|log| evidence(problem.kind, log)));
    lines.join("\n")
}

/// "cloud/db" where it is one of several members of a project that a problem is about.
pub(super) fn titled(service: &ServiceName, problem: &Problem) -> String {
    problem
        .member
        .as_ref()
        .filter(|_| !problem.alone)
        .map_or_else(|| service.to_string(), |member| format!("{service}/{member}"))
}

/// The other members that are in trouble.
fn also(problem: &Problem) -> Option<String> {
    const SHOWN: usize = 12;
    if problem.also.is_empty() {
        return None;
    }
    let names = problem.also.iter().take(SHOWN).map(|member| escape(member)).collect::<Vec<_>>().join(", ");
    let more = problem.also.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!("Also in trouble: {names}{more}."))
}

/// "exit 3 after 12 s".
fn how(last: Option<&Fall>) -> String {
    let Some(last) = last else { return "how it ended is not known".to_owned() };
    match last.ran {
        Some(ran) => format!("{} after {}", last.death.explain(), span::rough(ran)),
        None => last.death.explain(),
    }
}

/// What goes wrong each time it runs.
fn times(problem: &Problem) -> String {
    if problem.deaths > 1 { format!(", {}×", problem.deaths) } else { String::new() }
}

fn changed_before(problem: &Problem) -> Option<String> {
    let change = problem.after.as_ref()?;
    let before = problem.since.duration_since(change.at);
    if before > CHANGED_LATELY {
        return None;
    }
    let version = change.version.as_ref().map_or(String::new(), |to| format!(" to {}", escape(to)));
    let what = match (&change.change, &change.by, change.succeeded) {
        (Some(change), Who::Operator(user), true) => {
            format!("{} {} it{version}", escape(user.short()), change.done())
        }
        (Some(change), Who::Operator(user), false) => {
            format!("a {} by {} did not succeed", change.command(), escape(user.short()))
        }
        (Some(_) | None, ..) => "another container took its place, outside of me".to_owned(),
    };
    Some(format!("{} after {what}.", span::rough(before)))
}

fn evidence(kind: Kind, log: Result<&str, &str>) -> Option<String> {
    if kind == Kind::NotDeployed {
        return None;
    }
    match log {
        Ok(log) => {
            let lines: Vec<String> = log.lines().map(clean).filter(|l| !l.trim().is_empty()).collect();
            if lines.is_empty() {
                return Some("It printed nothing.".to_owned());
            }
            Some(block(&errors_first(&lines).join("\n")))
        }
        Err(why) => Some(format!("Its log could not be read: {}", escape(why))),
    }
}

/// The last lines, after those before them that tell of an error: what says why
/// is often followed by what a program prints when it starts anew.
fn errors_first(lines: &[String]) -> Vec<&str> {
    const ERRORS: usize = 3;
    const TELLING: [&str; 8] =
        ["error", "fatal", "panic", "exception", "traceback", "out of memory", "segfault", "cannot "];
    let telling = |line: &&String| {
        let line = line.to_lowercase();
        TELLING.iter().any(|word| line.contains(word))
    };
    let (before, last) = lines.split_at(lines.len().saturating_sub(LOG_LINES as usize));
    if last.iter().any(|line| telling(&line)) {
        return last.iter().map(String::as_str).collect();
    }
    let mut errors: Vec<&str> = before.iter().rev().filter(telling).take(ERRORS).map(String::as_str).collect();
    errors.reverse();
    let kept = (LOG_LINES as usize).saturating_sub(errors.len()).min(last.len());
    errors.extend(last[last.len() - kept..].iter().map(String::as_str));
    errors
}

/// It is not wrong any more.
pub fn closed(service: &Service, closed: &Closed) -> String {
    let name = escape(service.name.as_str());
    match closed {
        Closed::Recovered { lasted, steady } if steady.is_zero() => {
            format!("✅ **{name} succeeded** — the trouble lasted {}", span::rough(*lasted))
        }
        Closed::Recovered { lasted, steady } => {
            let (steady, lasted) = (span::rough(*steady), span::rough(*lasted));
            format!("✅ **{name} recovered** — well for {steady}; the trouble lasted {lasted}")
        }
        Closed::Stopped(Who::Operator(user)) => {
            format!("⚪ **{name}** was stopped by {}; its trouble is over", escape(user.short()))
        }
        Closed::Stopped(Who::Outside) => format!("⚪ **{name}** was stopped outside of me; its trouble is over"),
    }
}

/// Something is wrong with a host.
pub fn host_opened(host: &HostName, problem: &HostProblem, services: usize, now: Timestamp) -> String {
    let name = escape(host.as_str());
    let blind = |cause: &str, since: &Timestamp| {
        let all = if services == 1 { "its service".to_owned() } else { format!("its {services} services") };
        format!("{}\nI cannot see {all}; last seen {} ago.", escape(cause), span::since(*since, now))
    };
    match problem {
        HostProblem::Unreachable { cause, since } => format!("🔴 **{name} unreachable** — {}", blind(cause, since)),
        HostProblem::EngineDown { cause, since } => {
            format!("🔴 **{name}: its container engine does not answer** — {}", blind(cause, since))
        }
        HostProblem::DiskFull(disk) => format!("🔴 **{name} disk nearly full** — {}", usage(disk)),
    }
}

/// It can be seen again.
pub fn host_seen(host: &HostName, from: Timestamp, to: Timestamp, missed: &[(ServiceName, Missed)]) -> String {
    let name = escape(host.as_str());
    let away = span::rough(to.duration_since(from));
    let head =
        format!("✅ **{name} is back** — I could not see it for {away}, from {} to {} UTC", clock(from), clock(to));
    if missed.is_empty() {
        return format!("{head}\nMeanwhile nothing happened there that I can tell.");
    }
    format!("{head}\nMeanwhile: {}.", meanwhile(missed))
}

/// What happened unseen, one after the other.
pub(super) fn meanwhile(missed: &[(ServiceName, Missed)]) -> String {
    let mut told: Vec<String> = missed
        .iter()
        .take(MISSED_SHOWN)
        .map(|(service, what)| format!("{} {}", escape(service.as_str()), unseen(what)))
        .collect();
    if missed.len() > MISSED_SHOWN {
        told.push(format!("and {} more", missed.len() - MISSED_SHOWN));
    }
    told.join("; ")
}

/// The disk has room again.
pub fn disk_free(host: &HostName, disk: &Disk) -> String {
    format!("✅ **{} disk has room again** — {}", escape(host.as_str()), usage(disk))
}

fn usage(disk: &Disk) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one decimal of it is shown")]
    let free = disk.free as f64 / 1_024.0;
    format!("{} is {} % full, {free:.1} GiB left", escape(&disk.mount), disk.percent)
}

fn unseen(what: &Missed) -> String {
    match what {
        Missed::Died(1) => "died and was started again".to_owned(),
        Missed::Died(times) => format!("died {times}× and was started again"),
        Missed::Replaced => "got another container".to_owned(),
        Missed::Restarted => "was started anew".to_owned(),
        Missed::Ended(death) => format!("ended, {}", death.explain()),
        Missed::Gone => "was removed".to_owned(),
    }
}

fn clock(at: Timestamp) -> String {
    at.round(Unit::Second).unwrap_or(at).strftime("%H:%M:%S").to_string()
}
