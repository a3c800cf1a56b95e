//! Hosts that are only told of: one SSH server in this process, to which each
//! login is a host of its own with containers that never were. It answers the
//! commands of the watch as Docker's command line does, and at once.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use jiff::Timestamp;
use opsroom_lab::{Lab, keys::KeyPair};
use russh::{
    Channel, ChannelId,
    keys::load_secret_key,
    server::{Auth, ChannelOpenHandle, Config, Handle, Handler, Msg, Server, Session, VerifiedPublicKey},
};
use tokio::{net::TcpListener, runtime::Runtime, task::JoinSet};

/// Hosts `h0`, `h1`…, each with containers `c0`, `c1`…
pub(crate) struct Hosts {
    world: Arc<World>,
    config: String,
    _server: JoinSet<()>,
    runtime: Runtime,
}

struct World {
    hosts: Vec<Mutex<Simulated>>,
    services: usize,
    born: Timestamp,
}

#[derive(Default)]
struct Simulated {
    /// When they ended.
    dead: BTreeMap<usize, Timestamp>,
    streams: Vec<(ChannelId, Handle)>,
}

impl Hosts {
    pub(crate) fn start(lab: &Lab, hosts: usize, services: usize) -> Self {
        let world = Arc::new(World {
            hosts: (0..hosts).map(|_| Mutex::default()).collect(),
            services,
            born: Timestamp::now() - Duration::from_secs(3_600),
        });
        let key = KeyPair::ed25519(lab);
        let settings = Arc::new(Config {
            keys: vec![load_secret_key(key.path(), None).expect("the host key")],
            // As sshd has none.
            inactivity_timeout: None,
            nodelay: true,
            ..Config::default()
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mut server = JoinSet::new();
        let mut door = Door(Arc::clone(&world));
        let serve = async move { door.run_on_socket(settings, &listener).await.expect("the server goes on") };
        server.spawn_on(serve, runtime.handle());
        let host_key = key.public().split(' ').take(2).collect::<Vec<_>>().join(" ");
        let config = config(hosts, services, port, lab.key().path().to_str().expect("a path"), &host_key);
        Self { world, config, _server: server, runtime }
    }

    /// The bot's configuration of them.
    pub(crate) fn config(&self) -> &str {
        &self.config
    }

    /// On how many of them events are listened to.
    pub(crate) fn listened_to(&self) -> usize {
        (0..self.world.hosts.len()).filter(|host| !self.world.host(*host).streams.is_empty()).count()
    }

    /// One container ends by itself. Gives when, and by which name its service is known.
    pub(crate) fn death(&self, host: usize, container: usize) -> (Timestamp, String) {
        let now = Timestamp::now();
        let line = self.world.died(host, container, now);
        let streams = {
            let mut simulated = self.world.host(host);
            simulated.dead.insert(container, now);
            simulated.streams.clone()
        };
        for (channel, handle) in streams {
            self.runtime.block_on(handle.data(channel, line.clone())).expect("the stream is open");
        }
        (now, service(host, container))
    }
}

fn service(host: usize, container: usize) -> String {
    format!("s{host}-{container}")
}

fn config(hosts: usize, services: usize, port: u16, key: &str, host_key: &str) -> String {
    let mut text = String::new();
    for host in 0..hosts {
        let _ = write!(
            text,
            "[[host]]\nname = \"h{host}\"\naddress = \"127.0.0.1\"\nport = {port}\nuser = \"h{host}\"\nkey_file = {key:?}\n\
             host_key = {host_key:?}\n\n",
        );
        for container in 0..services {
            let name = service(host, container);
            let _ = write!(
                text,
                "[[service]]\nname = {name:?}\nhost = \"h{host}\"\nruntime = \"docker\"\ncontainer = \"c{container}\"\n\n"
            );
        }
    }
    text
}

impl World {
    fn host(&self, host: usize) -> MutexGuard<'_, Simulated> {
        self.hosts[host].lock().expect("no thread died holding a host")
    }

    fn id(&self, host: usize, container: usize) -> String {
        format!("{:064x}", host * self.services + container + 1)
    }

    /// What `docker events` prints.
    fn died(&self, host: usize, container: usize, at: Timestamp) -> String {
        let (id, seconds, nanoseconds) = (self.id(host, container), at.as_second(), at.as_nanosecond());
        let image = "registry.example.org/app:1";
        format!(
            "{{\"status\":\"die\",\"id\":\"{id}\",\"from\":\"{image}\",\"Type\":\"container\",\"Action\":\"die\",\"Actor\":\
             {{\"ID\":\"{id}\",\"Attributes\":{{\"exitCode\":\"3\",\"image\":\"{image}\",\"name\":\"c{container}\"}}}},\
             \"scope\":\"local\",\"time\":{seconds},\"timeNano\":{nanoseconds}}}\n"
        )
    }

    /// What a look prints.
    fn look(&self, host: usize) -> String {
        let (mut text, born) = ("::opsroom-as Docker \n".to_owned(), self.born);
        let simulated = self.host(host);
        for container in 0..self.services {
            let id = self.id(host, container);
            let _ = match simulated.dead.get(&container) {
                None => writeln!(text, "/c{container}|{id}|running|{born}|0001-01-01T00:00:00Z|0|0|false||no"),
                Some(at) => writeln!(text, "/c{container}|{id}|exited|{born}|{at}|0|3|false||no"),
            };
        }
        let _ = write!(
            text,
            "::opsroom-as :host\n2f0c2f9e-6b1d-4b52-9f3e-{host:012x}\n\
             Filesystem 1024-blocks Used Available Capacity Mounted on\n\
             /dev/vda1 264212084 66060288 184647556 27% /\n/dev/vda1 264212084 66060288 184647556 27% /\n"
        );
        text
    }
}

/// Where everybody comes in.
struct Door(Arc<World>);

impl Server for Door {
    type Handler = Visitor;

