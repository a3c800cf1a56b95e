//! Homeservers: Synapse on loopback with SQLite. One is shared by all tests and has limits nobody meets; a test that wants
//! to stop, stall or limit one starts its own.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::lab::Lab;
use crate::person::{Person, Speaker};
use crate::port::free_port;
use crate::process::{Process, Signal, command, leashed, run};
use crate::room::RoomPlan;
use crate::wait::{OrFail as _, PATIENCE};

/// Every homeserver of the lab calls itself this; they never talk to each other.
pub const SERVER_NAME: &str = "lab.test";

/// Where a homeserver is, and its secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Address {
    /// `http://127.0.0.1:<port>`.
    pub url: String,
    /// The port.
    pub port: u16,
    /// Its configuration file.
    pub config: PathBuf,
    /// `https://…`, when it has a listener with TLS too.
    pub secure_url: Option<String>,
}

/// A homeserver to talk to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Homeserver {
    lab: Lab,
    address: Address,
}

impl Homeserver {
    pub(crate) fn new(lab: Lab, address: Address) -> Self {
        Self { lab, address }
    }

    /// The lab it belongs to.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Its address, as a client is told it.
    pub fn url(&self) -> &str {
        &self.address.url
    }

    /// Its address with TLS, for who is not on this machine.
    #[track_caller]
    pub fn secure_url(&self) -> &str {
        self.address.secure_url.as_deref().or_fail("this homeserver has no listener with TLS")
    }

    /// Registers a user with a name of its own; gives the full ID and the password.
    #[track_caller]
    pub fn register(&self, name: &str) -> Account {
        let name = self.lab.unique(name);
        let password = format!("password of {name}");
        let body = json!({
            "username": name, "password": password, "inhibit_login": true, "auth": { "type": "m.login.dummy" },
        });
        let answer =
            self.call("POST", "/_matrix/client/v3/register", None, &body).or_fail(format!("cannot register {name}"));
        let user = answer["user_id"].as_str().or_fail("the homeserver registered nobody").to_owned();
        Account { user, password }
    }

    /// A fresh user at a cross-signed device.
    #[track_caller]
    pub fn person(&self, name: &str) -> Person {
        let account = self.register(name);
        Person::at_first_device(self.clone(), account, name)
    }

    /// A room to be created here.
    pub fn room(&self, name: &str) -> RoomPlan {
        RoomPlan::new(self.lab.unique(name))
    }

    /// The access token of a fresh server administrator.
    #[track_caller]
    pub fn admin_token(&self) -> String {
        let name = self.lab.unique("admin");
        let tool = self.lab.facts().home.join("venv/bin/register_new_matrix_user");
        run(command(tool).args(["-u", &name, "-p", &name, "-a", "-c"]).arg(&self.address.config).arg(self.url()));
        let login = json!({
            "type": "m.login.password", "password": name, "identifier": { "type": "m.id.user", "user": name },
        });
        let session =
            self.call("POST", "/_matrix/client/v3/login", None, &login).or_fail("the administrator cannot log in");
        session["access_token"].as_str().or_fail("no access token").to_owned()
    }

    /// One request, with a JSON body when it is not null. `Err` carries status and body.
    pub fn call(&self, method: &str, path: &str, token: Option<&str>, body: &Value) -> Result<Value, String> {
        call(self.address.port, method, path, token, body)
    }
}

/// A registered user.
#[derive(Debug, Clone)]
pub struct Account {
    /// The full Matrix ID.
    pub user: String,
    /// The password.
    pub password: String,
}

/// Somebody without a client yet.
impl Speaker for Account {
    fn user(&self) -> &str {
        &self.user
    }
}

/// A homeserver of a test's own, before it starts.
#[derive(Debug)]
pub struct SynapsePlan {
    lab: Lab,
    default_message_limits: bool,
    tls: Option<Tls>,
}

impl SynapsePlan {
    pub(crate) fn new(lab: Lab) -> Self {
        Self { lab, default_message_limits: false, tls: None }
    }

    /// Synapse's own limits on messages: 0.2 a second with a burst of 10, per account.
    pub fn default_message_limits(mut self) -> Self {
        self.default_message_limits = true;
        self
    }

    /// Listens with TLS too.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Starts it; it goes when the value goes.
    #[track_caller]
    pub fn start(self) -> Synapse {
        let dir = self.lab.dir("synapse");
        let server = Server::start(&dir, &self.lab.facts().home, !self.default_message_limits, self.tls.as_ref());
        Synapse { homeserver: Homeserver::new(self.lab, server.address.clone()), server }
    }
}

/// A listener with TLS.
#[derive(Debug)]
pub struct Tls {
    /// What it is called in the URL and on the certificate.
    pub name: String,
    /// The address it listens at.
    pub address: String,
    /// The port.
    pub port: u16,
    /// The certificate, with its chain.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// A running homeserver of a test's own.
#[derive(Debug)]
pub struct Synapse {
    homeserver: Homeserver,
    server: Server,
}

impl Synapse {
    /// Ends it as an administrator would; its data stays.
    #[track_caller]
    pub fn stop(&mut self) {
        self.server.process.stop(PATIENCE);
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) -> ExitStatus {
        self.server.process.kill()
    }

    /// Starts it again, at the same address with the same data.
    #[track_caller]
    pub fn start_again(&mut self) {
        self.server.start_again();
    }

    /// Holds it still: connections stay open and nothing is answered.
    pub fn stall(&self) {
        self.server.process.signal(Signal::STOP);
    }

