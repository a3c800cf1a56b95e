//! `!status`: the verdict, then one line per service, troubled ones first.

use jiff::{SignedDuration, Timestamp};

use super::{NO_SERVICES, span};
use crate::domain::{
    inventory::Service,
    member::Member,
    message::{code, escape},
    names::HostName,
    observation::{Death, Health, Observation, SnapshotError, State, Task},
    operation::Operation,
    watch::{Detector, Intent, Kind, Problem, Who},
};

/// What is known of one service at the time of answering.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    /// The service.
    pub service: &'a Service,
    /// What was seen of it.
    pub view: View<'a>,
    /// The change in progress.
    pub active: Option<&'a Operation>,
    /// What the watch knows of it.
    pub known: Option<&'a Detector>,
}

/// What the watch knows of one thing, as far as its line says it.
#[derive(Debug, Clone, Copy, Default)]
struct Known<'a> {
    /// The crash loop it is in.
    looping: Option<&'a Problem>,
    /// Who stopped it, and when, if somebody did and it should not run.
    stopped: Option<(&'a Who, Timestamp)>,
    /// Whether it may be missing.
    optional: bool,
}

impl<'a> Known<'a> {
    fn of(open: Option<&'a Problem>, intent: &'a Intent, optional: bool) -> Self {
        let stopped = match intent {
            Intent::Stopped { by, at } => Some((by, *at)),
            Intent::Run | Intent::Unknown => None,
        };
        Self { looping: open.filter(|problem| problem.kind == Kind::CrashLoop), stopped, optional }
    }

    fn whole(line: &Line<'a>) -> Self {
        let optional = line.service.watch.optional;
        line.known
            .map_or(Self { optional, ..Self::default() }, |known| Self::of(known.open(), known.intent(), optional))
    }

    fn member(line: &Line<'a>, member: &Member) -> Self {
        let watch = line.known.and_then(|known| known.member(member));
        watch.map_or_else(Self::default, |watch| Self::of(watch.open(), watch.intent(), false))
    }
}

/// What was seen of a service.
#[derive(Debug, Clone)]
pub enum View<'a> {
    /// Its host has not answered yet.
    Waiting,
    /// Its host could not be looked at.
    Blind(&'a SnapshotError),
    /// It was seen.
    Seen(&'a Observation),
}

/// Hosts that were not seen and are named one by one.
const HOSTS: usize = 20;

/// How a line is ranked and marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Trouble,
    Unknown,
    InProgress,
    Idle,
    Fine,
}

impl Mark {
    fn emoji(self) -> &'static str {
        match self {
            Self::Trouble => "🔴",
            Self::Unknown => "❔",
            Self::InProgress => "⏳",
            Self::Idle => "⚪",
            Self::Fine => "🟢",
        }
    }
}

