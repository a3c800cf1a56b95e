//! Long-polls written by hand: the bot to compare with, and the observer.

use std::{
    sync::mpsc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use matrix_sdk::reqwest;
use opsroom_lab::{
    Person, Room, Speaker,
    synapse::{Account, Homeserver},
};
use serde_json::{Value, json};
use tokio::{runtime::Runtime, task::JoinSet};

/// An event as the observer saw it.
#[derive(Debug, Clone)]
pub(crate) struct Sighting {
    pub(crate) event: String,
    pub(crate) sender: String,
    /// What the message says now, where it is readable.
    pub(crate) text: String,
    pub(crate) server_ms: f64,
    pub(crate) seen_ms: f64,
}

/// Sees everything that is said in some rooms, and when.
pub(crate) struct Observer {
    pub(crate) sightings: mpsc::Receiver<Sighting>,
    _poll: Poll,
}

impl Observer {
    pub(crate) fn of(owner: &Person, rooms: &[&Room]) -> Self {
        let (_, wire) = Wire::new("observer", owner, rooms);
        let (seen, sightings) = mpsc::channel();
        let poll = Poll::start(async move {
            let mut since = None;
            loop {
                for (_, event) in wire.poll(&mut since).await {
                    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64() * 1000.0;
                    // Nobody listens any more when everything ends.
                    let _ = seen.send(Sighting::of(&event, now));
                }
            }
        });
        Self { sightings, _poll: poll }
    }
}

impl Sighting {
    /// Whether it speaks of this, as a word of its own.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.text.split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| word == name)
    }

    fn of(event: &Value, seen_ms: f64) -> Self {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let content = &event["content"];
        let text = content.get("m.new_content").unwrap_or(content);
        Self {
            event: word(&event["event_id"]),
            sender: word(&event["sender"]),
            text: word(&text["body"]),
            server_ms: event["origin_server_ts"].as_f64().unwrap_or_default(),
            seen_ms,
        }
    }
}

/// A bot that answers `!ping` in a room and can do nothing else.
pub(crate) struct RawBot {
    account: Account,
    _poll: Poll,
}

impl Speaker for RawBot {
    fn user(&self) -> &str {
        &self.account.user
    }
}

impl RawBot {
    pub(crate) fn start(room: &Room) -> Self {
        let boss = room.owner().user().to_owned();
        let (account, wire) = Wire::new("raw", room.owner(), &[room]);
        let poll = Poll::start(async move {
            let mut since = None;
            loop {
                for (room, event) in wire.poll(&mut since).await {
                    if event["sender"] == boss.as_str() && event["content"]["body"] == "!ping" {
                        wire.reply(&room, event["event_id"].as_str().unwrap_or_default()).await;
                    }
                }
            }
        });
        Self { account, _poll: poll }
    }
}

/// A loop that goes on until this is dropped.
pub(crate) struct Poll {
    _tasks: JoinSet<()>,
    _runtime: Runtime,
}

impl Poll {
    pub(crate) fn start(task: impl Future<Output = ()> + Send + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let mut tasks = JoinSet::new();
        tasks.spawn_on(task, runtime.handle());
        Self { _tasks: tasks, _runtime: runtime }
    }
}

/// A user's session.
pub(crate) struct Wire {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Wire {
    /// A new user, logged in and in the rooms.
    pub(crate) fn new(name: &str, owner: &Person, rooms: &[&Room]) -> (Account, Self) {
        let homeserver: &Homeserver = owner.homeserver();
        let account = homeserver.register(name);
        let login = json!({
            "type": "m.login.password", "password": account.password,
            "identifier": { "type": "m.id.user", "user": account.user },
        });
        let session = homeserver.call("POST", "/_matrix/client/v3/login", None, &login).expect("a login");
        let token = session["access_token"].as_str().expect("a token").to_owned();
        for room in rooms {
            owner.invites(room, &account);
            let path = format!("/_matrix/client/v3/rooms/{}/join", room.id().replace('!', "%21"));
            homeserver.call("POST", &path, Some(&token), &json!({})).expect("a join");
        }
        let http = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().expect("a client");
        (account, Self { http, url: homeserver.url().to_owned(), token })
    }

    /// One long-poll, with the filter of a careful bot. The first brings nothing.
    async fn poll(&self, since: &mut Option<String>) -> Vec<(String, Value)> {
        let filter = json!({
            "presence": { "not_types": ["*"] }, "account_data": { "not_types": ["*"] },
            "room": { "ephemeral": { "not_types": ["*"] }, "account_data": { "not_types": ["*"] },
                      "state": { "lazy_load_members": true } },
        });
        let timeout = if since.is_some() { "30000" } else { "0" };
        let mut url = reqwest::Url::parse(&format!("{}/_matrix/client/v3/sync", self.url)).expect("a URL");
        let filter = filter.to_string();
        url.query_pairs_mut().extend_pairs([("timeout", timeout), ("filter", &filter), ("set_presence", "offline")]);
        if let Some(since) = &since {
            url.query_pairs_mut().append_pair("since", since);
        }
        let answer = self.http.get(url).bearer_auth(&self.token).send().await.expect("a sync");
        let answer: Value = serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
        let first = since.replace(answer["next_batch"].as_str().unwrap_or_default().to_owned()).is_none();
        let mut events = Vec::new();
        for (room, update) in answer["rooms"]["join"].as_object().into_iter().flatten().filter(|_| !first) {
            for event in update["timeline"]["events"].as_array().into_iter().flatten() {
                events.push((room.clone(), event.clone()));
            }
        }
        events
    }

    async fn reply(&self, room: &str, to: &str) {
        let body = json!({
            "msgtype": "m.notice", "body": "pong", "format": "org.matrix.custom.html", "formatted_body": "<p>pong</p>",
            "m.mentions": {}, "m.relates_to": { "m.in_reply_to": { "event_id": to } },
        });
        self.send(room, &to[1..20], &body).await;
    }

    /// Says something once for each `transaction`.
    pub(crate) async fn say(&self, room: &str, transaction: &str, text: &str) {
        self.send(room, transaction, &json!({ "msgtype": "m.text", "body": text, "m.mentions": { "room": true } }))
            .await;
    }

    async fn send(&self, room: &str, transaction: &str, body: &Value) {
        let room = room.replace('!', "%21");
        let url = format!("{}/_matrix/client/v3/rooms/{room}/send/m.room.message/{transaction}", self.url);
        let sent = self.http.put(url).bearer_auth(&self.token).body(body.to_string()).send().await;
        let answer = sent.expect("the homeserver takes it");
        assert!(answer.status().is_success(), "{answer:?}");
    }
}
