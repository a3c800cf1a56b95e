//! What was found on a host, and what is not there any more.

use crate::domain::{
    inventory::Inventory,
    message::{code, escape},
    names::HostName,
    rights::Rights,
    roster::{Changes, FoundService, MOST},
};

/// Services that a message names.
const NAMED: usize = 15;
/// Characters shown of what a tool said.
const LINE: usize = 160;

/// New services.
pub fn found(host: &HostName, changes: &Changes, inventory: &Inventory, prefix: &str) -> String {
    let discover = inventory.host(host).and_then(|host| host.discover.as_ref());
    let rights = match discover.map(|policy| policy.rights) {
        Some(Rights::Restart | Rights::Change) => "",
        Some(Rights::Read) | None => ", read-only",
    };
    let on = escape(host.as_str());
    let what = |found: &FoundService| {
        let own = found.workload.name();
        let own = if own == found.name.as_str() { String::new() } else { format!(" {}", code(own)) };
        format!("{}{own}", found.workload.noun())
    };
    let name = |found: &FoundService| escape(found.name.as_str());
    let mut lines = match &changes.added[..] {
        [one] => vec![format!("🔎 **{}** found on {on} — {}{rights}", name(one), what(one))],
        all => {
            let mut lines = vec![format!("🔎 **{} services found** on {on}{rights}", all.len())];
            lines.extend(all.iter().take(NAMED).map(|found| format!("· {} — {}", name(found), what(found))));
            lines
        }
    };
    let more = changes.added.len().saturating_sub(NAMED);
    if more > 0 {
        lines.push(format!("and {more} more — {} shows them.", code(&format!("{prefix}status {host}:"))));
    }
    if changes.left_out > 0 {
        lines.push(left_out(changes.left_out));
    }
    lines.join("\n")
}

/// Services that are not there any more.
pub fn gone(host: &HostName, gone: &[FoundService]) -> String {
    let names: Vec<String> = gone.iter().take(NAMED).map(|gone| escape(gone.name.as_str())).collect();
    let more = gone.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("➖ **Gone from {}**: {}{more}", escape(host.as_str()), names.join(", "))
}

/// Runtimes do not show what they run.
pub fn not_shown(host: &HostName, said: &[String]) -> String {
    let command = code(&format!("opsroom discover {host}"));
    let said: Vec<String> = said.iter().map(|line| quote_line(line)).collect();
    let host = escape(host.as_str());
    format!(
        "⚠️ **Cannot see everything that runs on {host}**\n{}\nI go on trying; {command} on my machine shows what is said.",
        said.join("\n")
    )
}

/// What a tool said, on one line of a phone or two.
fn quote_line(said: &str) -> String {
    let short: String = said.chars().take(LINE).collect();
    escape(&if short.len() < said.len() { format!("{short}…") } else { short })
}

fn left_out(count: usize) -> String {
    format!("⚠️ {count} more left out: a host may have at most {MOST} found services. Narrow its `discover`.")
}

/// More are there than a host may have.
pub fn too_many(host: &HostName, count: usize) -> String {
    format!("🔎 **{}**\n{}", escape(host.as_str()), left_out(count))
}
