//! The Matrix side on its own, as a test talks about it: no engine, an inbox
//! in memory, a state directory that outlives its process.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use opsroom::{
    domain::{
        inbound::Inbound,
        message::{Body, MessageClass},
        names::{EventId, RoomId, UserId},
        room::RoomAddress,
    },
    matrix::{self, Login, Matrix, MatrixChat, Notice, Settings},
    ports::{Chat, ChatError, Content, Delivery},
    state_dir::StateDir,
};
use opsroom_lab::{
    Person, Room, Speaker,
    synapse::{Account, Homeserver},
    wait::PATIENCE,
    wait_until,
};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::inbox::MemoryInbox;

/// A bot that may run, stop, die and run again.
pub(crate) struct Bot {
    pub(crate) inbox: Arc<MemoryInbox>,
    pub(crate) settings: Settings,
    account: Account,
    dir: TempDir,
    runtime: Runtime,
    running: Option<Running>,
    notices: Arc<Mutex<Vec<Notice>>>,
    transactions: AtomicU32,
}

struct Running {
    chat: MatrixChat,
    last_good: watch::Receiver<Option<Instant>>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    ended: Arc<Mutex<Option<Result<(), String>>>>,
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.is_killed();
    }
}

impl Speaker for Bot {
    fn user(&self) -> &str {
        &self.account.user
    }
}

impl Bot {
    /// A bot with an account of its own that has not started yet.
    pub(crate) fn new(homeserver: &Homeserver) -> Self {
        // Shown where a test fails; RUST_LOG says how much.
        let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "opsroom=debug".into());
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
        let account = homeserver.register("bot");
        let dir = tempfile::tempdir().expect("a directory");
        let settings = Settings {
            homeserver: homeserver.url().parse().expect("a URL"),
            user: UserId::parse(&account.user).expect("a user ID"),
            login: Login::Password(SecretString::from(account.password.clone())),
            device_name: "opsroom".to_owned(),
            passphrase: SecretString::from("a passphrase"),
            recovery_key_file: dir.path().join("recovery-key"),
            rooms: Vec::new(),
            operators: Default::default(),
            sync_timeout: Duration::from_secs(30),
            reconnect_after: Duration::from_secs(180),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        Self {
            inbox: Arc::default(),
            settings,
            account,
            dir,
            runtime,
            running: None,
            notices: Arc::default(),
            transactions: AtomicU32::default(),
        }
    }

    /// Serves a room by its alias; its owner invites the bot.
    pub(crate) fn room(mut self, room: &Room) -> Self {
        self.settings.rooms.push(RoomAddress::parse(room.alias()).expect("an alias"));
        room.owner().invites(room, &self);
        self
    }

    /// Serves a room by its ID; nobody invites the bot.
    pub(crate) fn uninvited_room(mut self, room: &Room) -> Self {
        self.settings.rooms.push(RoomAddress::parse(room.id()).expect("an ID"));
        self
    }

    pub(crate) fn operator(mut self, person: &Person) -> Self {
        self.settings.operators.insert(UserId::parse(person.user()).expect("a user ID"));
        self
    }

    /// Starts, and waits until it listens.
    #[track_caller]
    pub(crate) fn start(mut self) -> Self {
        self.starts();
        self.listens();
        self
    }

    pub(crate) fn starts(&mut self) {
        self.try_start().expect("the bot starts");
    }

    pub(crate) fn try_start(&mut self) -> Result<(), String> {
        assert!(self.running.is_none(), "it runs already");
        let _runtime = self.runtime.enter();
        let state = Arc::new(StateDir::claim(self.dir.path().join("state")).map_err(|error| error.to_string())?);
        let connected = self.runtime.block_on(matrix::connect(self.settings.clone(), state, self.inbox.clone()));
        let Matrix { chat, life, notices, last_good_sync, rooms: _ } = connected.map_err(|error| error.to_string())?;
        let stop = CancellationToken::new();
        let ended = Arc::new(Mutex::new(None));
        let mut tasks = JoinSet::new();
        let (said, mut notices) = (self.notices.clone(), notices);
        let (stopped, end) = (stop.clone(), ended.clone());
        tasks.spawn(async move {
            let result = life.run(stopped).await.map_err(|error| error.to_string());
            *end.lock().expect("nobody panics with it") = Some(result);
        });
        tasks.spawn(async move {
            while let Some(notice) = notices.recv().await {
                said.lock().expect("nobody panics with it").push(notice);
            }
        });
        self.running = Some(Running { chat, last_good: last_good_sync, stop, tasks, ended });
        Ok(())
    }

    /// `opsroom login`.
    pub(crate) fn logs_in(&self) -> Result<String, String> {
        let state = StateDir::claim(self.dir.path().join("state")).map_err(|error| error.to_string())?;
        self.runtime.block_on(matrix::login(&self.settings, &state)).map_err(|error| error.to_string())
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("the bot runs")
    }

    /// Waits until a delivery would be tried.
    #[track_caller]
    pub(crate) fn listens(&self) {
        wait_until(PATIENCE, "the bot to listen", || {
            if let Some(ended) = self.ended() {
                panic!("the bot ended: {ended:?}");
            }
            self.running().last_good.borrow().is_some().then_some(())
        });
    }

    /// When it last heard from the homeserver.
    pub(crate) fn last_good_sync(&self) -> Option<Instant> {
        *self.running().last_good.borrow()
    }

