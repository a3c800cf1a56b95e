//! `[[host]]`: a machine and the way there.

use std::{net::Ipv6Addr, time::Duration};

use super::{
    discover,
    host_key::HostKey,
    problem::At,
    schema,
    section::Section,
    settings::{HostKeys, HostSettings, Identity, SshSettings, Transport},
    surroundings::{Depth, Surroundings},
};
use crate::domain::{
    discovery,
    names::{HostName, LoginName},
    suggest::nearest,
};

/// A host as far as it could be read.
pub(super) struct HostDraft<'a> {
    /// Known even when the rest is wrong, so that references to it resolve.
    pub(super) name: At<HostName>,
    pub(super) jump: Option<At<&'a str>>,
    pub(super) is_local: bool,
    /// Set where it is one of several.
    pub(super) any_of: Vec<At<&'a str>>,
    discover: Option<discovery::Policy>,
    /// `None` when something about it is wrong, and reported.
    pub(super) transport: Option<Transport>,
}

impl HostDraft<'_> {
    /// The finished host; `jump` and `any_of` were found to resolve.
    pub(super) fn finish(self, jump: Option<HostName>, any_of: Vec<HostName>) -> Option<HostSettings> {
        let mut transport = self.transport?;
        match &mut transport {
            Transport::Ssh(ssh) => ssh.jump = jump,
            Transport::AnyOf(_) if any_of.is_empty() => return None,
            Transport::AnyOf(hosts) => *hosts = any_of,
            Transport::Local => {}
        }
        Some(HostSettings { name: self.name.value, transport, discover: self.discover })
    }
}

pub(super) fn read<'a>(section: &Section<'a>, outside: &Surroundings<'_>) -> Option<HostDraft<'a>> {
    let name = section.required("name", "give the name it has in the room, like \"web-1\"").and_then(|name| {
        super::service::full_stop(section, Some(name));
        let parsed = HostName::parse(name.value).map_err(|bad| section.problems.report_name(name.at, "name", bad));
        parsed.ok().map(|value| At { value, at: name.at })
    });
    if section.place("any_of").is_some() {
        return any_of(section, name?);
    }
    let is_local = match section.text("transport") {
        None | Some(At { value: "ssh", .. }) => false,
        Some(At { value: "local", .. }) => true,
        Some(At { value, at }) => {
            let near = nearest(value, &["ssh", "local"]).map(|near| format!("did you mean \"{near}\"? "));
            let advice = near.unwrap_or_default() + "\"ssh\" reaches another machine, \"local\" is the bot's own";
            section.problems.report(at, format!("`transport` is not known: {value:?}"), advice);
            return Some(HostDraft {
                name: name?,
                jump: None,
                is_local: false,
                any_of: vec![],
                discover: None,
                transport: None,
            });
        }
    };
    let transport = if is_local { local(section) } else { ssh(section, outside).map(|ssh| Transport::Ssh(ssh.into())) };
    let jump = section.text("jump").filter(|_| !is_local);
    let sessions = match &transport {
        Some(Transport::Ssh(ssh)) => Some((ssh.user.as_str(), ssh.max_sessions)),
        Some(Transport::Local | Transport::AnyOf(_)) | None => None,
    };
    let discover = section.table("discover", &schema::DISCOVER).and_then(|given| discover::read(&given, sessions));
    Some(HostDraft { name: name?, jump, is_local, any_of: vec![], discover, transport })
}

/// One of several hosts, whichever answers. What of them is right, their own sections say.
fn any_of<'a>(section: &Section<'a>, name: At<HostName>) -> Option<HostDraft<'a>> {
    for key in section.keys().filter(|key| !["name", "any_of", "discover"].contains(key)) {
        if let Some(at) = section.place(key) {
            section.problems.report(
                at,
                format!("`{key}` means nothing with `any_of`"),
                "each of those hosts has its own",
            );
        }
    }
    let any_of = section.texts("any_of");
    if any_of.is_empty() {
        let at = section.place("any_of").unwrap_or(section.at);
        section.problems.report(at, "`any_of` names no host", "name those that can be asked, or drop it");
    }
    let discover = section.table("discover", &schema::DISCOVER).and_then(|given| discover::read(&given, None));
    let transport = Some(Transport::AnyOf(Vec::new()));
    Some(HostDraft { name, jump: None, is_local: false, any_of, discover, transport })
}

fn local(section: &Section<'_>) -> Option<Transport> {
    for key in section.keys().filter(|key| !["name", "transport", "discover"].contains(key)) {
        if let Some(at) = section.place(key) {
            section.problems.report(at, format!("`{key}` means nothing for a local host"), "drop it");
        }
    }
    Some(Transport::Local)
}

