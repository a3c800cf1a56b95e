//! Hosts as both sides reach them: one `ssh_config` for OpenSSH and Ansible,
//! opsroom's own settings for opsroom. Everybody logs in as the same user with
//! an empty `~/.bashrc`: what that file costs would be added to both sides.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use opsroom::{
    domain::names::{HostName, LoginName},
    ssh::{Auth, HostKey, Settings, SshRemote, Trust},
};
use opsroom_lab::{Host, Lab, wait_until};

/// Longer than anything takes that works.
const LONG: Duration = Duration::from_secs(60);

/// opsroom's way to a host.
pub(crate) fn remote(host: &Host) -> SshRemote {
    let auth = Auth::KeyFile { path: host.lab().key().path().to_owned(), passphrase: None };
    let trust = Trust::Pinned(vec![HostKey::parse(&host.host_key()).expect("a host key")]);
    let name = HostName::parse(host.name()).expect("a host's name");
    let user = LoginName::parse(host.user()).expect("a login");
    SshRemote::new(Settings { port: host.port(), ..Settings::new(name, host.address(), user, auth, trust) })
}

/// OpenSSH's way to hosts: a directory with its configuration.
pub(crate) struct OpenSsh {
    dir: PathBuf,
    sockets: PathBuf,
}

impl OpenSsh {
    pub(crate) fn to(lab: &Lab, hosts: &[Host]) -> Self {
        let dir = lab.dir("openssh");
        // A socket's path must be short.
        let sockets = lab.facts().sockets.join(format!("m{}", lab.number()));
        fs::create_dir(&sockets).expect("a directory for sockets");
        let known: String = hosts.iter().map(Host::known_hosts_line).collect();
        fs::write(dir.join("known_hosts"), known).expect("known_hosts");
        let mut config = format!(
            "Host *\n  User {}\n  IdentityFile {}\n  IdentitiesOnly yes\n  UserKnownHostsFile {}\n  BatchMode yes\n  StrictHostKeyChecking yes\n",
            hosts[0].user(),
            lab.key().path().display(),
            dir.join("known_hosts").display(),
        );
        for host in hosts {
            let _ = write!(config, "Host {}\n  HostName {}\n  Port {}\n", host.name(), host.address(), host.port());
        }
        fs::write(dir.join("ssh_config"), config).expect("ssh_config");
        Self { dir, sockets }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn sockets(&self) -> &Path {
        &self.sockets
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.dir.join("ssh_config")
    }

    fn ssh(&self, host: &Host) -> Command {
        let mut ssh = Command::new("ssh");
        let control = format!("ControlPath={}", self.sockets.join("control").display());
        ssh.arg("-F").arg(self.config()).args(["-o", &control]).stdin(Stdio::null()).stderr(Stdio::null());
        ssh.stdout(Stdio::piped());
        ssh.arg(host.name());
        ssh
    }

    /// The connection that the others share, until it is dropped.
    pub(crate) fn master(&self, host: &Host) -> Master {
        let mut ssh = Command::new("setpriv");
        let control = self.sockets.join("control");
        ssh.args(["--pdeathsig", "KILL", "ssh", "-M", "-N", "-F"]).arg(self.config());
        ssh.args(["-o", &format!("ControlPath={}", control.display()), host.name()]).stdin(Stdio::null());
        let master = Master(ssh.spawn().expect("ssh starts"));
        wait_until(LONG, "the master to listen", || control.exists().then_some(()));
        master
    }

    /// Runs a command over the master's connection.
    pub(crate) fn run(&self, host: &Host, command: &str) {
        let output = self.ssh(host).arg(command).output().expect("ssh runs");
        assert!(output.status.success(), "{command}: {output:?}");
    }
}

/// See [`OpenSsh::master`].
pub(crate) struct Master(Child);

impl Drop for Master {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A service of the bot's that no compose project stands behind.
pub(crate) fn service(name: &str, host: &Host, container: &str) -> String {
    let host = host.name();
    format!("[[service]]\nname = {name:?}\nhost = {host:?}\nruntime = \"docker\"\ncontainer = {container:?}\n")
}

/// Containers that do nothing, and go with the value.
pub(crate) struct Sleepers {
    lab: Lab,
    pub(crate) names: Vec<String>,
}

impl Sleepers {
    pub(crate) fn start(lab: &Lab, count: usize) -> Self {
        Self::labelled(lab, count, |_| vec![])
    }

    /// They are a Compose project, by their labels.
    pub(crate) fn of_project(lab: &Lab, count: usize, project: &str) -> Self {
        Self::labelled(lab, count, |number| {
            let labels = [
                ("project", project.to_owned()),
                ("service", format!("part{number}")),
                ("container-number", "1".to_owned()),
                ("oneoff", "False".to_owned()),
            ];
            labels.map(|(key, value)| format!("--label=com.docker.compose.{key}={value}")).into()
        })
    }

    fn labelled(lab: &Lab, count: usize, labels: impl Fn(usize) -> Vec<String>) -> Self {
        let names: Vec<String> = (0..count).map(|_| lab.unique("sleeper")).collect();
        for (number, name) in names.iter().enumerate() {
            let labels = labels(number);
            let labels = labels.iter().map(String::as_str);
            let run = ["run", "-d", "--network", "none", "--name", name].into_iter().chain(labels);
            let base = opsroom_lab::docker::BASE_IMAGE;
            lab.engine().docker(&run.chain([base, "sleep", "100000"]).collect::<Vec<_>>());
        }
        Self { lab: lab.clone(), names }
    }
}

impl Drop for Sleepers {
    fn drop(&mut self) {
        let names = self.names.iter().map(String::as_str);
        let _ = self.lab.engine().try_docker(&["rm", "-f"].into_iter().chain(names).collect::<Vec<_>>());
    }
}