/// The whole answer.
pub fn answer(lines: &[Line<'_>], now: Timestamp) -> String {
    let (unseen, mut rows) = (unseen_hosts(lines), Vec::new());
    for line in lines.iter().filter(|line| !matches!(line.view, View::Blind(_) | View::Waiting)) {
        rows.push(row(line, lines.len() == 1, now));
    }
    // Stable: within a rank, the order of the config.
    rows.sort_by_key(|(mark, _)| *mark);
    let needy = rows.iter().filter(|(mark, _)| *mark <= Mark::Unknown).count();
    let verdict = verdict(lines.len(), needy, &unseen, &rows);
    let mut out: Vec<String> = verdict.into_iter().collect();
    out.extend(unseen.iter().take(HOSTS).map(|host| host.line.clone()));
    if unseen.len() > HOSTS {
        out.push(format!("🔴 and {} more hosts that were not seen", unseen.len() - HOSTS));
    }
    let (all, shown) = (rows.len(), most(&rows));
    let more: Vec<String> = [Mark::Trouble, Mark::Unknown, Mark::InProgress, Mark::Idle, Mark::Fine]
        .into_iter()
        .filter_map(|mark| {
            let left = rows[shown..].iter().filter(|(other, _)| *other == mark).count();
            (left > 0).then(|| format!("{left} {}", mark.emoji()))
        })
        .collect();
    out.extend(rows.into_iter().take(shown).map(|(mark, text)| format!("{} {text}", mark.emoji())));
    if shown < all {
        out.push(format!("and {} — name some, like {} or {}", more.join(", "), code("host:"), code("@tag")));
    }
    out.join("\n")
}

/// How many rows are shown one by one: the homeserver refuses a message that is
/// too large, and nobody reads hundreds of lines on a phone.
fn most(rows: &[(Mark, String)]) -> usize {
    const ALL: usize = 60;
    const SOME: usize = 40;
    if rows.len() <= ALL { rows.len() } else { SOME }
}

fn verdict(all: usize, needy: usize, unseen: &[Unseen], rows: &[(Mark, String)]) -> Option<String> {
    let blind: usize = unseen.iter().filter(|h| !h.waiting).map(|h| h.services).sum();
    let waiting: usize = unseen.iter().filter(|h| h.waiting).map(|h| h.services).sum();
    let troubled = needy + blind;
    if all == 0 {
        return Some(NO_SERVICES.to_owned());
    }
    // One service is its own verdict.
    if all == 1 && rows.len() == 1 {
        return None;
    }
    let so_far = if waiting > 0 { format!(", {waiting} not heard from yet") } else { String::new() };
    Some(match troubled {
        0 if waiting == all => format!("⏳ asking about {all} …"),
        0 => {
            let idle = rows.iter().filter(|(mark, _)| *mark == Mark::Idle).count();
            let idle = if idle > 0 { format!(", {idle} stopped") } else { String::new() };
            format!("🟢 **nothing needs attention** ({all} services{idle}{so_far})")
        }
        1 => format!("🔴 **1 of {all} needs attention**{so_far}"),
        n => format!("🔴 **{n} of {all} need attention**{so_far}"),
    })
}

struct Unseen {
    services: usize,
    waiting: bool,
    line: String,
}

/// One line per host that has not answered, however many services it has.
fn unseen_hosts(lines: &[Line<'_>]) -> Vec<Unseen> {
    let mut hosts: Vec<(&HostName, Option<&SnapshotError>, Vec<&str>)> = Vec::new();
    for line in lines {
        let trouble = match line.view {
            View::Seen(_) => continue,
            View::Waiting => None,
            View::Blind(trouble) => Some(trouble),
        };
        let name = line.service.name.as_str();
        match hosts.iter_mut().find(|(host, ..)| **host == line.service.host) {
            Some((_, _, services)) => services.push(name),
            None => hosts.push((&line.service.host, trouble, vec![name])),
        }
    }
    // Known trouble before mere waiting.
    hosts.sort_by_key(|(_, trouble, _)| trouble.is_none());
    hosts
        .into_iter()
        .map(|(host, trouble, services)| {
            let names = named(&services);
            let line = match trouble {
                None => format!("⏳ **{}** — no answer yet ({names})", escape(host.as_str())),
                Some(trouble) => {
                    format!("{}\n{names}: not known", blind(host, trouble))
                }
            };
            Unseen { services: services.len(), waiting: trouble.is_none(), line }
        })
        .collect()
}

/// The names of services, as far as a line holds them.
fn named(services: &[&str]) -> String {
    const NAMED: usize = 12;
    let names = services.iter().take(NAMED).map(|s| escape(s)).collect::<Vec<_>>().join(", ");
    match services.len().saturating_sub(NAMED) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

/// "🔴 spark-2 unreachable — connection refused".
pub fn blind(host: &HostName, trouble: &SnapshotError) -> String {
    let what = match trouble {
        SnapshotError::Unreachable(_) => "unreachable",
        SnapshotError::Engine(_) => "its container engine does not answer",
        SnapshotError::Unclear(_) => "no clear answer",
        SnapshotError::Busy(_) => "not looked at",
    };
    format!("🔴 **{}** {what} — {}", escape(host.as_str()), escape(trouble.cause()))
}

fn row(line: &Line<'_>, alone: bool, now: Timestamp) -> (Mark, String) {
    let name = format!("**{}**", escape(line.service.name.as_str()));
    let View::Seen(seen) = &line.view else { return (Mark::Unknown, name) };
    if let Some(operation) = line.active {
        let (actor, since) = (operation.origin.actor(), span::since(operation.began, now));
        let text = format!("{name} — {} by {}, {since}", operation.change.doing(), escape(actor.short()));
        return (Mark::InProgress, text);
    }
    let (mark, state) =
        if seen.members.is_empty() { one(seen, Known::whole(line), now) } else { project(line, seen, alone, now) };
    (mark, format!("{name} — {state}"))
}

/// "up 2 h, healthy" of one thing, and how much it matters.
fn one(seen: &Observation, known: Known<'_>, now: Timestamp) -> (Mark, String) {
    rest(seen, known, now).map_or_else(|| state(seen, known.looping, now), |rest| (Mark::Idle, rest))
}

/// "4 of 4 up", with the members that somebody should look at; with all of them
/// when it is asked about `alone`.
fn project(line: &Line<'_>, seen: &Observation, alone: bool, now: Timestamp) -> (Mark, String) {
    /// Members that are shown one by one.
    const SHOWN: usize = 20;
    let names: Vec<&Member> = seen.members.iter().map(|(member, _)| member).collect();
    let mut done = 0;
    let mut rows: Vec<(Mark, String)> = Vec::new();
    for (member, seen) in &seen.members {
        let known = Known::member(line, member);
        let finished = known.stopped.is_none() && seen.state.is_done();
        done += usize::from(finished);
        let (mark, state) = if finished { (Mark::Idle, done_since(seen, now)) } else { one(seen, known, now) };
        let note = seen.note.as_ref().map_or(String::new(), |note| format!("; {}", escape(note)));
        rows.push((mark, format!("{} — {state}{note}", escape(&member.shown(names.iter().copied())))));
    }
    // What is missed has no container that could be seen.
    let known = line.known.map(Detector::members).unwrap_or_default();
    for member in known.into_iter().filter(|member| !names.contains(member)) {
        if let Some(problem) = line.known.and_then(|known| known.member(member)?.open()) {
            rows.push((
                Mark::Trouble,
                format!("{} — {}", escape(&member.shown(names.iter().copied())), problem.kind.name()),
            ));
        }
    }
    let idle = rows.iter().filter(|(mark, _)| *mark == Mark::Idle).count();
    let up = rows.iter().filter(|(mark, _)| *mark == Mark::Fine).count();
    let worst = rows.iter().map(|(mark, _)| *mark).min().unwrap_or(Mark::Unknown);
    // What rests beside others that run is no reason to look.
    let mark = if worst == Mark::Idle && up > 0 { Mark::Fine } else { worst };
    let head = match (up, rest(seen, Known::whole(line), now)) {
        (0, Some(rest)) if mark == Mark::Idle => rest,
        _ => {
            let stopped = idle - done;
            let mut head = format!("{up} of {} up", rows.len() - idle);
            for (count, how) in [(stopped, "stopped"), (done, "done")] {
                if count > 0 {
                    head.push_str(&format!(", {count} {how}"));
                }
            }
            head
        }
    };
    if !alone {
        rows.retain(|(mark, _)| *mark <= Mark::Unknown);
    }
    // What rests comes last: beside the others it is no news.
    rows.sort_by_key(|(mark, _)| (*mark == Mark::Idle, *mark));
    let more = rows.len().saturating_sub(SHOWN);
    rows.truncate(SHOWN);
    let mut text = head;
    for (mark, row) in rows {
        text.push_str(&format!("\n· {} {row}", mark.emoji()));
    }
    if more > 0 {
        text.push_str(&format!("\n· and {more} more"));
    }
    (mark, text)
}

/// What a project runs once has done its work.
fn done_since(seen: &Observation, now: Timestamp) -> String {
    seen.since.map_or_else(|| "done".to_owned(), |at| format!("done, {} ago", span::since(at, now)))
}

/// Why it is well that it does not run, if it is.
fn rest(seen: &Observation, known: Known<'_>, now: Timestamp) -> Option<String> {
    match (&seen.state, known.stopped) {
        (State::Exited(_) | State::Created, Some((by, at))) => {
            let by = match by {
                Who::Operator(actor) => escape(actor.short()),
                Who::Outside => "hand".to_owned(),
            };
            Some(format!("stopped by {by}, {} ago", span::since(at, now)))
        }
        (State::NotDeployed, Some((Who::Operator(actor), at))) => {
            Some(format!("stopped by {}, {} ago", escape(actor.short()), span::since(at, now)))
        }
        (State::NotDeployed, _) if known.optional => Some("not deployed, and optional".to_owned()),
        (State::Exited(_) | State::Created | State::NotDeployed, _) => None,
        (State::Running | State::Restarting { .. } | State::Paused | State::Removing | State::Unknown(_), _) => None,
    }
}

/// "up 2 h, healthy" and how much it matters.
fn state(seen: &Observation, looping: Option<&Problem>, now: Timestamp) -> (Mark, String) {
    if let Some(task) = seen.task
        && let Some(state) = task_state(seen, task, now)
    {
        return state;
    }
    let ago = |prefix: &str| seen.since.map_or(String::new(), |t| format!("{prefix}{}", span::since(t, now)));
    let restarts = match seen.restarts {
        0 => String::new(),
        1 => ", restarted once".to_owned(),
        n => format!(", restarted {n}×"),
    };
    match &seen.state {
        State::Restarting { last } => (Mark::Trouble, format!("crash loop, {}{restarts}", last.explain())),
        State::Running if let Some(found) = looping => {
            let text = format!(
                "crash loop, {}{}× in {} (up {} just now)",
                found.last.as_ref().map_or(String::new(), |last| format!("{}, ", last.death.explain())),
                found.deaths,
                span::since(found.since, now),
                ago("")
            );
            (Mark::Trouble, text)
        }
        State::Running if restless(seen, now) => {
            (Mark::Trouble, format!("keeps restarting: up{} just now{restarts}", ago(" ")))
        }
        State::Running => match seen.health {
            Health::Unhealthy => (Mark::Trouble, format!("running but **unhealthy**, up{}{restarts}", ago(" "))),
            Health::Starting => (Mark::Fine, format!("up{}, health check starting{restarts}", ago(" "))),
            Health::Healthy => (Mark::Fine, format!("up{}, healthy{restarts}", ago(" "))),
            Health::None => (Mark::Fine, format!("up{}{restarts}", ago(" "))),
        },
        State::Exited(death) => exited(*death, &ago(" ")),
        State::Paused => (Mark::Trouble, "paused".to_owned()),
        State::Created => (Mark::Trouble, "created, never started".to_owned()),
        State::Removing => (Mark::Trouble, "being removed".to_owned()),
        State::NotDeployed => (Mark::Trouble, "not deployed".to_owned()),
        State::Unknown(why) => (Mark::Unknown, format!("not known: {}", escape(why))),
    }
}

/// How the last run of what does one thing went, and when the next is.
fn task_state(seen: &Observation, task: Task, now: Timestamp) -> Option<(Mark, String)> {
    let ago = seen.since.map(|since| format!("{} ago", span::since(since, now)));
    let next = task.next.filter(|next| *next > now).map(|next| format!("; next in {}", span::since(now, next)));
    let next = next.unwrap_or_default();
    match (&seen.state, ago) {
        (State::Exited(_), Some(ago)) if seen.state.is_done() => Some((Mark::Fine, format!("succeeded {ago}{next}"))),
        (State::Exited(_), None) if seen.state.is_done() => Some((Mark::Fine, format!("no run of it is known{next}"))),
        (State::Exited(death), ago) => {
            let ago = ago.map_or(String::new(), |ago| format!(", {ago}"));
            Some((Mark::Trouble, format!("failed, {}{ago}{next}", death.explain())))
        }
        (State::Running, ago) => Some((
            Mark::Fine,
            ago.map_or("runs now".to_owned(), |ago| format!("runs now, since {}", ago.trim_end_matches(" ago"))),
        )),
        (State::Restarting { .. } | State::Paused | State::Created, _) => None,
        (State::Removing | State::NotDeployed | State::Unknown(_), _) => None,
    }
}

/// Caught in the moment in which a crash loop runs: green would be a lie.
fn restless(seen: &Observation, now: Timestamp) -> bool {
    /// Docker waits a minute at most between two restarts.
    const STEADY: SignedDuration = SignedDuration::from_secs(60);
    seen.restarts >= 3 && seen.since.is_some_and(|since| now.duration_since(since) < STEADY)
}

/// A clean end, or one that a stop asked for, is no trouble by itself.
fn exited(death: Death, ago: &str) -> (Mark, String) {
    let ago = if ago.is_empty() { String::new() } else { format!(",{ago} ago") };
    let mark = if death.code == 0 && !death.oom { Mark::Idle } else { Mark::Trouble };
    (mark, format!("stopped, {}{ago}", death.explain()))
}
