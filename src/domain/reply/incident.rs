//! Incidents: one message each that is edited as it develops, and lists of them.

use jiff::Timestamp;

use super::{alert, span};
use crate::domain::{
    incident::{Cause, Incident, Resolution},
    inventory::Inventory,
    message::{code, escape, quote},
    silence::Silence,
    subject::Subject,
    watch::{Closed, Kind},
};

/// Incidents that a message names one by one.
const NAMED: usize = 15;

/// What is told of incidents that are told in one message. `over` are those of
/// them that have ended.
pub fn told(open: &[&Incident], over: &[&Incident], inventory: &Inventory, now: Timestamp) -> String {
    match (open, over) {
        ([one], []) => alone(one, inventory, now),
        ([], [one]) => format!("✅ Over: {}", line(one, inventory, now)),
        (open, over) => together(open, over, inventory, now),
    }
}

/// What is left of a message when a newer one tells of its incident.
pub fn superseded(incident: &Incident, inventory: &Inventory, now: Timestamp) -> String {
    format!("↪️ A newer message tells of it: {}", line(incident, inventory, now))
}

fn alone(incident: &Incident, inventory: &Inventory, now: Timestamp) -> String {
    let log = incident.log.as_ref().map(|log| log.as_ref().map(String::as_str).map_err(String::as_str));
    let mut text = match (&incident.cause, &incident.subject) {
        (Cause::Service(problem), Subject::Service(name)) => match inventory.service(name) {
            Some(service) => alert::opened(service, problem, log, now),
            None => format!("🔴 **{}** is in trouble", escape(name.as_str())),
        },
        (Cause::Host(problem), Subject::Host(host) | Subject::Disk(host)) => {
            alert::host_opened(host, problem, inventory.on_host(host).count(), now)
        }
        (Cause::Service(_), Subject::Host(host) | Subject::Disk(host)) => {
            format!("🔴 **{}** is in trouble", escape(host.as_str()))
        }
        (Cause::Host(_), Subject::Service(name)) => format!("🔴 **{}** is in trouble", escape(name.as_str())),
    };
    text.push_str(&match &incident.acknowledged {
        Some((by, _)) => format!("\n👀 {} is on it", escape(by.short())),
        None if incident.is_held() => format!("\n🔕 Silenced · {}", number(incident)),
        None => {
            let words = [code("ack"), code("logs"), code("silence 1h")];
            format!("\nReply {}, {} or {} · {}", words[0], words[1], words[2], number(incident))
        }
    });
    text
}

fn together(open: &[&Incident], over: &[&Incident], inventory: &Inventory, now: Timestamp) -> String {
    let all = open.len() + over.len();
    let place = place(open.iter().chain(over), inventory);
    let head = match (open.len(), over.len()) {
        (0, _) => format!("✅ **All {all} are over**{place}"),
        (_, 0) => format!("🔴 **{all} in trouble at once**{place}"),
        (left, _) => format!("🔴 **{left} of {all} still in trouble**{place}"),
    };
    let mut lines = vec![head];
    lines.extend(open.iter().take(NAMED).map(|incident| format!("🔴 {}", line(incident, inventory, now))));
    if open.len() > NAMED {
        lines.push(format!("and {} more", open.len() - NAMED));
    }
    let seen: std::collections::BTreeSet<&str> =
        open.iter().filter_map(|i| i.acknowledged.as_ref()).map(|(by, _)| by.short()).collect();
    lines.extend(seen.iter().map(|by| format!("👀 {} is on it", escape(by))));
    lines.join("\n")
}

/// " on spark-1", when all are there.
fn place<'a>(incidents: impl Iterator<Item = &'a &'a Incident>, inventory: &Inventory) -> String {
    let hosts: std::collections::BTreeSet<String> = incidents
        .map(|incident| match &incident.subject {
            Subject::Service(name) => inventory.service(name).map_or(String::new(), |s| s.host.as_str().to_owned()),
            Subject::Host(host) | Subject::Disk(host) => host.as_str().to_owned(),
        })
        .collect();
    match hosts.iter().collect::<Vec<_>>()[..] {
        [host] if !host.is_empty() => format!(" on {}", escape(host)),
        _ => String::new(),
    }
}

