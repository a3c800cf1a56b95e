//! The one command line that examines a host, however many services, runtimes
//! and logins are on it.

use std::time::Duration;

use super::answers::SECTION;
use crate::domain::{
    inventory::{Service, Strategy},
    names::LoginName,
    runtime::by_runtime,
    shell,
};

/// What runs on the host. Shown as a file of its own, so that an administrator
/// can read it in a minute.
const FUNCTIONS: &str = include_str!("host.sh");

/// Services examined side by side: most of it is waiting for git servers.
const AT_ONCE: usize = 4;

/// The logins of a host's services, the SSH login (none) always first.
pub(super) fn logins(services: &[Service]) -> Vec<Option<&LoginName>> {
    let mut logins = vec![None];
    for login in services.iter().map(|service| service.run_as.as_ref()) {
        if !logins.contains(&login) {
            logins.push(login);
        }
    }
    logins
}

/// Whether its directory is a clone.
fn needs_git(service: &Service) -> bool {
    service.dir.is_some()
        && match service.update.strategy {
            Strategy::ComposeGit | Strategy::Git { .. } => true,
            Strategy::ComposePull | Strategy::Pull | Strategy::Command { .. } => false,
        }
}

/// The command that examines a host and these services on it.
pub fn command(services: &[Service]) -> String {
    let parts: Vec<String> = logins(services)
        .into_iter()
        .map(|login| {
            let mark = shell::quote(&format!("{SECTION}{}", login.map_or("", |l| l.as_str())));
            format!("echo {mark}; echo {mark} >&2; {}", shell::script(login, &section(login, services)))
        })
        .collect();
    parts.join("; ")
}

/// What one login is asked: itself, what runs its services and the tools they
/// need, and its services.
fn section(login: Option<&LoginName>, services: &[Service]) -> String {
    let own: Vec<(usize, &Service)> =
        services.iter().enumerate().filter(|(_, service)| service.run_as.as_ref() == login).collect();
    let runtimes = by_runtime(own.iter().map(|(_, service)| *service));
    let functions = runtimes.iter().map(|(runtime, _)| runtime.doctor().functions());
    let mut text = [FUNCTIONS].into_iter().chain(functions).collect::<Vec<_>>().join("\n");
    text.push_str("\nlogin\n");
    for (runtime, services) in &runtimes {
        text.push_str(&runtime.doctor().ask_login(services));
    }
    if own.iter().any(|(_, service)| needs_git(service)) {
        text.push_str("git_itself\n");
    }
    for batch in own.chunks(AT_ONCE) {
        for (number, service) in batch {
            text.push_str(&format!("{{ {}; }} &\n", ask(*number, service)));
        }
        text.push_str("wait\n");
    }
    text.push_str("say done - 0\n");
    text
}

/// What is asked of one service, as one command.
fn ask(number: usize, service: &Service) -> String {
    let doctor = service.workload.runtime().doctor();
    let mut parts = Vec::new();
    if let Some(dir) = &service.dir {
        let mut inside = format!("enter {number} {} || exit", shell::quote(dir.as_str()));
        if needs_git(service) {
            inside.push_str(&format!("; examine_clone {number} {}", shell::quote(service.branch.as_str())));
        }
        let own = doctor.ask_directory(number, service);
        if !own.is_empty() {
            inside.push_str(&format!("; {own}"));
        }
        parts.push(format!("({inside})"));
    }
    parts.push(doctor.ask_service(number, service));
    parts.push(format!("say done {number} 0"));
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}

/// How long it may take, the connection included. Each question has its own
/// limit of 15 to 20 s on the host; a healthy host needs a second or two.
pub fn limit(services: &[Service]) -> Duration {
    let batches = u32::try_from(services.len().div_ceil(AT_ONCE)).unwrap_or(u32::MAX);
    Duration::from_secs(45)
        .saturating_add(Duration::from_secs(15).saturating_mul(batches))
        .min(Duration::from_secs(300))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_login_is_asked_once_and_a_host_without_services_about_itself_alone() {
        let text = command(&[]);
        assert!(text.starts_with("echo '::doctor-as '"), "{text}");
        assert_eq!(logins(&[]), [None]);
        assert!(!text.contains("wait"), "{text}");
        assert_eq!(limit(&[]), Duration::from_secs(45));
    }
}
