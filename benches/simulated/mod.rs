//! Hosts that are only told of: one SSH server in this process, to which each
//! login is a host of its own with services that never were. It answers the
//! commands of the watch as the tools of their runtimes do, and at once.

mod kind;

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

use self::kind::Simulated;
pub(crate) use self::kind::{Kind, MEMBERS};

/// Hosts `h0`, `h1`…, each with services `s<host>-0`, `s<host>-1`…
pub(crate) struct Hosts {
    world: Arc<World>,
    config: String,
    _server: JoinSet<()>,
    runtime: Runtime,
}

/// What there is on a host: each service in turn is of the next kind, and then of the first again.
pub(crate) struct Plan {
    pub(crate) hosts: usize,
    pub(crate) services: usize,
    pub(crate) kinds: &'static [Kind],
}

struct World {
    plan: Plan,
    hosts: Vec<Mutex<Host>>,
    born: Timestamp,
}

#[derive(Default)]
struct Host {
    /// When they ended.
    dead: BTreeMap<usize, Timestamp>,
    /// What is listened to, and by whom.
    streams: Vec<(&'static str, ChannelId, Handle)>,
}

impl Hosts {
    pub(crate) fn start(lab: &Lab, plan: Plan) -> Self {
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
        let host_key = key.public().split(' ').take(2).collect::<Vec<_>>().join(" ");
        let config = plan.config(port, lab.key().path().to_str().expect("a path"), &host_key);
        let world = Arc::new(World {
            hosts: (0..plan.hosts).map(|_| Mutex::default()).collect(),
            plan,
            born: Timestamp::now() - Duration::from_secs(3_600),
        });
        let mut server = JoinSet::new();
        let mut door = Door(Arc::clone(&world));
        let serve = async move { door.run_on_socket(settings, &listener).await.expect("the server goes on") };
        server.spawn_on(serve, runtime.handle());
        Self { world, config, _server: server, runtime }
    }

    /// The bot's configuration of them.
    pub(crate) fn config(&self) -> &str {
        &self.config
    }

    /// Whether all there is on all of them is listened to.
    pub(crate) fn are_listened_to(&self) -> bool {
        let plan = &self.world.plan;
        let heard =
            |host: usize, kind: &Kind| self.world.host(host).streams.iter().any(|(to, ..)| *to == kind.stream());
        (0..plan.hosts).all(|host| plan.kinds.iter().all(|kind| heard(host, kind)))
    }

    /// A service ends by itself. Gives when, and by which name it is known.
    pub(crate) fn death(&self, host: usize, place: usize) -> (Timestamp, String) {
        let now = Timestamp::now();
        let service = self.world.service(host, place, None);
        let streams = {
            let mut host = self.world.host(host);
            host.dead.insert(place, now);
            host.streams.clone()
        };
        for (_, channel, handle) in streams.into_iter().filter(|(to, ..)| *to == service.kind.stream()) {
            self.runtime.block_on(handle.data(channel, service.end(now))).expect("the stream is open");
        }
        (now, name(host, place))
    }
}

fn name(host: usize, place: usize) -> String {
    format!("s{host}-{place}")
}

impl Plan {
    fn kind(&self, place: usize) -> Kind {
        self.kinds[place % self.kinds.len()]
    }

    fn config(&self, port: u16, key: &str, host_key: &str) -> String {
        let mut text = String::new();
        for host in 0..self.hosts {
            let _ = write!(
                text,
                "[[host]]\nname = \"h{host}\"\naddress = \"127.0.0.1\"\nport = {port}\nuser = \"h{host}\"\nkey_file = {key:?}\n\
                 host_key = {host_key:?}\n\n",
            );
            for place in 0..self.services {
                let (name, what) = (name(host, place), self.kind(place).config(place));
                let _ = write!(text, "[[service]]\nname = {name:?}\nhost = \"h{host}\"\n{what}\n");
            }
        }
        text
    }
}

impl World {
    fn host(&self, host: usize) -> MutexGuard<'_, Host> {
        self.hosts[host].lock().expect("no thread died holding a host")
    }

    fn service(&self, host: usize, place: usize, died: Option<Timestamp>) -> Simulated {
        let number = host * self.plan.services + place;
        Simulated { kind: self.plan.kind(place), place, number, born: self.born, died }
    }

    /// What a look prints.
    fn look(&self, host: usize) -> String {
        let mut text = String::new();
        let dead = self.host(host).dead.clone();
        let services: Vec<Simulated> =
            (0..self.plan.services).map(|place| self.service(host, place, dead.get(&place).copied())).collect();
        for runtime in ["Docker", "Podman", "systemd"] {
            let of = services.iter().filter(|service| service.kind.runtime() == runtime);
            let _ = writeln!(text, "::opsroom-as {runtime} ");
            let projects = of.clone().any(|service| service.kind == Kind::Project);
            text.push_str(if projects { "::opsroom-listed\n" } else { "" });
            of.for_each(|service| service.look(&mut text, projects));
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
        let listens = |kind: &&Kind| command.contains(kind.stream());
        if let Some(kind) = self.world.plan.kinds.iter().find(listens) {
            let clock = format!("::opsroom-clock {}\n", Timestamp::now().as_second());
            session.data(channel, clock.into_bytes())?;
            self.world.host(self.host).streams.push((kind.stream(), channel, session.handle()));
            return Ok(());
        }
        let output = if command.contains("::opsroom-as") {
            self.world.look(self.host)
        } else {
            "listening on 8080\nerror: connection to the database lost\n".to_owned()
        };
        session.data(channel, output.into_bytes())?;
        end(channel, 0, session)
    }

    /// A stream of events lives as long as its standard input.
    async fn channel_eof(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        let ended = {
            let mut host = self.world.host(self.host);
            let before = host.streams.len();
            host.streams.retain(|(_, other, _)| *other != channel);
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
