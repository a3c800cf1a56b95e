//! A real sshd of one's own: its own port, keys, log and configuration, gone
//! with the value.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use opsroom::{
    domain::names::{HostName, LoginName},
    ssh::{Auth, HostKey, Settings, Trust},
};
use opsroom_lab::{port::free_port, process::command, wait_until};
use rustix::process::{Pid, Signal, kill_process};

const SSHD: &str = "/usr/sbin/sshd";

/// The longest any condition is waited for. Reaching it is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Sshd {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) port: u16,
    config: String,
    log: Arc<Mutex<String>>,
    child: Option<Child>,
}

impl Sshd {
    pub(crate) fn start() -> Self {
        Self::start_with("")
    }

    /// With further lines for sshd_config(5).
    pub(crate) fn start_with(config: &str) -> Self {
        assert!(Path::new(SSHD).exists(), "{SSHD} is missing: install it with `apt-get install openssh-server`");
        let dir = tempfile::tempdir().unwrap();
        keygen(&dir.path().join("host_ed25519"), "ed25519", "");
        keygen(&dir.path().join("id"), "ed25519", "");
        fs::copy(dir.path().join("id.pub"), dir.path().join("authorized_keys")).unwrap();
        if rustix::process::geteuid().is_root() {
            // Debian's unit makes it; sshd refuses to start as root without.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let mut sshd = Self { dir, port: 0, config: config.to_owned(), log: Arc::default(), child: None };
        // Somebody else may take a free port before sshd has it.
        while sshd.child.is_none() {
            sshd.port = free_port();
            sshd.run();
        }
        sshd
    }

    /// Starts it (again), on the port it had.
    pub(crate) fn run(&mut self) {
        let path = |name: &str| self.path(name).display().to_string();
        let mut config = format!(
            "Port {}\nListenAddress 127.0.0.1\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\n\
             PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nLogLevel VERBOSE\nSetEnv {} HOME={}\n",
            self.port,
            path("authorized_keys"),
            self.mark(),
            // Nobody's ~/.bashrc, which bash reads for each command.
            self.dir.path().display(),
        );
        if !self.config.contains("HostKey ") {
            config += &*format!("HostKey {}\n", path("host_ed25519"));
        }
        config += &*self.config.replace("{dir}", &self.dir.path().display().to_string());
        fs::write(self.path("sshd_config"), config + "\n").unwrap();
        let mut child = command(SSHD)
            .args(["-D", "-e", "-f"])
            .arg(self.path("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let before = self.log().len();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::clone(&self.log);
        let reader = thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let mut log = log.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let listens = wait_until(PATIENCE, "sshd to listen", || {
            let listens = self.log()[before..].contains("Server listening");
            if listens { Some(true) } else { child.try_wait().unwrap().map(|_| false) }
        });
        if listens {
            return self.child = Some(child);
        }
        // What it said last may still be on its way.
        child.wait().unwrap();
        reader.join().unwrap();
        let log = self.log()[before..].to_owned();
        assert!(log.contains("Address already in use"), "sshd ended: {log}");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// How many logins it has seen.
    pub(crate) fn logins(&self) -> usize {
        self.log().matches("Accepted publickey").count()
    }

    /// Ends it and all of its connections, as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let sessions = self.sessions_of(&child);
            child.kill().unwrap();
            child.wait().unwrap();
            sessions.into_iter().for_each(|pid| signal(pid, Signal::KILL));
        }
    }

    /// In the environment of everything that was run on it.
    fn mark(&self) -> String {
        format!("OPSROOM_TEST={}", self.dir.path().display())
    }

    /// What a lost connection leaves running is the test's to end.
    fn end_what_is_left(&self) {
        let mark = self.mark();
        for process in processes() {
            let environment = fs::read(format!("/proc/{}/environ", process.id)).unwrap_or_default();
            if environment.split(|&b| b == 0).any(|variable| variable == mark.as_bytes()) {
                signal(process.id, Signal::KILL);
            }
        }
    }

    /// Its connections stop answering, but stay open.
    pub(crate) fn freeze(&self) {
        let child = self.child.as_ref().unwrap();
        self.sessions_of(child).into_iter().for_each(|pid| signal(pid, Signal::STOP));
    }

    fn sessions_of(&self, child: &Child) -> Vec<i32> {
        let mut found = vec![child.id().cast_signed()];
        let processes = processes();
        let mut next = 0;
        while let Some(parent) = found.get(next).copied() {
            found.extend(processes.iter().filter(|p| p.parent == parent && p.name == "sshd").map(|p| p.id));
            next += 1;
        }
        found.split_off(1)
    }

    pub(crate) fn host_key(&self) -> HostKey {
        self.host_key_of("host_ed25519")
    }

    pub(crate) fn host_key_of(&self, name: &str) -> HostKey {
        HostKey::parse(&fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap()).unwrap()
    }

    pub(crate) fn settings(&self) -> Settings {
        let auth = Auth::KeyFile { path: self.path("id"), passphrase: None };
        self.settings_with(auth, Trust::Pinned(vec![self.host_key()]))
    }

    pub(crate) fn settings_with(&self, auth: Auth, trust: Trust) -> Settings {
        let name = HostName::parse("spark-1").unwrap();
        Settings { port: self.port, ..Settings::new(name, "127.0.0.1", user(), auth, trust) }
    }

    /// Makes a key pair and lets it in.
    pub(crate) fn authorize(&self, name: &str, kind: &str, passphrase: &str) -> PathBuf {
        let path = self.path(name);
        keygen(&path, kind, passphrase);
        let public = fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap();
        let mut authorized = File::options().append(true).open(self.path("authorized_keys")).unwrap();
        authorized.write_all(public.as_bytes()).unwrap();
        path
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = writeln!(std::io::stderr(), "--- sshd on port {} logged:\n{}", self.port, self.log());
        }
        self.kill();
        self.end_what_is_left();
    }
}

/// `ssh-keygen`, without questions.
pub(crate) fn keygen(path: &Path, kind: &str, passphrase: &str) {
    let bits: &[&str] = if kind == "rsa" { &["-b", "2048"] } else { &[] };
    let made = command("ssh-keygen")
        .args(["-q", "-t", kind, "-N", passphrase, "-C", "test", "-f"])
        .arg(path)
        .args(bits)
        .output()
        .expect("ssh-keygen is missing: install it with `apt-get install openssh-client`");
    assert!(made.status.success(), "{made:?}");
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Whom the tests log in as: the user they run as.
pub(crate) fn user() -> LoginName {
    let id = command("id").arg("-un").output().unwrap();
    LoginName::parse(String::from_utf8(id.stdout).unwrap().trim()).unwrap()
}

struct Process {
    id: i32,
    parent: i32,
    name: String,
}

fn processes() -> Vec<Process> {
    let stat = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path().join("stat")).ok()?;
        let (head, tail) = text.rsplit_once(')')?;
        let (id, name) = head.split_once(" (")?;
        let parent = tail.split_whitespace().nth(1)?.parse().ok()?;
        Some(Process { id: id.parse().ok()?, parent, name: name.to_owned() })
    };
    fs::read_dir("/proc").unwrap().filter_map(Result::ok).filter_map(stat).collect()
}

pub(crate) fn signal(pid: i32, signal: Signal) {
    let _ = kill_process(Pid::from_raw(pid).unwrap(), signal);
}

/// Waits until it is so.
pub(crate) async fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < PATIENCE, "not so: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
