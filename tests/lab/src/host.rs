//! Hosts: machines with an sshd, a login user, a home, and a Docker engine within reach; each with one network cable that can
//! be pulled.
//!
//! A host has its own `/etc` with users of its own, and its own `/home`, `/root`, `/srv`, `/tmp` and `/run`, so nothing on this
//! machine needs to change for it, and a test may do to it what it likes. What it shares with this machine is the installed
//! software.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::docker::{Engine, OwnEngine};
use crate::keys::KeyPair;
use crate::lab::Lab;
use crate::machine::{Machine, OPS, SVC, User};
use crate::process::{command, run_for};
use crate::project::ProjectPlan;
use crate::wait::{OrFail as _, PATIENCE, wait_until};

/// What makes the mounts of a host; `HOST_ENGINE` is the directory with the engine's socket. Sources are gathered below /mnt
/// first, because the mounts hide directories in which they may lie. The kernel is shared; the boot ID is each boot's own.
const MOUNTS: &str = r"
mount -t tmpfs -o mode=755 tmpfs /mnt
for d in home srv host engine plugins; do mkdir /mnt/$d; done
mount --bind home /mnt/home
mount --bind srv /mnt/srv
mount --bind ssh /mnt/host
mount --bind HOST_ENGINE /mnt/engine
mount --bind HOST_PLUGINS /mnt/plugins
booted=$PWD
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/engine /run/host /run/sshd /run/lock
mount --move /mnt/engine /run/engine
mount --move /mnt/host /run/host
ln -s engine/docker.sock /run/docker.sock
mount --move /mnt/srv /srv
mount --move /mnt/home /home
for u in ops svc; do
  mkdir -p /home/$u/.docker/cli-plugins
  mount --bind /mnt/plugins /home/$u/.docker/cli-plugins
done
umount /mnt/plugins
umount /mnt
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=700 tmpfs /root
cat /proc/sys/kernel/random/uuid >/run/boot_id
mount --bind /run/boot_id /proc/sys/kernel/random/boot_id
";

/// A host before it boots.
#[derive(Debug)]
pub struct HostPlan {
    lab: Lab,
    name: String,
    max_sessions: u16,
    behind: Option<Host>,
    engine: Option<Arc<OwnEngine>>,
    wired: bool,
    keys: Vec<String>,
    sshd_lines: String,
    image: Option<PathBuf>,
}

impl HostPlan {
    pub(crate) fn new(lab: Lab, name: &str) -> Self {
        let keys = vec![lab.key().public()];
        Self {
            lab,
            name: name.to_owned(),
            max_sessions: 10,
            behind: None,
            engine: None,
            wired: false,
            keys,
            sshd_lines: String::new(),
            image: None,
        }
    }

    /// sshd's limit on sessions per connection; its default is 10.
    pub fn max_sessions(mut self, max: u16) -> Self {
        self.max_sessions = max;
        self
    }

    /// Reachable through this host only.
    pub fn behind(mut self, jump: &Host) -> Self {
        self.behind = Some(jump.clone());
        self
    }

    /// With this engine instead of the one everybody shares.
    pub fn engine(mut self, engine: &Arc<OwnEngine>) -> Self {
        self.engine = Some(Arc::clone(engine));
        self
    }

    /// With [`HostPlan::engine`]'s machine at the end of a second cable, so that containers reach the host.
    pub fn wired_to_its_engine(mut self) -> Self {
        self.wired = true;
        self
    }

    /// Opens to this line of `authorized_keys` instead of to the lab's key.
    pub fn authorized_key(mut self, line: &str) -> Self {
        self.keys = vec![line.to_owned()];
        self
    }

    /// A Debian of this suite with its own systemd, Podman and software, instead of this machine's; but for the docker
    /// command, with which it reaches its engine. Its image is made when it is first wanted.
    #[track_caller]
    pub fn debian(mut self, suite: &str) -> Self {
        self.image = Some(self.lab.image(suite));
        self
    }

    /// Another line for `sshd_config`.
    pub fn sshd(mut self, line: &str) -> Self {
        self.sshd_lines.push_str(line);
        self.sshd_lines.push('\n');
        self
    }

