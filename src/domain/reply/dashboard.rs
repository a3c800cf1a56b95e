//! The dashboard: the verdict, what is in trouble, what goes on.
//!
//! Its times are moments and not lengths: it is edited when something changes,
//! and a length would be wrong a minute later.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{NO_SERVICES, alert};
use crate::domain::{
    incident::{Cause, Incident},
    inventory::{Inventory, Service},
    message::{escape, quote},
    names::ServiceName,
    operation::Operation,
    silence::Silence,
    subject::Subject,
    watch::{HostProblem, Kind, Level, Standing, Who},
};

/// Lines of one kind: what fits a phone.
const LINES: usize = 12;

/// What it is made from.
#[derive(Debug)]
pub struct View<'a> {
    /// What is managed.
    pub inventory: &'a Inventory,
    /// How each service stands, in the order of the config.
    pub standing: Vec<(&'a Service, Standing)>,
    /// What is wrong, oldest first, and whether that is silent.
    pub open: Vec<(&'a Incident, bool)>,
    /// What notifies nobody for a while.
    pub silences: Vec<&'a Silence>,
    /// Changes that go on.
    pub active: Vec<&'a Operation>,
}

/// All but the time of it.
pub fn content(view: &View<'_>) -> String {
    let mut lines = vec![verdict(view)];
    // What notifies before what only wants to be known.
    let ranked = |level: Level| view.open.iter().filter(move |(incident, _)| incident.cause.level() == level);
    let open =
        ranked(Level::Page).chain(ranked(Level::Note)).map(|(incident, silent)| trouble(incident, *silent, view));
    lines.extend(bounded(open.collect()));
    lines.extend(bounded(view.active.iter().map(|operation| in_progress(operation)).collect()));
    lines.extend(bounded(idle(view).map(|(service, standing)| resting(service, standing)).collect()));
    lines.extend(bounded(view.silences.iter().map(|silence| silenced(silence)).collect()));
    lines.join("\n")
}

/// Its last line.
pub fn updated(now: Timestamp) -> String {
    format!("Updated {}", clock(now))
}

fn verdict(view: &View<'_>) -> String {
    let all = view.standing.len();
    let needy = needy(view);
    let others = others(view);
    if all == 0 {
        return NO_SERVICES.to_owned();
    }
    match needy.len() {
        0 if !others.is_empty() => format!("🔴 **{} nearly full**, {}", disks(&others), well(view)),
        0 if unseen(view) > 0 => format!("⏳ **{}**", well(view)),
        0 => format!("🟢 **{}**", well(view)),
        1 => format!("🔴 **1 of {all} needs attention**"),
        n => format!("🔴 **{n} of {all} need attention**"),
    }
}

/// The services that somebody has to look after: those in trouble, and those
/// on hosts that cannot be seen.
fn needy<'a>(view: &'a View<'_>) -> BTreeSet<&'a ServiceName> {
    let pages = view.open.iter().filter(|(incident, _)| incident.cause.level() == Level::Page);
    let mut needy = BTreeSet::new();
    for (incident, _) in pages {
        match &incident.subject {
            Subject::Service(name) => needy.extend(view.inventory.service(name).map(|service| &service.name)),
            Subject::Host(host) => needy.extend(view.inventory.on_host(host).map(|service| &service.name)),
            Subject::Disk(_) => {}
        }
    }
    needy
}

fn others<'a>(view: &'a View<'_>) -> Vec<&'a str> {
    let disks = view.open.iter().filter_map(|(incident, _)| match &incident.subject {
        Subject::Disk(host) => Some(host.as_str()),
        Subject::Service(_) | Subject::Host(_) => None,
    });
    disks.collect()
}

fn disks(hosts: &[&str]) -> String {
    match hosts {
        [host] => format!("{}: a disk is", escape(host)),
        hosts => format!("disks of {} hosts are", hosts.len()),
    }
}

fn unseen(view: &View<'_>) -> usize {
    view.standing.iter().filter(|(_, standing)| *standing == Standing::Unseen).count()
}

/// "all 12 services well", "9 of 12 services well, 2 stopped, 1 not seen yet".
fn well(view: &View<'_>) -> String {
    let all = view.standing.len();
    let unseen = unseen(view);
    let idle = idle(view).count();
    let services = if all == 1 { "service" } else { "services" };
    let mut text = match all - unseen - idle {
        well if well == all && all == 1 => "the one service is well".to_owned(),
        well if well == all => format!("all {all} services well"),
        well => format!("{well} of {all} {services} well"),
    };
    if idle > 0 {
        text.push_str(&format!(", {idle} not running"));
    }
    if unseen > 0 {
        text.push_str(&format!(", {unseen} not seen yet"));
    }
    text
}

/// Services that do not run, without anything being wrong.
fn idle<'a>(view: &'a View<'_>) -> impl Iterator<Item = (&'a Service, &'a Standing)> {
    let busy = |service: &Service| view.active.iter().any(|operation| operation.service == service.name);
    let needy = needy(view);
    view.standing.iter().filter_map(move |(service, standing)| match standing {
        Standing::Up | Standing::Unseen => None,
        Standing::Paused | Standing::Stopped(_) | Standing::Absent => {
            (!needy.contains(&service.name) && !busy(service)).then_some((*service, standing))
        }
    })
}

