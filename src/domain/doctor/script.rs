//! The one command line that examines a host, however many services and logins
//! are on it.

use std::time::Duration;

use crate::domain::{
    inventory::{Service, Strategy},
    names::LoginName,
    shell,
};

/// What runs on the host. Shown as a file of its own, so that an administrator
/// can read it in a minute.
const FUNCTIONS: &str = include_str!("host.sh");

/// Marks where one login's answers begin, in both streams.
pub(super) const SECTION: &str = "::doctor-as ";

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

/// Whether its changes go through Compose.
pub(super) fn needs_compose(service: &Service) -> bool {
    service.dir.is_some()
        && match service.update.strategy {
            Strategy::ComposeGit | Strategy::ComposePull => true,
            Strategy::Command { .. } => false,
        }
}

/// Whether its directory is a clone.
pub(super) fn needs_git(service: &Service) -> bool {
    service.dir.is_some()
        && match service.update.strategy {
            Strategy::ComposeGit => true,
            Strategy::ComposePull | Strategy::Command { .. } => false,
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

/// What one login is asked: itself, its engine and tools where one of its
/// services needs them, and its services.
fn section(login: Option<&LoginName>, services: &[Service]) -> String {
    let own: Vec<(usize, &Service)> =
        services.iter().enumerate().filter(|(_, service)| service.run_as.as_ref() == login).collect();
    let mut text = format!("{FUNCTIONS}\nlogin\ndocker=1\n");
    if !own.is_empty() {
        text.push_str("engine\ndocker=$?\n");
    }
    if own.iter().any(|(_, service)| needs_compose(service)) {
        text.push_str("compose_itself\n");
    }
    if own.iter().any(|(_, service)| needs_git(service)) {
        text.push_str("git_itself\n");
    }
    for batch in own.chunks(AT_ONCE) {
        for (number, service) in batch {
            let mut line = format!("service {number} {}", shell::quote(service.container.as_str()));
            if let Some(dir) = &service.dir {
                let (dir, branch) = (shell::quote(dir.as_str()), shell::quote(service.branch.as_str()));
                line.push_str(&format!(" {} {dir} {branch}", service.update.strategy.name()));
            }
            text.push_str(&format!("{line} &\n"));
        }
        text.push_str("wait\n");
    }
    text.push_str("say done - 0\n");
    text
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
    fn no_comment_is_sent_but_the_files_own_and_each_login_is_asked_once() {
        let text = command(&[]);
        assert!(text.starts_with("echo '::doctor-as '"), "{text}");
        assert_eq!(logins(&[]), [None]);
        assert!(!text.contains("engine\ndocker="), "a host without services needs no engine");
        assert_eq!(limit(&[]), Duration::from_secs(45));
    }
}