fn ssh(section: &Section<'_>, outside: &Surroundings<'_>) -> Option<SshSettings> {
    let seconds = Duration::from_secs;
    let address = address(section);
    let user = section.required("user", "give the login that the bot uses on the host").and_then(|user| {
        LoginName::parse(user.value).map_err(|bad| section.problems.report_name(user.at, "user", bad)).ok()
    });
    let identity = identity(section, outside);
    let port = section.number("port", 22, 1..=u32::from(u16::MAX));
    let host_keys = host_keys(section, outside, address, port);
    let connect_timeout = section.duration("connect_timeout", seconds(10), seconds(1)..=seconds(300));
    let keepalive = section.duration("keepalive", seconds(15), seconds(1)..=seconds(3600));
    let idle_timeout = section.duration("idle_timeout", seconds(600), seconds(1)..=seconds(24 * 3600));
    let max_sessions = section.number("max_sessions", 8, 1..=100);
    Some(SshSettings {
        address: address?.to_owned(),
        port: u16::try_from(port).unwrap_or(22),
        user: user?,
        identity: identity?,
        host_keys: host_keys?,
        jump: None,
        connect_timeout,
        keepalive,
        idle_timeout,
        max_sessions,
    })
}

fn address<'a>(section: &Section<'a>) -> Option<&'a str> {
    let At { value, at } = section.required("address", "give a host name or an IP address")?;
    let is_name = value.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
        && value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && value.len() <= 253;
    if is_name || value.parse::<Ipv6Addr>().is_ok() {
        return Some(value);
    }
    let advice = match value.split_once(':') {
        _ if value.contains('@') => "give the login as `user`",
        _ if value.starts_with('[') => "write an IPv6 address without brackets, and the port as `port`",
        Some((_, port)) if !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()) => "give the port as `port`",
        Some(_) | None => "give a host name or an IP address, and nothing else",
    };
    section.problems.report(at, format!("`address` is not an address: {value:?}"), advice);
    None
}

fn identity(section: &Section<'_>, outside: &Surroundings<'_>) -> Option<Identity> {
    let key = outside.private_file(section, "key_file");
    let passphrase = outside.secret(section, "key_passphrase_file", "key_passphrase_env");
    let socket = outside.path(section, "agent_socket");
    let agent = section.flag("agent").unwrap_or(socket.is_some());
    let problems = section.problems;
    match (key, agent || socket.is_some()) {
        (Some(key), true) => {
            problems.report(key.at, "both `key_file` and an agent are given", "keep one of them");
            None
        }
        (Some(key), false) => {
            if key.value.extension().is_some_and(|extension| extension == "pub") {
                problems.report(key.at, "`key_file` names the public half of a key", "name the file without .pub");
            }
            Some(Identity::Key { file: key.value, passphrase: passphrase.map(|secret| secret.value) })
        }
        (None, true) => {
            if let Some(secret) = passphrase {
                problems.report(secret.at, "a passphrase is given without `key_file`", "the agent knows it: drop it");
            }
            let found = socket.is_some() || (outside.variables)("SSH_AUTH_SOCK").is_some();
            if !found && outside.depth == Depth::Files {
                let advice = "start the bot with SSH_AUTH_SOCK, or give `agent_socket`";
                let at = section.place("agent").unwrap_or(section.at);
                problems.report(at, "`agent` is asked for, but the environment names none", advice);
            }
            Some(Identity::Agent { socket: socket.map(|path| path.value) })
        }
        (None, false) => {
            // A key that was given, but wrongly, is reported already.
            if section.place("key_file").is_none() && section.place("agent_socket").is_none() {
                section.missing("key_file", "give the private key's file, or agent = true for a running ssh-agent");
            }
            None
        }
    }
}

fn host_keys(section: &Section<'_>, outside: &Surroundings<'_>, address: Option<&str>, port: u32) -> Option<HostKeys> {
    let file = outside.path(section, "known_hosts_file");
    let given = section.texts("host_key");
    let problems = section.problems;
    match (section.place("host_key"), file) {
        (Some(at), Some(_)) => {
            problems.report(at, "both `host_key` and `known_hosts_file` are given", "keep one of them");
            None
        }
        (Some(_), None) => {
            let keys: Vec<_> = given
                .iter()
                .filter_map(|line| {
                    let key = HostKey::parse(line.value);
                    key.map_err(|advice| problems.report(line.at, "`host_key` is not a public key", advice)).ok()
                })
                .collect();
            (!keys.is_empty()).then_some(HostKeys::Pinned(keys))
        }
        (None, Some(file)) => {
            if outside.depth == Depth::Files && !file.value.is_file() {
                let what = format!("`known_hosts_file` is not there: {}", file.value.display());
                problems.report(file.at, what, "make it with ssh-keyscan, or pin `host_key` here");
            }
            Some(HostKeys::KnownHosts(file.value))
        }
        (None, None) => {
            if section.place("known_hosts_file").is_none() {
                let port = if port == 22 { String::new() } else { format!("-p {port} ") };
                let advice = format!(
                    "run `ssh-keyscan -t ed25519 {port}{}` and paste what follows the address,\n\
                     once its fingerprint (`… | ssh-keygen -lf -`) is the one the host itself shows\n\
                     (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`); or give `known_hosts_file`",
                    address.unwrap_or("<address>")
                );
                section.missing("host_key", &advice);
            }
            None
        }
    }
}
