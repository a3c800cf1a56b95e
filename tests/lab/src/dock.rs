//! What a bot in a container lives among: an engine of its own with the opsroom image, a homeserver that it reaches by
//! name and with TLS, and the host that the engine runs on, over SSH. Between them are the engine's bridge, its address
//! translation and its name service, as in a small company's machine room.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use crate::authority::{Authority, Certificate};
use crate::docker::OwnEngine;
use crate::host::{Host, addresses, device};
use crate::lab::Lab;
use crate::process::{Process, leashed, run};
use crate::synapse::{Synapse, Tls};
use crate::wait::{OrFail as _, PATIENCE};

/// What the homeserver is called by those who are not on this machine.
const HOMESERVER: &str = "matrix.lab.test";

/// The port of its listener with TLS.
const PORT: u16 = 8448;

/// The image as `docker/build.sh` names it and `docker/compose.yaml` runs it.
pub const IMAGE: &str = "opsroom:latest";

/// The same image under a name that no deployment replaces: what a new version's Dockerfile begins with.
pub const BUILT_IMAGE: &str = "opsroom-lab/opsroom";

/// An engine with its surroundings. They go when the value and its containers go.
#[derive(Debug)]
pub struct Dock {
    lab: Lab,
    engine: Arc<OwnEngine>,
    host: Host,
    homeserver: Synapse,
    authority: Authority,
    name_server: String,
    _names: Process,
}

impl Dock {
    #[track_caller]
    pub(crate) fn build(lab: Lab, binary: &Path) -> Self {
        let dir = lab.dir("dock");
        let engine = Arc::new(lab.own_engine());
        let number = lab.number();
        let (near, far) = addresses(&lab);
        engine.machine().cable(&device(&lab, number), &near, &far);
        let names = serve_names(&lab, &dir, &near);
        let authority = Authority::make(&dir);
        let Certificate { file, key } = authority.certificate(HOMESERVER);
        let tls = Tls { name: HOMESERVER.to_owned(), address: near.clone(), port: PORT, certificate: file, key };
        let (homeserver, host) = std::thread::scope(|scope| {
            let homeserver = scope.spawn(|| lab.own_homeserver().tls(tls).start());
            run(engine.command_of(docker_files().join("build.sh")).arg("--bin").arg(binary));
            let host = lab.plan_host("dock").engine(&engine).wired_to_its_engine().boot();
            (homeserver.join(), host)
        });
        let Ok(homeserver) = homeserver else { panic!("lab: the dock's homeserver did not start, see above") };
        engine.docker(&["tag", IMAGE, BUILT_IMAGE]);
        Self { lab, engine, host, homeserver, authority, name_server: near, _names: names }
    }

    /// The lab it belongs to.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// The engine.
    pub fn engine(&self) -> &Arc<OwnEngine> {
        &self.engine
    }

    /// The host the engine runs on.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The homeserver.
    pub fn homeserver(&self) -> &Synapse {
        &self.homeserver
    }

    /// The homeserver, to be stopped and started again.
    pub fn homeserver_mut(&mut self) -> &mut Synapse {
        &mut self.homeserver
    }

    /// Who signed the homeserver's certificate.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The address of the name server that knows the homeserver.
    pub fn name_server(&self) -> &str {
        &self.name_server
    }
}

/// The directory `docker` of the checkout that is tested.
pub fn docker_files() -> PathBuf {
    // Cargo says which package's test runs; the lab is run in that of opsroom, or in its own.
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).or_fail("run this with cargo");
    let checkout = package.ancestors().find(|dir| dir.join("docker/compose.yaml").exists());
    checkout.or_fail("no docker/compose.yaml above this package").join("docker")
}

/// Serves the homeserver's name at an address.
#[track_caller]
fn serve_names(lab: &Lab, dir: &Path, address: &str) -> Process {
    let hosts = dir.join("hosts");
    fs::write(&hosts, format!("{address} {HOMESERVER}\n")).or_fail("cannot write the name server's hosts");
    let mut command = leashed(lab.facts().home.join("venv/bin/python"));
    command.args(["-m", "twisted", "dns", "-p", "53", "-i", address, "--hosts-file"]).arg(&hosts);
    let names = Process::start("the name server", command, &dir.join("names.log"));
    names.wait_for(PATIENCE, "it answers", || answers(address).then_some(()));
    names
}

/// Whether somebody answers a question for the homeserver's address (RFC 1035, section 4).
fn answers(address: &str) -> bool {
    let mut question = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in HOMESERVER.split('.') {
        question.push(u8::try_from(label.len()).unwrap_or(0));
        question.extend_from_slice(label.as_bytes());
    }
    question.extend_from_slice(&[0, 0, 1, 0, 1]);
    let asked = || -> std::io::Result<usize> {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.set_read_timeout(Some(Duration::from_millis(200)))?;
        socket.send_to(&question, (address, 53))?;
        socket.recv(&mut [0; 512])
    };
    asked().is_ok_and(|length| length > question.len())
}