    /// Boots it and starts its sshd.
    #[track_caller]
    pub fn boot(self) -> Host {
        let site = Arc::new(self.site());
        let host = Host { name: site.name.clone(), port: 22, files: site.dir.join("ssh"), site };
        host.prepare_sshd();
        host.start_sshd();
        host
    }

    /// Boots one machine with `count` hosts on it, which differ by port.
    #[track_caller]
    pub(crate) fn boot_many(self, count: u16) -> Vec<Host> {
        let site = Arc::new(self.site());
        let hosts: Vec<_> = (1..=count)
            .map(|place| Host {
                name: format!("{}-{place}", site.name),
                port: 2200 + place,
                files: site.dir.join("ssh").join(place.to_string()),
                site: Arc::clone(&site),
            })
            .collect();
        for host in &hosts {
            host.prepare_sshd();
        }
        for host in &hosts {
            host.start_sshd();
        }
        hosts
    }

    #[track_caller]
    fn site(self) -> Site {
        let number = self.lab.number();
        let name = format!("{}-{number}", self.name);
        let dir = self.lab.facts().dir.join(&name);
        let (near, far) = addresses(&self.lab);
        let engine = self.engine.as_ref().map_or_else(|| self.lab.engine(), |own| (***own).clone());
        let wire = self.wired.then(|| Wire::new(&self.lab));
        let site = Site {
            device: device(&self.lab, number),
            address: far,
            near,
            wire,
            machine: Mutex::new(None),
            behind: self.behind,
            max_sessions: self.max_sessions,
            sshd_lines: self.sshd_lines,
            keys: Mutex::new(self.keys),
            engine,
            own_engine: self.engine,
            image: self.image,
            name,
            dir,
            lab: self.lab,
        };
        site.make_files();
        site.power_on();
        site
    }
}

/// A cable's name at the end that is not called `eth0`.
pub(crate) fn device(lab: &Lab, number: u32) -> String {
    format!("ol{:.6}{number}", lab.facts().id)
}

/// A second cable, from the machine of the host's engine.
#[derive(Debug)]
struct Wire {
    device: String,
    near: String,
    far: String,
}

impl Wire {
    #[track_caller]
    fn new(lab: &Lab) -> Self {
        let number = lab.number();
        let (near, far) = addresses(lab);
        Self { device: device(lab, number), near, far }
    }
}

/// A /30 of the range that is set aside for tests (RFC 2544), for a new cable: our end and the host's.
#[track_caller]
pub(crate) fn addresses(lab: &Lab) -> (String, String) {
    let base = (198 << 24 | 18 << 16) + lab.cable_number() * 4;
    let text = |address: u32| std::net::Ipv4Addr::from(address).to_string();
    (text(base + 1), text(base + 2))
}

/// The machine under one or more hosts.
#[derive(Debug)]
struct Site {
    lab: Lab,
    name: String,
    dir: PathBuf,
    device: String,
    near: String,
    address: String,
    wire: Option<Wire>,
    machine: Mutex<Option<Machine>>,
    behind: Option<Host>,
    engine: Engine,
    own_engine: Option<Arc<OwnEngine>>,
    image: Option<PathBuf>,
    max_sessions: u16,
    sshd_lines: String,
    keys: Mutex<Vec<String>>,
}

impl Site {
    #[track_caller]
    fn make_files(&self) {
        let make = |name: &str| {
            let dir = self.dir.join(name);
            fs::create_dir_all(&dir).or_fail(format!("cannot make {}", dir.display()));
            dir
        };
        let (_, home, srv) = (make("ssh"), make("home"), make("srv"));
        for user in [OPS, SVC] {
            let own = home.join(user.name);
            fs::create_dir_all(own.join(".docker/cli-plugins")).or_fail("cannot make a home");
            for dir in [own.join(".docker/cli-plugins"), own.join(".docker"), own] {
                chown(&dir, Some(user.uid), Some(user.uid)).or_fail("cannot give a home to its user");
            }
        }
        chown(&srv, Some(OPS.uid), Some(OPS.uid)).or_fail("cannot give /srv to ops");
    }

