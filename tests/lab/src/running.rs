//! A lab while it runs: the shared parts and their directories, from start to the last trace.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::docker::OwnEngine;
use crate::keys::KeyPair;
use crate::lab::{Facts, LABS, Lab};
use crate::machine::remove_cgroups;
use crate::synapse::Server;
use crate::wait::OrFail as _;

/// Below this, each lab has a directory with a short name.
const SOCKETS: &str = "/run/opsroom-lab";

/// What the set-up installs once: the Python environment and Docker's plugins.
pub fn home() -> PathBuf {
    // Cargo builds this program to <target>/<profile>/, and the set-up installs to <target>/lab.
    let beside = || Some(env::current_exe().ok()?.parent()?.parent()?.join("lab"));
    env::var_os("OPSROOM_LAB_HOME").map(PathBuf::from).or_else(beside).or_fail("where is this program?")
}

/// The shared parts, running. They go when the value goes, and with them everything that tests left.
#[derive(Debug)]
pub struct Running {
    // Dropped in this order: the parts, then the directories they use.
    _synapse: Server,
    _engine: OwnEngine,
    lab: Lab,
    _traces: Traces,
}

impl Running {
    /// Starts Synapse and an engine side by side.
    #[track_caller]
    pub fn start() -> Self {
        let home = home();
        assert!(
            home.join("venv/bin/python").exists() && home.join("setup.stamp").exists(),
            "lab: nothing is set up in {}: run tests/lab/setup.sh",
            home.display()
        );
        assert!(
            rustix::process::geteuid().is_root(),
            "lab: the lab makes namespaces and runs a Docker engine: start it with sudo"
        );
        sweep(&home);
        let traces = Traces::new(&home);
        let key = traces.dir.join("id_ed25519");
        KeyPair::make(&key, "ed25519", "");
        let (engine, synapse) = std::thread::scope(|scope| {
            let engine = scope.spawn(|| {
                OwnEngine::start(
                    &traces.id,
                    "shared",
                    &traces.dir.join("engine"),
                    &traces.sockets.join("engine"),
                    &home,
                    "",
                )
            });
            let dir = traces.dir.join("synapse");
            fs::create_dir_all(&dir).or_fail("cannot make Synapse's directory");
            (engine.join(), Server::start(&dir, &home, true, None))
        });
        let Ok(engine) = engine else { panic!("lab: the engine did not start, see above") };
        let facts = Facts {
            owner: std::process::id(),
            id: traces.id.clone(),
            dir: traces.dir.clone(),
            sockets: traces.sockets.clone(),
            synapse: synapse.address.clone(),
            engine: engine.address(),
            home,
        };
        let text = serde_json::to_string_pretty(&facts).or_fail("cannot write lab.json");
        fs::write(traces.dir.join("lab.json"), text).or_fail("cannot write lab.json");
        Self { _synapse: synapse, _engine: engine, lab: Lab::of(facts), _traces: traces }
    }

    /// The file that [`crate::lab::VARIABLE`] should name.
    pub fn file(&self) -> PathBuf {
        self.lab.facts().dir.join("lab.json")
    }

    /// The lab.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }
}

/// What a lab leaves on the disk, removed when dropped.
#[derive(Debug)]
struct Traces {
    id: String,
    dir: PathBuf,
    sockets: PathBuf,
    /// Held as long as the lab lives: who can take it knows that the lab is dead.
    _lock: File,
}

impl Traces {
    #[track_caller]
    fn new(home: &Path) -> Self {
        let runs = home.join("run");
        fs::create_dir_all(&runs).or_fail("cannot make the lab's directory");
        fs::create_dir_all(SOCKETS).or_fail(format!("cannot make {SOCKETS}"));
        // Short, since network devices carry it. Making its directory takes the name, for labs of other checkouts too.
        let (id, sockets) = (0..LABS)
            .find_map(|step| {
                let number = (std::process::id() + step) % LABS;
                let letter = |digit: u32| char::from_digit(digit, 36).unwrap_or('0');
                let id: String = [letter(number / 36), letter(number % 36)].iter().collect();
                let sockets = Path::new(SOCKETS).join(&id);
                fs::create_dir(&sockets).ok().map(|()| (id, sockets))
            })
            .or_fail(format!("no free name in {SOCKETS}"));
        let dir = runs.join(&id);
        // What a reboot left of a lab of that name: /run forgot it, the disk did not.
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).or_fail(format!("cannot make {}", dir.display()));
        let unlocked = dir.join("alive.new");
        let lock = File::create(&unlocked).or_fail("cannot make the lab's lock");
        flock(&lock, FlockOperation::NonBlockingLockExclusive).or_fail("cannot lock the lab");
        // Shown to others only once it is locked: until then this lab would look dead.
        fs::rename(&unlocked, dir.join("alive")).or_fail("cannot make the lab's lock");
        Self { id, dir, sockets, _lock: lock }
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        remove_traces(&self.id, &self.dir);
    }
}

fn remove_traces(id: &str, dir: &Path) {
    remove_cgroups(&format!("opsroom-lab-{id}-"));
    if env::var_os("OPSROOM_LAB_KEEP").is_none() {
        for path in [dir, &Path::new(SOCKETS).join(id)] {
            if let Err(error) =
                fs::remove_dir_all(path).or_else(|error| if path.exists() { Err(error) } else { Ok(()) })
            {
                eprintln!("lab: cannot remove {}: {error}", path.display());
            }
        }
        // The last lab takes the common directory with it.
        let _ = fs::remove_dir(SOCKETS);
    }
}

/// Removes what labs left that were killed before they could. Their processes went with them.
fn sweep(home: &Path) {
    for entry in fs::read_dir(home.join("run")).into_iter().flatten().flatten() {
        let dir = entry.path();
        let Ok(lock) = File::open(dir.join("alive")) else { continue };
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            remove_traces(&entry.file_name().to_string_lossy(), &dir);
        }
    }
}