/// One incident in a list.
fn line(incident: &Incident, inventory: &Inventory, now: Timestamp) -> String {
    let name = |text: &str| format!("**{}**", escape(text));
    let lasts = span::since(incident.opened, now);
    match (&incident.subject, &incident.cause) {
        (Subject::Service(service), Cause::Service(problem)) => {
            let cause = match (&problem.last, problem.kind) {
                (Some(last), Kind::CrashLoop | Kind::Failed | Kind::Exited | Kind::Crashed) => {
                    format!(", {}", last.death.explain())
                }
                (Some(_) | None, _) => String::new(),
            };
            let also = match problem.also.len() {
                0 => String::new(),
                1 => " and 1 other member".to_owned(),
                more => format!(" and {more} other members"),
            };
            format!("{}{also} — {}{cause}, for {lasts}", name(&alert::titled(service, problem)), problem.kind.name())
        }
        (Subject::Host(host), _) => {
            format!(
                "{} — cannot be seen, for {lasts}; {} services",
                name(host.as_str()),
                inventory.on_host(host).count()
            )
        }
        (Subject::Disk(host), _) => format!("{} — disk nearly full, for {lasts}", name(host.as_str())),
        (Subject::Service(service), Cause::Host(_)) => format!("{}, for {lasts}", name(service.as_str())),
    }
}

/// Troubles that are over, told together.
pub fn over(incidents: &[Incident], inventory: &Inventory) -> String {
    if let [one] = incidents {
        return ended(one, inventory);
    }
    let references: Vec<&Incident> = incidents.iter().collect();
    let place = place(references.iter(), inventory);
    let recovered =
        |i: &&&Incident| !matches!(&i.end, Some((Resolution::Service(Closed::Stopped(_)) | Resolution::Gone, _)));
    let well = references.iter().filter(recovered).count();
    let head = match (well, incidents.len() - well) {
        (well, 0) => format!("✅ **{well} recovered**{place}"),
        (0, stopped) => format!("⚪ **{stopped} were stopped or are gone**{place}; their trouble is over"),
        (well, stopped) => format!("✅ **{well} recovered, {stopped} were stopped or are gone**{place}"),
    };
    let names = incidents.iter().take(NAMED).map(|i| escape(subject(&i.subject))).collect::<Vec<_>>().join(", ");
    let more = incidents.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{head}\n{names}{more}")
}

fn ended(incident: &Incident, inventory: &Inventory) -> String {
    let name = subject(&incident.subject);
    match (&incident.end, &incident.subject) {
        (Some((Resolution::Service(closed), _)), Subject::Service(service)) if inventory.service(service).is_some() => {
            match inventory.service(service) {
                Some(service) => alert::closed(service, closed),
                None => String::new(),
            }
        }
        (Some((Resolution::Seen { from, to, missed }, _)), Subject::Host(host)) => {
            alert::host_seen(host, *from, *to, missed)
        }
        (Some((Resolution::DiskFree(disk), _)), Subject::Disk(host)) => alert::disk_free(host, disk),
        (Some((Resolution::Gone, _)), _) => format!("⚪ **{}** — no service any more", escape(name)),
        _ => format!("⚪ **{}** — its trouble is over", escape(name)),
    }
}

fn subject(subject: &Subject) -> &str {
    match subject {
        Subject::Service(name) => name.as_str(),
        Subject::Host(host) | Subject::Disk(host) => host.as_str(),
    }
}