    #[track_caller]
    fn power_on(&self) {
        let machine = match &self.image {
            Some(image) => Machine::boot_image(&self.name, &self.dir, image, self.engine.sockets()),
            None => self.boot_on_this_software(),
        };
        match &self.behind {
            None => machine.cable(&self.device, &self.near, &self.address),
            Some(jump) => machine.cable_behind(jump.machine().on(), &self.device, &self.near, &self.address),
        }
        if let Some(Wire { device, near, far }) = &self.wire {
            let engine = self.own_engine.as_ref().or_fail("a wired host needs an .engine(…) of its own");
            machine.second_cable(engine.machine(), device, near, far);
        }
        *self.machine.lock().or_fail("a thread died holding the machine") = Some(machine);
    }

    /// With what is installed here, below an `/etc` of its own.
    #[track_caller]
    fn boot_on_this_software(&self) -> Machine {
        let mounts = MOUNTS
            .replace("HOST_ENGINE", &self.engine.sockets().display().to_string())
            .replace("HOST_PLUGINS", &self.lab.facts().home.join("cli-plugins").display().to_string());
        Machine::boot(&self.name, &self.dir, &mounts)
    }
}

/// A host of the lab's. Cheap to clone; it is gone when the last clone is.
#[derive(Debug, Clone)]
pub struct Host {
    site: Arc<Site>,
    name: String,
    port: u16,
    files: PathBuf,
}

/// The machine while it is looked at.
struct Powered<'a>(MutexGuard<'a, Option<Machine>>);

impl Powered<'_> {
    #[track_caller]
    fn on(&self) -> &Machine {
        self.0.as_ref().or_fail("the host is powered off")
    }
}

