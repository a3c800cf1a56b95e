//! The ways to the hosts, from the config to what SSH takes.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Context;

use crate::{
    any_of::AnyOf,
    config::{self, HostKeys, Settings, SshSettings, Transport},
    domain::names::HostName,
    local::Local,
    ports::{Remote, Remotes},
    ssh::{self, SshRemote},
};

/// The ways to the hosts. Jump hosts are made before those behind them; the
/// config has refused circles.
pub(super) fn remotes(settings: &Settings) -> anyhow::Result<Remotes> {
    let mut made: BTreeMap<HostName, Arc<SshRemote>> = BTreeMap::new();
    let mut remotes = Remotes::new();
    let mut waiting: Vec<(&HostName, &SshSettings)> = Vec::new();
    for host in &settings.hosts {
        match &host.transport {
            Transport::Local => {
                remotes.insert(host.name.clone(), Arc::new(Local::new()) as Arc<dyn Remote>);
            }
            Transport::Ssh(ssh) => waiting.push((&host.name, ssh)),
            Transport::AnyOf(_) => {}
        }
    }
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut later = Vec::new();
        for (name, ssh) in waiting {
            let jump = match &ssh.jump {
                Some(jump) if !made.contains_key(jump) => {
                    later.push((name, ssh));
                    continue;
                }
                Some(jump) => made.get(jump).cloned(),
                None => None,
            };
            let settings = ssh_settings(name, ssh)?;
            let remote = Arc::new(match jump {
                Some(jump) => SshRemote::behind(jump, settings),
                None => SshRemote::new(settings),
            });
            remotes.insert(name.clone(), Arc::clone(&remote) as Arc<dyn Remote>);
            made.insert(name.clone(), remote);
        }
        waiting = later;
        anyhow::ensure!(waiting.len() < before, "the jump hosts form a circle");
    }
    for host in &settings.hosts {
        if let Transport::AnyOf(names) = &host.transport {
            let hosts = names.iter().filter_map(|name| Some((name.clone(), Arc::clone(remotes.get(name)?))));
            let any_of = AnyOf::new(hosts.collect());
            remotes.insert(host.name.clone(), Arc::new(any_of));
        }
    }
    Ok(remotes)
}

fn ssh_settings(name: &HostName, ssh: &SshSettings) -> anyhow::Result<ssh::Settings> {
    let auth = match &ssh.identity {
        config::Identity::Key { file, passphrase } => ssh::Auth::KeyFile {
            path: file.clone(),
            passphrase: passphrase.as_ref().map(config::Secret::read).transpose()?,
        },
        config::Identity::Agent { socket } => {
            let from_environment = || std::env::var_os("SSH_AUTH_SOCK").map(Into::into);
            let socket = socket.clone().or_else(from_environment);
            let socket = socket.with_context(|| format!("host {name}: agent = true, but SSH_AUTH_SOCK is not set"))?;
            ssh::Auth::Agent { socket }
        }
    };
    let trust = match &ssh.host_keys {
        HostKeys::Pinned(keys) => {
            let keys: Result<Vec<_>, _> = keys.iter().map(|key| ssh::HostKey::parse(key.as_str())).collect();
            ssh::Trust::Pinned(keys.with_context(|| format!("host {name}"))?)
        }
        HostKeys::KnownHosts(file) => ssh::Trust::KnownHosts(file.clone()),
    };
    let mut settings = ssh::Settings::new(name.clone(), ssh.address.clone(), ssh.user.clone(), auth, trust);
    settings.port = ssh.port;
    settings.connect_limit = ssh.connect_timeout;
    settings.keepalive_interval = ssh.keepalive;
    settings.idle_limit = ssh.idle_timeout;
    settings.max_sessions = ssh.max_sessions as usize;
    Ok(settings)
}
