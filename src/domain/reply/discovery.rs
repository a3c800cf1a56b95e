//! What was found on a host, and what is not there any more.

use crate::domain::{
    inventory::Inventory,
    message::{code, escape},
    names::HostName,
    rights::Rights,
    roster::{Changes, FoundService},
};

/// Services that a message names.
const NAMED: usize = 15;

/// New services.
pub fn found(host: &HostName, changes: &Changes, inventory: &Inventory, prefix: &str) -> String {
    let host_name = escape(host.as_str());
    let mut lines = vec![match changes.added.len() {
        1 => format!("🔎 **Found on {host_name}**: 1 service"),
        count => format!("🔎 **Found on {host_name}**: {count} services"),
    }];
    let line = |found: &FoundService| {
        let (name, own) = (escape(found.name.as_str()), found.workload.name());
        let own = if own == found.name.as_str() { String::new() } else { format!(" {}", code(own)) };
        format!("**{name}** — {}{own}", found.workload.noun())
    };
    lines.extend(changes.added.iter().take(NAMED).map(line));
    let more = changes.added.len().saturating_sub(NAMED);
    if more > 0 {
        lines.push(format!("and {more} more — {} shows them.", code(&format!("{prefix}status {host}:"))));
    }
    if changes.left_out > 0 {
        let left_out = changes.left_out;
        lines.push(format!("⚠️ {left_out} more were left out: one host brings 200 at most. Narrow its `discover`."));
    }
    let discover = inventory.hosts.iter().find(|known| known.name == *host).and_then(|host| host.discover.as_ref());
    lines.push(match discover.map(|policy| policy.rights) {
        Some(Rights::Restart) => "To be restarted, stopped and started; watched, with status and logs.".to_owned(),
        Some(Rights::Read | Rights::Change) | None => "Read only: watched, with status and logs.".to_owned(),
    });
    lines.join("\n")
}

/// Services that are not there any more.
pub fn gone(host: &HostName, gone: &[FoundService]) -> String {
    let names: Vec<String> = gone.iter().take(NAMED).map(|gone| escape(gone.name.as_str())).collect();
    let more = gone.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("➖ **Gone from {}**: {}{more}", escape(host.as_str()), names.join(", "))
}

/// A runtime does not show what it runs.
pub fn not_shown(host: &HostName, said: &str) -> String {
    let command = code(&format!("opsroom discover {host}"));
    format!("⚠️ **Cannot look for services on {}**\n{}\n{command} tries again.", escape(host.as_str()), escape(said))
}