    fn new_client(&mut self, _: Option<std::net::SocketAddr>) -> Visitor {
        Visitor { world: Arc::clone(&self.0), host: 0 }
    }
}

/// One connection.
struct Visitor {
    world: Arc<World>,
    /// By its login.
    host: usize,
}

impl Handler for Visitor {
    type Error = russh::Error;

    async fn auth_publickey(&mut self, user: &str, _: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        let host = user.strip_prefix('h').and_then(|number| number.parse().ok());
        match host.filter(|host| *host < self.world.hosts.len()) {
            Some(host) => {
                self.host = host;
                Ok(Auth::Accept)
            }
            None => Ok(Auth::reject()),
        }
    }

    async fn channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let command = String::from_utf8_lossy(command);
        session.channel_success(channel)?;
        if command.contains("docker events") {
            let clock = format!("::opsroom-clock {}\n", Timestamp::now().as_second());
            session.data(channel, clock.into_bytes())?;
            self.world.host(self.host).streams.push((channel, session.handle()));
            return Ok(());
        }
        let (output, status) = if command.contains("docker inspect") {
            (self.world.look(self.host), 0)
        } else if command.contains("docker logs") {
            ("listening on 8080\nerror: connection to the database lost\n".to_owned(), 0)
        } else {
            (String::new(), 127)
        };
        session.data(channel, output.into_bytes())?;
        end(channel, status, session)
    }

    /// A stream of events lives as long as its standard input.
    async fn channel_eof(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        let ended = {
            let mut host = self.world.host(self.host);
            let before = host.streams.len();
            host.streams.retain(|(other, _)| *other != channel);
            host.streams.len() < before
        };
        if ended { end(channel, 143, session) } else { Ok(()) }
    }
}

fn end(channel: ChannelId, status: u32, session: &mut Session) -> Result<(), russh::Error> {
    session.exit_status_request(channel, status)?;
    session.eof(channel)?;
    session.close(channel)
}