    /// How its life ended, if it did.
    pub(crate) fn ended(&self) -> Option<Result<(), String>> {
        self.running().ended.lock().expect("nobody panics with it").clone()
    }

    /// Stops as asked.
    #[track_caller]
    pub(crate) fn stops(&mut self) {
        let mut running = self.running.take().expect("the bot runs");
        running.stop.cancel();
        self.runtime.block_on(async { while running.tasks.join_next().await.is_some() {} });
        assert_eq!(running.ended.lock().expect("nobody panics with it").take(), Some(Ok(())));
    }

    /// Dies where it stands: no more of its code runs.
    pub(crate) fn dies(&mut self) {
        self.is_killed();
        // What the SDK spawned dies as well.
        let fresh = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        std::mem::replace(&mut self.runtime, fresh).shutdown_background();
    }

    fn is_killed(&mut self) {
        let Some(mut running) = self.running.take() else { return };
        running.tasks.abort_all();
        // The SDK's database pools can only be dropped inside a runtime.
        self.runtime.block_on(async move {
            while running.tasks.join_next().await.is_some() {}
            drop(running);
        });
    }

    /// Its mouth and the runtime it speaks on.
    pub(crate) fn chat(&self) -> (MatrixChat, tokio::runtime::Handle) {
        (self.running().chat.clone(), self.runtime.handle().clone())
    }

    pub(crate) fn notices(&self) -> Vec<Notice> {
        self.notices.lock().expect("nobody panics with it").clone()
    }

    /// The message of an event, once it is in the inbox.
    #[track_caller]
    pub(crate) fn hears(&self, event: &opsroom_lab::EventId) -> Inbound {
        wait_until(PATIENCE, format_args!("the bot to hear {event}; it heard {:#?}", self.inbox.messages()), || {
            self.inbox.messages().into_iter().find(|message| message.event.as_str() == event.0)
        })
    }

    /// The bodies of everything it heard.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.inbox.messages().into_iter().map(|message| message.body).collect()
    }

    /// The event it heard last.
    pub(crate) fn last_heard(&self) -> EventId {
        self.inbox.messages().last().expect("it heard something").event.clone()
    }

    pub(crate) fn transaction(&self) -> String {
        format!("t{}", self.transactions.fetch_add(1, Ordering::Relaxed))
    }

    /// One attempt at a delivery.
    pub(crate) fn delivers(&self, room: &Room, transaction: &str, content: Content) -> Result<EventId, ChatError> {
        let room = RoomId::parse(room.id()).expect("a room ID");
        let delivery = Delivery { transaction: transaction.to_owned(), room, content };
        let (chat, runtime) = self.chat();
        runtime.block_on(chat.deliver(&delivery))
    }

    pub(crate) fn replay_key(&self, message: &Inbound) -> Result<Option<String>, ChatError> {
        let (chat, runtime) = self.chat();
        runtime.block_on(chat.replay_key(message))
    }

    /// Says something; it must be taken.
    #[track_caller]
    pub(crate) fn sends(&self, room: &Room, content: Content) -> opsroom_lab::EventId {
        let event = self.delivers(room, &self.transaction(), content).expect("a delivery");
        opsroom_lab::EventId(event.as_str().to_owned())
    }

    #[track_caller]
    pub(crate) fn answers(&self, room: &Room, question: &opsroom_lab::EventId, markdown: &str) -> opsroom_lab::EventId {
        let reply_to = Some(EventId::parse(&question.0).expect("an event ID"));
        let body = Body::from_markdown(markdown);
        self.sends(room, Content::Message { class: MessageClass::Answer, body, reply_to, mentions: vec![] })
    }

    pub(crate) fn state_dir(&self) -> std::path::PathBuf {
        self.dir.path().join("state")
    }

    pub(crate) fn recovery_key_file(&self) -> &Path {
        &self.settings.recovery_key_file
    }

    /// The device ID in the session file.
    pub(crate) fn device(&self) -> String {
        self.session()["device_id"].as_str().expect("a device ID").to_owned()
    }

    pub(crate) fn password(&self) -> &str {
        &self.account.password
    }

    /// Changes the session file behind the bot's back.
    pub(crate) fn changes_session(&self, change: impl FnOnce(&mut serde_json::Value)) {
        let mut session = self.session();
        change(&mut session);
        let path = self.state_dir().join("matrix/session.json");
        std::fs::write(path, session.to_string()).expect("the session file can be written");
    }

    /// Joins a room with another client of the bot's account, which then goes.
    #[track_caller]
    pub(crate) fn joins_as_somebody_else(&self, room: &Room) {
        let homeserver = room.owner().homeserver();
        let login = serde_json::json!({
            "type": "m.login.password", "password": self.password(),
            "identifier": { "type": "m.id.user", "user": self.user() },
        });
        let session = homeserver.call("POST", "/_matrix/client/v3/login", None, &login).expect("a login");
        let token = session["access_token"].as_str();
        let path = format!("/_matrix/client/v3/rooms/{}/join", room.id().replace('!', "%21"));
        homeserver.call("POST", &path, token, &serde_json::json!({})).expect("a join");
        homeserver.call("POST", "/_matrix/client/v3/logout", token, &serde_json::json!({})).expect("a logout");
    }

    /// The session file.
    pub(crate) fn session(&self) -> serde_json::Value {
        let text = std::fs::read_to_string(self.state_dir().join("matrix/session.json")).expect("a session file");
        serde_json::from_str(&text).expect("JSON")
    }
}