fn resting(service: &Service, standing: &Standing) -> String {
    let how = match standing {
        Standing::Paused => "paused".to_owned(),
        Standing::Absent => "not deployed".to_owned(),
        Standing::Stopped(Some(Who::Operator(user))) => format!("stopped by {}", escape(user.short())),
        Standing::Stopped(Some(Who::Outside)) => "stopped outside of me".to_owned(),
        Standing::Stopped(None) => "not running".to_owned(),
        Standing::Up | Standing::Unseen => String::new(),
    };
    format!("⚪ **{}** — {how}", escape(service.name.as_str()))
}

fn trouble(incident: &Incident, silent: bool, view: &View<'_>) -> String {
    let (name, what) = match (&incident.subject, &incident.cause) {
        (Subject::Service(service), Cause::Service(problem)) => {
            let cause = match (&problem.last, problem.kind) {
                (Some(last), Kind::CrashLoop | Kind::Failed | Kind::Exited | Kind::Crashed) => {
                    format!(", {}", last.death.explain())
                }
                (Some(_) | None, _) => String::new(),
            };
            (alert::titled(service, problem), format!("{}{cause}", problem.kind.name()))
        }
        (Subject::Host(host), trouble) => {
            let what = match trouble {
                Cause::Host(HostProblem::EngineDown { .. }) => "its container engine does not answer",
                Cause::Host(HostProblem::Unreachable { .. } | HostProblem::DiskFull(_)) | Cause::Service(_) => {
                    "unreachable"
                }
            };
            let services = match view.inventory.on_host(host).count() {
                1 => "1 service".to_owned(),
                count => format!("{count} services"),
            };
            (host.to_string(), format!("{what}, {services} not seen"))
        }
        (Subject::Disk(host), _) => (host.to_string(), "disk nearly full".to_owned()),
        (Subject::Service(service), Cause::Host(_)) => (service.to_string(), "in trouble".to_owned()),
    };
    let mark = match incident.cause.level() {
        Level::Page => "🔴",
        Level::Note => "🟡",
    };
    let known = match &incident.acknowledged {
        Some((by, _)) => format!(" · 👀 {}", escape(by.short())),
        None if silent => " · 🔕".to_owned(),
        None => String::new(),
    };
    format!("{mark} **{}** — {what}, since {} · alert {}{known}", escape(&name), clock(incident.opened), incident.id.0)
}

fn in_progress(operation: &Operation) -> String {
    format!(
        "⏳ **{}** — {} by {} since {} · #{}",
        escape(&operation.target().to_string()),
        operation.change.doing(),
        escape(operation.origin.actor().short()),
        clock(operation.began),
        operation.id.0
    )
}

fn silenced(silence: &Silence) -> String {
    let reason = silence.reason.as_ref().map_or(String::new(), |why| format!(": {}", escape(why)));
    let by = escape(silence.by.short());
    format!("🔕 {} until {}, by {by}{reason}", quote(&silence.selector), clock(silence.until))
}

fn bounded(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > LINES {
        let more = lines.len() - LINES;
        lines.truncate(LINES);
        lines.push(format!("and {more} more"));
    }
    lines
}

/// With its day: who looks at it may do so days later.
fn clock(at: Timestamp) -> String {
    at.strftime("%-d %b %H:%M UTC").to_string()
}
