//! Long-polls written by hand: the bot to compare with, and the observer.

use std::{
    sync::mpsc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use matrix_sdk::reqwest;
use opsroom_lab::{Person, Room, Speaker, synapse::Homeserver};
use serde_json::{Value, json};
use tokio::{runtime::Runtime, task::JoinSet};

/// An event as the observer saw it.
#[derive(Debug)]
pub(crate) struct Sighting {
    pub(crate) room: String,
    pub(crate) event: String,
    pub(crate) sender: String,
    pub(crate) server_ms: f64,
    pub(crate) seen_ms: f64,
}

/// Something that runs until it is dropped.
pub(crate) struct Observer {
    _tasks: JoinSet<()>,
    _runtime: Runtime,
}

pub(crate) struct RawBot {
    pub(crate) user: String,
    _running: Observer,
}

impl Observer {
    pub(crate) fn start(url: &str, token: &str, seen: mpsc::Sender<Sighting>) -> Self {
        let wire = Wire::new(url, token);
        run(async move {
            let mut since = None;
            loop {
                for (room, event) in wire.poll(&mut since).await {
                    let word = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
                    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64() * 1000.0;
                    let server_ms = event["origin_server_ts"].as_f64().unwrap_or_default();
                    let (event, sender) = (word("event_id"), word("sender"));
                    let _ = seen.send(Sighting { room, event, sender, server_ms, seen_ms: now });
                }
            }
        })
    }
}

impl RawBot {
    pub(crate) fn start(homeserver: &Homeserver, owner: &Person, room: &Room) -> Self {
        let account = homeserver.register("raw");
        let login = json!({
            "type": "m.login.password", "password": account.password,
            "identifier": { "type": "m.id.user", "user": account.user },
        });
        let session = homeserver.call("POST", "/_matrix/client/v3/login", None, &login).expect("a login");
        let token = session["access_token"].as_str().expect("a token").to_owned();
        let path = format!("/_matrix/client/v3/rooms/{}/invite", room.id());
        owner.asks("POST", &path, json!({ "user_id": account.user }));
        let path = format!("/_matrix/client/v3/rooms/{}/join", room.id().replace('!', "%21"));
        homeserver.call("POST", &path, Some(&token), &json!({})).expect("a join");
        let wire = Wire::new(homeserver.url(), &token);
        let boss = owner.user().to_owned();
        let running = run(async move {
            let mut since = None;
            loop {
                for (room, event) in wire.poll(&mut since).await {
                    if event["sender"] == boss.as_str() && event["content"]["body"] == "!ping" {
                        wire.reply(&room, event["event_id"].as_str().unwrap_or_default()).await;
                    }
                }
            }
        });
        Self { user: account.user, _running: running }
    }
}

fn run(task: impl Future<Output = ()> + Send + 'static) -> Observer {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let mut tasks = JoinSet::new();
    tasks.spawn_on(task, runtime.handle());
    Observer { _tasks: tasks, _runtime: runtime }
}

struct Wire {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Wire {
    fn new(url: &str, token: &str) -> Self {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().expect("a client");
        Self { http, url: url.to_owned(), token: token.to_owned() }
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
        let room = room.replace('!', "%21");
        let url = format!("{}/_matrix/client/v3/rooms/{room}/send/m.room.message/{}", self.url, &to[1..20]);
        let body = json!({
            "msgtype": "m.notice", "body": "pong", "format": "org.matrix.custom.html", "formatted_body": "<p>pong</p>",
            "m.mentions": {}, "m.relates_to": { "m.in_reply_to": { "event_id": to } },
        });
        let answer = self.http.put(url).bearer_auth(&self.token).body(body.to_string()).send().await.expect("a reply");
        assert!(answer.status().is_success(), "{answer:?}");
    }
}