    /// Lets it go on after [`Self::stall`].
    pub fn go_on(&self) {
        self.server.process.signal(Signal::CONT);
    }
}

impl Deref for Synapse {
    type Target = Homeserver;

    fn deref(&self) -> &Homeserver {
        &self.homeserver
    }
}

/// The process behind a homeserver.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: Address,
    dir: PathBuf,
    home: PathBuf,
    process: Process,
}

impl Server {
    /// Starts a new homeserver in `dir`.
    #[track_caller]
    pub(crate) fn start(dir: &Path, home: &Path, generous: bool, tls: Option<&Tls>) -> Self {
        let port = free_port();
        let config = dir.join("homeserver.yaml");
        fs::write(dir.join("signing.key"), signing_key()).or_fail("cannot write the signing key");
        // JSON is YAML.
        let mut settings = settings(dir, port, generous);
        if let Some(Tls { address, port, certificate, key, .. }) = tls {
            settings["tls_certificate_path"] = json!(certificate);
            settings["tls_private_key_path"] = json!(key);
            if let Some(listeners) = settings["listeners"].as_array_mut() {
                listeners.push(listener(*port, address, true));
            }
        }
        fs::write(&config, format!("{settings:#}")).or_fail("cannot write Synapse's configuration");
        fs::write(dir.join("log.yaml"), log_settings(dir)).or_fail("cannot write Synapse's log configuration");
        let process = launch(dir, home, port);
        let secure_url = tls.map(|tls| format!("https://{}:{}", tls.name, tls.port));
        let address = Address { url: format!("http://127.0.0.1:{port}"), port, config, secure_url };
        Self { address, dir: dir.to_owned(), home: home.to_owned(), process }
    }

    #[track_caller]
    fn start_again(&mut self) {
        self.process.kill();
        self.process = launch(&self.dir, &self.home, self.address.port);
    }
}

#[track_caller]
fn launch(dir: &Path, home: &Path, port: u16) -> Process {
    let mut command = leashed(home.join("venv/bin/python"));
    command.args(["-m", "synapse.app.homeserver", "-c", "homeserver.yaml"]).current_dir(dir);
    let process = Process::start("Synapse", command, &dir.join("synapse.out"));
    process.wait_for(Duration::from_secs(60), "Synapse answers", || {
        call(port, "GET", "/_matrix/client/versions", None, &Value::Null).ok()
    });
    process
}

fn settings(dir: &Path, port: u16, generous: bool) -> Value {
    let plenty = json!({ "per_second": 10_000, "burst_count": 10_000 });
    let mut settings = json!({
        "server_name": SERVER_NAME,
        "pid_file": dir.join("synapse.pid"),
        "log_config": dir.join("log.yaml"),
        "signing_key_path": dir.join("signing.key"),
        "media_store_path": dir.join("media"),
        "database": { "name": "sqlite3", "args": { "database": dir.join("homeserver.db") } },
        "listeners": [listener(port, "127.0.0.1", false)],
        // Nothing of the lab talks to anybody outside.
        "trusted_key_servers": [], "federation_domain_whitelist": [], "report_stats": false,
        "enable_registration": true, "enable_registration_without_verification": true,
        "registration_shared_secret": "lab", "macaroon_secret_key": "lab", "form_secret": "lab",
        // Passwords of a test need not withstand a thief, and each login computes one.
        "bcrypt_rounds": 4,
        "presence": { "enabled": false },
        "rc_registration": plenty, "rc_joins": { "local": plenty, "remote": plenty },
        "rc_joins_per_room": plenty, "rc_room_creation": plenty, "rc_key_requests": plenty,
        "rc_login": { "address": plenty, "account": plenty, "failed_attempts": plenty },
        "rc_invites": { "per_room": plenty, "per_user": plenty, "per_issuer": plenty },
    });
    if generous {
        settings["rc_message"] = plenty;
    }
    settings
}

fn listener(port: u16, address: &str, tls: bool) -> Value {
    json!({ "port": port, "type": "http", "tls": tls, "bind_addresses": [address], "resources": [{ "names": ["client"] }] })
}

fn log_settings(dir: &Path) -> String {
    let settings = json!({
        "version": 1, "disable_existing_loggers": false,
        "formatters": { "line": { "format": "%(asctime)s %(levelname)s %(name)s %(request)s %(message)s" } },
        "filters": { "context": { "()": "synapse.logging.context.LoggingContextFilter", "request": "" } },
        "handlers": { "file": {
            "class": "logging.FileHandler", "filename": dir.join("synapse.log"), "formatter": "line", "filters": ["context"],
        } },
        "root": { "level": "WARNING", "handlers": ["file"] },
    });
    format!("{settings:#}")
}

/// A signing key in Synapse's format, made here because Synapse takes a second to make one.
#[track_caller]
fn signing_key() -> String {
    let mut seed = [0_u8; 32];
    File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut seed)).or_fail("no random numbers");
    format!("ed25519 a_lab {}\n", unpadded_base64(&seed))
}

pub(crate) fn unpadded_base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(group >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}

/// One HTTP/1.0 request to a server on loopback: all the harness itself needs.
fn call(port: u16, method: &str, path: &str, token: Option<&str>, body: &Value) -> Result<Value, String> {
    let exchange = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let auth = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n{auth}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = exchange().map_err(|error| error.to_string())?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| format!("not an HTTP answer: {answer:?}"))?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status != "200" {
        return Err(format!("HTTP {status}: {body}"));
    }
    serde_json::from_str(body).map_err(|error| format!("not JSON ({error}): {body}"))
}
