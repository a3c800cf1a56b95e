//! The handle a test holds: it finds the running lab and hands out people, rooms, hosts and bots, each with a name and an
//! address nobody else in this lab has, so that tests run side by side in processes of their own.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::bot::BotPlan;
use crate::dock::Dock;
use crate::docker::{Engine, EnginePlan, OwnEngine};
use crate::host::{Host, HostPlan};
use crate::keys::KeyPair;
use crate::person::Person;
use crate::process::{command, run};
use crate::room::RoomPlan;
use crate::synapse::{Homeserver, SynapsePlan};
use crate::wait::OrFail as _;

/// The environment variable that names a running lab's file.
pub const VARIABLE: &str = "OPSROOM_LAB";

/// How many labs a machine holds at once. Each has a name and a part of the address range of its own.
pub(crate) const LABS: u32 = 128;

/// What a running lab says of itself in `lab.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Facts {
    /// The process that owns the lab.
    pub owner: u32,
    /// The name that everything outside of `dir` carries: control groups, network devices.
    pub id: String,
    /// Where it keeps its files; goes with it.
    pub dir: PathBuf,
    /// A directory with a short name, for sockets: the kernel allows 107 bytes for the whole path.
    pub sockets: PathBuf,
    /// Where the set-up put what does not change: the Python environment and Docker's plugins.
    pub home: PathBuf,
    /// The homeserver everybody shares.
    pub synapse: crate::synapse::Address,
    /// The engine everybody shares.
    pub engine: crate::docker::Address,
}

/// A running lab. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lab {
    facts: Arc<Facts>,
}

impl Lab {
    /// The lab that this process was started in.
    #[track_caller]
    pub fn connect() -> Self {
        let Some(path) = env::var_os(VARIABLE) else {
            panic!(
                "lab: {VARIABLE} is not set, so there is no lab to run in. \
                 Run `make test`, or `opsroom-lab run -- cargo test …` for a part of it."
            )
        };
        Self::at(Path::new(&path))
    }

    /// The lab whose `lab.json` this is.
    #[track_caller]
    pub fn at(path: &Path) -> Self {
        let text = fs::read_to_string(path).or_fail(format!("cannot read {} (is the lab still up?)", path.display()));
        let facts: Facts = serde_json::from_str(&text).or_fail(format!("{} is not a lab's file", path.display()));
        Self::of(facts)
    }

    pub(crate) fn of(facts: Facts) -> Self {
        Self { facts: Arc::new(facts) }
    }

    /// What the lab says of itself.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// A number nobody in this lab got before, in whatever process.
    #[track_caller]
    pub fn number(&self) -> u32 {
        number_in(&self.facts.dir, "counter")
    }

    /// The number of a cable that no other lab of this machine lays: 256 of them, then the first comes again.
    #[track_caller]
    pub(crate) fn cable_number(&self) -> u32 {
        const CABLES: u32 = 32_768 / LABS;
        let lab = u32::from_str_radix(&self.facts.id, 36).or_fail("a lab's name is a number");
        lab % LABS * CABLES + number_in(&self.facts.dir, "cables") % CABLES
    }

    /// `name-<number>`.
    #[track_caller]
    pub fn unique(&self, name: &str) -> String {
        format!("{name}-{}", self.number())
    }

    /// A fresh directory named after `name`.
    #[track_caller]
    pub fn dir(&self, name: &str) -> PathBuf {
        let dir = self.facts.dir.join(self.unique(name));
        fs::create_dir_all(&dir).or_fail(format!("cannot make {}", dir.display()));
        dir
    }

    /// The homeserver everybody shares. It has generous limits and is never stopped.
    pub fn homeserver(&self) -> Homeserver {
        Homeserver::new(self.clone(), self.facts.synapse.clone())
    }

    /// A homeserver of the test's own, to be stopped, stalled or limited.
    pub fn own_homeserver(&self) -> SynapsePlan {
        SynapsePlan::new(self.clone())
    }

    /// The engine everybody shares.
    pub fn engine(&self) -> Engine {
        Engine::new(self.facts.engine.clone(), &self.facts.home)
    }

    /// An engine of the test's own, to be restarted or killed.
    #[track_caller]
    pub fn own_engine(&self) -> OwnEngine {
        self.plan_engine().start()
    }

    /// An engine of the test's own that is special in some way.
    pub fn plan_engine(&self) -> EnginePlan {
        EnginePlan::new(self.clone())
    }

    /// An engine, a homeserver and a host for bots in containers, built from this opsroom.
    #[track_caller]
    pub fn dock(&self, binary: impl AsRef<Path>) -> Dock {
        Dock::build(self.clone(), binary.as_ref())
    }

    /// A fresh user of the shared homeserver, at a cross-signed device.
    #[track_caller]
    pub fn person(&self, name: &str) -> Person {
        self.homeserver().person(name)
    }

    /// A room to be created on the shared homeserver.
    pub fn room(&self, name: &str) -> RoomPlan {
        self.homeserver().room(name)
    }

    /// A host with sshd, a login user and Docker, on a network of its own.
    #[track_caller]
    pub fn host(&self, name: &str) -> Host {
        self.plan_host(name).boot()
    }

    /// A host that is special in some way.
    pub fn plan_host(&self, name: &str) -> HostPlan {
        HostPlan::new(self.clone(), name)
    }

    /// Many hosts at the price of one machine: one sshd each, with a port and a host key of its own. For benchmarks.
    #[track_caller]
    pub fn hosts_on_one_machine(&self, count: u16) -> Vec<Host> {
        self.plan_host("crowd").boot_many(count)
    }

    /// The image of a Debian, made when it is first wanted.
    #[track_caller]
    pub(crate) fn image(&self, suite: &str) -> PathBuf {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("images.sh");
        // Two tests may want it at once.
        let lock = File::create(self.facts.home.join("images.lock")).or_fail("cannot make the images' lock");
        flock(&lock, FlockOperation::LockExclusive).or_fail("cannot lock the images");
        run(command(script).arg(suite).env("OPSROOM_LAB_HOME", &self.facts.home));
        self.facts.home.join("images").join(suite)
    }

    /// The key that opens every host for `ops` unless told otherwise.
    pub fn key(&self) -> KeyPair {
        KeyPair::at(self.facts.dir.join("id_ed25519"))
    }

    /// The bot under test.
    pub fn bot(&self) -> BotPlan {
        BotPlan::new(self.clone())
    }
}

/// Counts up in a file that processes share.
#[track_caller]
pub(crate) fn number_in(dir: &Path, name: &str) -> u32 {
    let lock = File::create(dir.join(format!("{name}.lock"))).or_fail(format!("cannot count in {}", dir.display()));
    flock(&lock, FlockOperation::LockExclusive).or_fail("cannot lock the counter");
    let path = dir.join(name);
    let next = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0) + 1;
    fs::write(&path, format!("{next}")).or_fail("cannot write the counter");
    next
}
