//! Runs commands on one host: a slot, a connection, a session.

use std::{fmt, sync::Arc, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use futures_util::future::BoxFuture;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep, timeout_at},
};

use super::{
    Settings,
    attempt::Jump,
    connection::{Connection, Lease, NotOpened, Purpose},
    link::{Link, LinkState},
    session::{self, NoExit},
};
use crate::{
    domain::{names::HostName, output::Exit},
    ports::{Exec, Output, Remote, RemoteError},
};

/// How many connections one command may find dead before it was sent. The
/// first may have died while idle; that fresh ones die too is a finding.
const MOST_CONNECTIONS: usize = 3;

/// More than any chain of jump hosts can use up.
const LONGEST_CHAIN: Duration = Duration::from_secs(10 * 60);

/// A host reached over SSH. One connection, kept and renewed by itself.
pub struct SshRemote {
    link: Arc<Link>,
    slots: Semaphore,
}

/// What was learned by connecting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The host's key: `ssh-ed25519 SHA256:…`.
    pub host_key: Option<String>,
    /// What the host runs: `OpenSSH_9.2p1 …`.
    pub software: Option<String>,
    /// How long it took; near zero when the connection stood already.
    pub took: Duration,
}

impl SshRemote {
    /// Makes no connection yet; that is done by the first command.
    pub fn new(settings: Settings) -> Self {
        Self::over(settings, None)
    }

    /// The same for a host that is reached through another one (ssh's
    /// `ProxyJump`).
    pub fn behind(jump: Arc<Self>, settings: Settings) -> Self {
        Self::over(settings, Some(jump))
    }

    fn over(settings: Settings, jump: Option<Arc<dyn Jump>>) -> Self {
        let slots = Semaphore::new(settings.max_sessions.max(1));
        Self { link: Arc::new(Link::new(settings, jump)), slots }
    }

    /// Connects and logs in, and runs nothing.
    pub async fn probe(&self) -> Result<Probe, RemoteError> {
        let begun = Instant::now();
        let lease = self.patient_lease().await?;
        let connection = lease.connection();
        Ok(Probe {
            host_key: connection.host_key().map(str::to_owned),
            software: connection.version().map(str::to_owned),
            took: begun.elapsed(),
        })
    }

    /// How the connection is. Cheap: asks nobody.
    pub fn state(&self) -> LinkState {
        self.link.state()
    }

    /// What it was made with.
    pub fn settings(&self) -> &Settings {
        self.link.settings()
    }

    /// Waits for as long as the attempt and those of its jump hosts take; each
    /// ends by its own limit. Boxed: it is part of making a connection behind
    /// this one.
    fn patient_lease(&self) -> BoxFuture<'_, Result<Lease, RemoteError>> {
        Box::pin(self.link.lease(Instant::now() + LONGEST_CHAIN))
    }

    async fn run(&self, exec: &Exec, output: &mut dyn Output) -> Result<Exit, RemoteError> {
        let deadline = Instant::now() + exec.limit;
        // Before queueing for a slot: that a host is down is told at once, and
        // by one attempt, to all who ask at once.
        drop(self.link.lease(deadline).await?);
        let _slot = self.slot(exec, deadline).await?;
        let mut lost = 0;
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(10))
            .with_max_delay(Duration::from_millis(500))
            .with_jitter()
            .without_max_times()
            .build();
        loop {
            let lease = self.link.lease(deadline).await?;
            let connection = lease.connection();
            let patience = deadline.min(Instant::now() + self.settings().connect_limit);
            let not_opened = match connection.open(Purpose::Session, patience).await {
                Ok(opened) => match opened.into_halves() {
                    Some(channel) => match session::run(channel, connection, exec, deadline, output).await {
                        Ok(exit) => return Ok(exit),
                        Err(NoExit::Remote(error)) => return Err(error),
                        Err(NoExit::NotStarted) => return Err(self.not_started()),
                        Err(NoExit::NotSent) => NotOpened::Gone(connection.end().unwrap_or_default()),
                    },
                    None => NotOpened::Silent,
                },
                Err(not_opened) => not_opened,
            };
            let why = match not_opened {
                NotOpened::Refused(_) => {
                    if connection.ghosts() > 0 {
                        // Its slots are held by commands nobody waits for, and
                        // may be for ever. A new connection has all of its own.
                        self.link.retire(connection);
                    }
                    let pause = pauses.next().unwrap_or_default();
                    if Instant::now() + pause >= deadline {
                        return Err(self.no_session(exec.limit));
                    }
                    drop(lease);
                    sleep(pause).await;
                    continue;
                }
                NotOpened::Gone(why) => why,
                NotOpened::Silent if Instant::now() < deadline => {
                    connection.cut();
                    "the host gives no sign of life".to_owned()
                }
                NotOpened::Silent => {
                    return Err(RemoteError::Unreachable(format!(
                        "{} did not open a session within {:?}",
                        self.settings().label(),
                        exec.limit
                    )));
                }
            };
            self.link.retire(connection);
            lost += 1;
            if lost == MOST_CONNECTIONS {
                return Err(RemoteError::Unreachable(format!(
                    "{} takes the login and then ends the connection before anything is run: {why}",
                    self.settings().label()
                )));
            }
        }
    }

    async fn slot(&self, exec: &Exec, deadline: Instant) -> Result<SemaphorePermit<'_>, RemoteError> {
        match timeout_at(deadline, self.slots.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(RemoteError::Busy(format!(
                "{} runs {} commands for opsroom already, and none of them ended within {:?}",
                self.settings().label(),
                self.settings().max_sessions.max(1),
                exec.limit
            ))),
        }
    }

    fn no_session(&self, limit: Duration) -> RemoteError {
        RemoteError::Busy(format!(
            "{} opened no further session within {limit:?}: its sshd's MaxSessions is reached (opsroom uses {} at most)",
            self.settings().label(),
            self.settings().max_sessions.max(1)
        ))
    }

    fn not_started(&self) -> RemoteError {
        RemoteError::Busy(format!(
            "{} did not start the command: is it out of processes or memory?",
            self.settings().label()
        ))
    }
}

impl Jump for SshRemote {
    fn name(&self) -> &HostName {
        &self.settings().name
    }

    fn lease(&self) -> BoxFuture<'_, Result<Lease, RemoteError>> {
        self.patient_lease()
    }

    fn retire(&self, connection: &Arc<Connection>) {
        self.link.retire(connection);
    }
}

impl Remote for SshRemote {
    fn exec<'a>(&'a self, exec: Exec, output: &'a mut dyn Output) -> BoxFuture<'a, Result<Exit, RemoteError>> {
        Box::pin(async move { self.run(&exec, output).await })
    }
}

impl fmt::Debug for SshRemote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshRemote").field("name", &self.settings().name).finish_non_exhaustive()
    }
}