impl Host {
    fn machine(&self) -> Powered<'_> {
        Powered(self.site.machine.lock().or_fail("a thread died holding the machine"))
    }

    /// Its name, unique in the lab.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address on the cable.
    pub fn address(&self) -> &str {
        &self.site.address
    }

    /// Its address on the cable from its engine's machine, when it is wired to it.
    #[track_caller]
    pub fn wired_address(&self) -> &str {
        let wire = self.site.wire.as_ref();
        &wire.or_fail("the host has no second cable: plan it with .wired_to_its_engine()").far
    }

    /// The port its sshd listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Who logs in.
    pub fn user(&self) -> &'static str {
        OPS.name
    }

    /// The host it is behind, if it is.
    pub fn jump(&self) -> Option<&Host> {
        self.site.behind.as_ref()
    }

    /// The lab it belongs to.
    pub fn lab(&self) -> &Lab {
        &self.site.lab
    }

    /// The engine it uses.
    pub fn engine(&self) -> &Engine {
        &self.site.engine
    }

    /// The engine, when it is this host's test's own.
    pub fn own_engine(&self) -> Option<&Arc<OwnEngine>> {
        self.site.own_engine.as_ref()
    }

    /// The public host key, `type key`, as `host_key` in the bot's configuration says it.
    #[track_caller]
    pub fn host_key(&self) -> String {
        let line = KeyPair::at(self.files.join("host_key")).public();
        line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    /// The line of a `known_hosts` file.
    #[track_caller]
    pub fn known_hosts_line(&self) -> String {
        match self.port {
            22 => format!("{} {}\n", self.address(), self.host_key()),
            port => format!("[{}]:{port} {}\n", self.address(), self.host_key()),
        }
    }

    /// A compose project on it, as a clone of a remote repository.
    pub fn project(&self, name: &str) -> ProjectPlan {
        ProjectPlan::new(self.clone(), name)
    }

    /// Runs a script as the login user, without SSH; fails when it fails.
    #[track_caller]
    pub fn run(&self, script: &str) -> String {
        self.run_as(&OPS, script)
    }

    /// Runs a script as a user of it, without SSH; fails when it fails.
    #[track_caller]
    pub fn run_as(&self, user: &User, script: &str) -> String {
        let output = self.try_run_as(user, script, b"");
        assert!(
            output.status.success(),
            "lab: on {}: {script}\n{}{}",
            self.name,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Runs a script as the login user, without SSH, whatever its end.
    #[track_caller]
    pub fn try_run(&self, script: &str, input: &[u8]) -> Output {
        self.try_run_as(&OPS, script, input)
    }

    /// Runs a script as a user of it, without SSH, whatever its end.
    #[track_caller]
    pub fn try_run_as(&self, user: &User, script: &str, input: &[u8]) -> Output {
        self.machine().on().run_as(user, script, input)
    }

    /// Runs a script as root, without SSH; fails when it fails.
    #[track_caller]
    pub fn run_as_root(&self, script: &str) -> String {
        self.machine().on().run(script).trim_end().to_owned()
    }

    /// Runs a command over OpenSSH's client, as the bot would over its own; no waiting for a host that is not there.
    #[track_caller]
    pub fn ssh(&self, script: &str) -> Output {
        run_for(&mut self.ssh_command(&self.lab().key(), script))
    }

    /// The OpenSSH client's command line for that.
    #[track_caller]
    pub fn ssh_command(&self, key: &KeyPair, script: &str) -> Command {
        let known = self.files.join("known_hosts");
        let mut lines = self.known_hosts_line();
        if let Some(jump) = self.jump() {
            lines.push_str(&jump.known_hosts_line());
        }
        fs::write(&known, lines).or_fail("cannot write known_hosts");
        let options = format!(
            "-F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile={} \
             -o ConnectTimeout=5 -i {}",
            known.display(),
            key.path().display()
        );
        let mut command = command("ssh");
        command.args(options.split_whitespace());
        if let Some(jump) = self.jump() {
            let proxy = format!("ssh {options} -p {} -W %h:%p {}@{}", jump.port, jump.user(), jump.address());
            command.args(["-o", &format!("ProxyCommand={proxy}")]);
        }
        command.args(["-p", &self.port.to_string(), &format!("{}@{}", self.user(), self.address()), script]);
        command
    }

    // --- what can happen to it ---

    /// Pulls the cable: nothing gets through, and open connections notice nothing.
    #[track_caller]
    pub fn link_down(&self) {
        self.machine().on().run("ip link set eth0 down");
    }

    /// Plugs the cable in again.
    #[track_caller]
    pub fn link_up(&self) {
        self.machine().on().run("ip link set eth0 up");
    }

    /// Loses every packet both ways, without the cable's end showing it.
    #[track_caller]
    pub fn drop_packets(&self) {
        self.machine().on().run("iptables -I INPUT -i eth0 -j DROP; iptables -I OUTPUT -o eth0 -j DROP");
    }

    /// Ends [`Self::drop_packets`].
    #[track_caller]
    pub fn pass_packets(&self) {
        self.machine().on().run("iptables -D INPUT -i eth0 -j DROP; iptables -D OUTPUT -o eth0 -j DROP");
    }

    /// Delays every packet this host sends.
    #[track_caller]
    pub fn delay_packets(&self, milliseconds: u32) {
        self.machine().on().run(&format!("tc qdisc replace dev eth0 root netem delay {milliseconds}ms"));
    }

    /// Cuts the power: every process on it is gone at once, detached jobs too. Its disk stays.
    pub fn power_off(&self) {
        *self.site.machine.lock().or_fail("a thread died holding the machine") = None;
    }

    /// Shuts it down in good order: everything on it is asked to end before it is off. Its disk stays.
    #[track_caller]
    pub fn shut_down(&self) {
        self.machine().on().shut_down();
        self.power_off();
    }

    /// Boots it again, at the same address.
    #[track_caller]
    pub fn power_on(&self) {
        self.site.power_on();
        self.start_sshd();
    }

    /// Ends sshd and every session it serves. What was detached goes on.
    #[track_caller]
    pub fn kill_sshd(&self) {
        // The listener and its sessions are all sshd; those of another host on the same machine have another file. It is
        // stopped first: what it forks meanwhile would keep the port, and the next sshd could not have it.
        let (pidfile, port) = (self.pidfile(), self.port);
        self.machine().on().run(&format!(
            "p=$(cat {pidfile}); kill -STOP $p; for c in $(pgrep -P $p || true); do pkill -KILL -P $c || true; kill -KILL $c || true; done; kill -KILL $p; rm -f {pidfile}; \
             while ss -Hltn 'sport = :{port}' | grep -q .; do sleep 0.05; done"
        ));
    }

    /// Ends the listening sshd only: open connections live on, new ones are refused.
    #[track_caller]
    pub fn stop_listening(&self) {
        let pidfile = self.pidfile();
        self.machine().on().run(&format!("kill -KILL $(cat {pidfile}); rm -f {pidfile}"));
    }

    /// Starts sshd, which must not be running.
    #[track_caller]
    pub fn start_sshd(&self) {
        let inside = self.inside();
        self.machine()
            .on()
            .run(&format!("$(command -v sshd || echo /usr/sbin/sshd) -f {inside}/sshd_config -E {inside}/sshd.log"));
        // It writes its process ID when it listens.
        let pid = format!("[ -s {} ]", self.pidfile());
        wait_until(
            PATIENCE,
            format_args!("sshd on {} (its log: {})", self.name, self.files.join("sshd.log").display()),
            || {
                let status = self.machine().on().command("sh").args(["-c", &pid]).status();
                status.is_ok_and(|status| status.success()).then_some(())
            },
        );
    }

    /// Ends sshd with its sessions and starts it again.
    #[track_caller]
    pub fn restart_sshd(&self) {
        self.kill_sshd();
        self.start_sshd();
    }

    /// Gives it another host key, as a reinstalled machine has; sshd starts again.
    #[track_caller]
    pub fn change_host_key(&self) {
        self.kill_sshd();
        for name in ["host_key", "host_key.pub"] {
            fs::remove_file(self.files.join(name)).or_fail("cannot remove the host key");
        }
        KeyPair::make(&self.files.join("host_key"), "ed25519", "");
        self.start_sshd();
    }

    /// Opens to this line of `authorized_keys` too (a key, or options and a key).
    #[track_caller]
    pub fn authorize(&self, line: &str) {
        self.site.keys.lock().or_fail("a thread died holding the keys").push(line.to_owned());
        self.write_authorized_keys();
    }

    /// Opens to these lines only.
    #[track_caller]
    pub fn authorize_only(&self, lines: &[&str]) {
        *self.site.keys.lock().or_fail("a thread died holding the keys") =
            lines.iter().map(|&line| line.to_owned()).collect();
        self.write_authorized_keys();
    }

    /// What sshd logged.
    pub fn sshd_log(&self) -> String {
        fs::read_to_string(self.files.join("sshd.log")).unwrap_or_default()
    }

    /// How many connections are open to its sshd.
    #[track_caller]
    pub fn open_connections(&self) -> usize {
        let port = self.port;
        let lines = self.run_as_root(&format!("ss -Htn state established '( sport = :{port} )'"));
        lines.lines().count()
    }

    // --- sshd's files ---

    /// Where the files of its sshd are, seen from inside.
    fn inside(&self) -> String {
        match self.files.strip_prefix(self.site.dir.join("ssh")) {
            Ok(rest) if rest != Path::new("") => format!("/run/host/{}", rest.display()),
            _ => "/run/host".to_owned(),
        }
    }

    fn pidfile(&self) -> String {
        format!("/run/sshd/{}.pid", self.port)
    }

    #[track_caller]
    fn write_authorized_keys(&self) {
        let keys = self.site.keys.lock().or_fail("a thread died holding the keys").join("\n");
        // Not by renaming: sshd may look at any time, and half a line is no key.
        fs::write(self.files.join("authorized_keys"), keys + "\n").or_fail("cannot write authorized_keys");
    }

    #[track_caller]
    fn prepare_sshd(&self) {
        fs::create_dir_all(&self.files).or_fail("cannot make sshd's directory");
        KeyPair::make(&self.files.join("host_key"), "ed25519", "");
        self.write_authorized_keys();
        let (inside, pidfile) = (self.inside(), self.pidfile());
        let mut config = format!(
            "Port {}\nHostKey {inside}/host_key\nPidFile {pidfile}\nAuthorizedKeysFile {inside}/authorized_keys\n\
             UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nUseDNS no\nStrictModes no\n\
             LogLevel VERBOSE\nMaxSessions {}\nMaxStartups 200\n",
            self.port, self.site.max_sessions,
        );
        // Tests fail to log in on purpose; newer servers would lock the whole lab out for that.
        if openssh_version() >= (9, 8) {
            config.push_str("PerSourcePenalties no\n");
        }
        // sshd takes the first value of a keyword, so a test's own lines win.
        let config = format!("{}{config}", self.site.sshd_lines);
        fs::write(self.files.join("sshd_config"), config).or_fail("cannot write sshd_config");
    }
}

#[track_caller]
fn openssh_version() -> (u32, u32) {
    let output = run_for(command("ssh").arg("-V"));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let version = text.trim_start_matches("OpenSSH_").split([' ', 'p', ',']).next().unwrap_or_default();
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}