/// Nobody has said that they know of it.
pub fn reminder(incidents: &[&Incident], inventory: &Inventory, prefix: &str, now: Timestamp) -> String {
    let mut lines = vec![format!("🔴 **{} still open, and nobody is on it**", count(incidents.len()))];
    lines.extend(incidents.iter().take(NAMED).map(|i| format!("{} · {}", line(i, inventory, now), number(i))));
    if incidents.len() > NAMED {
        lines.push(format!("and {} more", incidents.len() - NAMED));
    }
    lines.push(format!("{} ends the reminders.", code(&format!("{prefix}ack all"))));
    lines.join("\n")
}

fn count(alerts: usize) -> String {
    if alerts == 1 { "1 alert is".to_owned() } else { format!("{alerts} alerts are") }
}

fn number(incident: &Incident) -> String {
    format!("alert {}", incident.id.0)
}

/// All that is open, and what is silenced.
pub fn list(open: &[&Incident], silences: &[&Silence], inventory: &Inventory, prefix: &str, now: Timestamp) -> String {
    let mut lines = match open.len() {
        0 => vec!["🟢 **No alert is open**".to_owned()],
        count => vec![format!("🔴 **{} open**", self::count(count))],
    };
    for incident in open {
        let known = match &incident.acknowledged {
            Some((by, _)) => format!(" · 👀 {}", escape(by.short())),
            None => String::new(),
        };
        lines.push(format!("🔴 {} · {}{known}", line(incident, inventory, now), number(incident)));
    }
    lines.extend(silences.iter().map(|silence| format!("🔕 {}", silence_line(silence, now))));
    if open.iter().any(|incident| incident.acknowledged.is_none()) {
        lines.push(format!("{} says that you are on it.", code(&format!("{prefix}ack <number or service>"))));
    }
    lines.join("\n")
}

fn silence_line(silence: &Silence, now: Timestamp) -> String {
    let reason = silence.reason.as_ref().map_or(String::new(), |why| format!(": {}", escape(why)));
    format!(
        "{} is silent for {} more, by {}{reason}",
        quote(&silence.selector),
        span::rough(silence.until.duration_since(now)),
        escape(silence.by.short())
    )
}

/// Somebody is on it.
pub fn acknowledged(incidents: &[&Incident]) -> String {
    let names = incidents.iter().take(NAMED).map(|i| format!("**{}**", escape(subject(&i.subject))));
    let more = incidents.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        "👀 You are on {}{more}. Nobody is notified again unless it relapses or gets worse.",
        names.collect::<Vec<_>>().join(", ")
    )
}

/// Nothing of that name is open.
pub fn nothing_open(written: &str, prefix: &str) -> String {
    format!("No open alert is about {} — {} lists them.", quote(written), code(&format!("{prefix}alerts")))
}

/// It is silent from now on.
pub fn silenced(silence: &Silence, services: usize, prefix: &str, now: Timestamp) -> String {
    let services = if services == 1 { "1 service".to_owned() } else { format!("{services} services") };
    format!(
        "🔕 {} ({services}) notifies nobody for {}. {} ends that sooner.",
        quote(&silence.selector),
        span::rough(silence.until.duration_since(now)),
        code(&format!("{prefix}unsilence {}", silence.selector))
    )
}

/// It is not silent any more.
pub fn unsilenced(silences: &[Silence]) -> String {
    let names = silences.iter().map(|s| quote(&s.selector)).collect::<Vec<_>>().join(", ");
    format!("🔔 {names} notifies again.")
}

/// Nothing was silent.
pub fn not_silent(written: &str, prefix: &str) -> String {
    format!("{} is not silenced — {} lists what is.", quote(written), code(&format!("{prefix}alerts")))
}

/// What happened while the bot was away, and needs nobody.
pub fn while_away(
    host: &str,
    from: Timestamp,
    missed: &[(crate::domain::names::ServiceName, crate::domain::watch::Missed)],
    now: Timestamp,
) -> String {
    format!("ℹ️ **While I was away** ({}), on {}: {}.", span::since(from, now), escape(host), alert::meanwhile(missed))
}
