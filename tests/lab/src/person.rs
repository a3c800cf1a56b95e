//! People: each a Matrix user at a device that runs an independent client (`person.py`).

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::clients::Clients;
use crate::message::{Event, EventId, Message, fold};
use crate::room::Room;
use crate::synapse::{Account, Homeserver};
use crate::wait::{OrFail as _, PATIENCE, wait_until};

/// How long one request may take. Comparing emoji is the longest.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Somebody with a Matrix ID who says things: a person or the bot.
pub trait Speaker {
    /// The full Matrix ID.
    fn user(&self) -> &str;
}

/// A person at a device. Cheap to clone; the device stays logged in until the last clone is gone.
#[derive(Debug, Clone)]
pub struct Person {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    homeserver: Homeserver,
    account: Account,
    name: String,
    /// Where all devices of this person keep what they share: the cross-signing keys.
    dir: PathBuf,
    device: String,
    token: String,
    clients: &'static Clients,
    client: Mutex<TcpStream>,
    heard: Arc<Mutex<Heard>>,
    /// How far the test has read each room.
    read: Mutex<HashMap<String, usize>>,
}

/// What the client's process told so far.
#[derive(Debug, Default)]
struct Heard {
    last_request: u64,
    answers: HashMap<u64, Result<Value, String>>,
    events: Vec<Event>,
    invites: Vec<String>,
}

/// The client goes with its person.
impl Drop for Inner {
    fn drop(&mut self) {
        if let Ok(client) = self.client.lock() {
            // The homeserver's end may be gone already.
            let _ = client.shutdown(Shutdown::Both);
        }
    }
}

impl Speaker for Person {
    fn user(&self) -> &str {
        &self.inner.account.user
    }
}

impl Person {
    #[track_caller]
    pub(crate) fn at_first_device(homeserver: Homeserver, account: Account, name: &str) -> Self {
        let dir = homeserver.lab().dir(name);
        Self::at_device(homeserver, account, name, dir, true)
    }

    #[track_caller]
    fn at_device(homeserver: Homeserver, account: Account, name: &str, dir: PathBuf, signed: bool) -> Self {
        let lab = homeserver.lab();
        let device_dir = lab.dir(&format!("{name}-device"));
        let clients = Clients::of(lab);
        let mut client = clients.connect();
        let told = client.try_clone().or_fail("a connection cannot be shared");
        let who = json!({
            "homeserver": homeserver.url(), "user": account.user, "password": account.password, "signed": signed,
            "store": device_dir.join("store"), "cross_signing": dir.join("cross-signing.json"), "device_name": name,
        });
        writeln!(client, "{who}").or_fail("the client ended at once");
        let heard = Arc::new(Mutex::new(Heard::default()));
        let listener = Arc::clone(&heard);
        thread::spawn(move || {
            for line in BufReader::new(told).lines().map_while(Result::ok) {
                listener.lock().or_fail("a thread died holding what was heard").take(&line);
            }
        });
        let session = wait_for_answer(clients, &heard, 0).or_fail(format!("{name} cannot log in"));
        let word = |key: &str| session[key].as_str().unwrap_or_default().to_owned();
        let inner = Inner {
            device: word("device"),
            token: word("token"),
            name: name.to_owned(),
            client: Mutex::new(client),
            read: Mutex::default(),
            homeserver,
            account,
            dir,
            clients,
            heard,
        };
        Self { inner: Arc::new(inner) }
    }

    // --- who this is ---

    /// The name a test gave.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The device ID.
    pub fn device(&self) -> &str {
        &self.inner.device
    }

    /// The password.
    pub fn password(&self) -> &str {
        &self.inner.account.password
    }

    /// The access token of this device.
    pub fn token(&self) -> &str {
        &self.inner.token
    }

    /// The homeserver.
    pub fn homeserver(&self) -> &Homeserver {
        &self.inner.homeserver
    }

    /// The same person at another device, signed like the first.
    #[track_caller]
    pub fn second_device(&self) -> Person {
        self.another_device(true)
    }

    /// The same person's password at a device that nobody signed: a thief's, or one not yet verified.
    #[track_caller]
    pub fn unsigned_device(&self) -> Person {
        self.another_device(false)
    }

    #[track_caller]
    fn another_device(&self, signed: bool) -> Person {
        let inner = &self.inner;
        Self::at_device(inner.homeserver.clone(), inner.account.clone(), &inner.name, inner.dir.clone(), signed)
    }

    /// New cross-signing keys, as after a lost phone.
    #[track_caller]
    pub fn resets_identity(&self) {
        self.does(json!({ "do": "reset_identity" }));
    }

    // --- saying things ---

    /// Sends a text message, encrypted when the room is.
    #[track_caller]
    pub fn says(&self, room: &Room, text: &str) -> EventId {
        self.sends(room, json!({ "msgtype": "m.text", "body": text }))
    }

    /// Sends a message with this content, encrypted when the room is.
    #[track_caller]
    pub fn sends(&self, room: &Room, content: Value) -> EventId {
        self.event(json!({ "do": "send", "room": room.id(), "content": content }))
    }

    /// Sends an event of another type, encrypted when the room is: a poll's vote, for one.
    #[track_caller]
    pub fn sends_event(&self, room: &Room, kind: &str, content: Value) -> EventId {
        self.event(json!({ "do": "send", "room": room.id(), "kind": kind, "content": content }))
    }

    /// Sends a text message in the clear, whatever the room is.
    #[track_caller]
    pub fn says_unencrypted(&self, room: &Room, text: &str) -> EventId {
        let content = json!({ "msgtype": "m.text", "body": text });
        self.event(json!({ "do": "send", "room": room.id(), "content": content, "plaintext": true }))
    }

    /// Sends an encrypted message whose key nobody gets until [`Self::shares_key`].
    #[track_caller]
    pub fn says_key_late(&self, room: &Room, text: &str) -> EventId {
        let content = json!({ "msgtype": "m.text", "body": text });
        self.event(json!({ "do": "send", "room": room.id(), "content": content, "withhold": true }))
    }

    /// Hands out the keys that [`Self::says_key_late`] kept back.
    #[track_caller]
    pub fn shares_key(&self, room: &Room) {
        self.does(json!({ "do": "share_keys", "room": room.id() }));
    }

    /// Sends a notice, as bots do.
    #[track_caller]
    pub fn notices(&self, room: &Room, text: &str) -> EventId {
        self.sends(room, json!({ "msgtype": "m.notice", "body": text }))
    }

    /// Sends a text message that mentions somebody.
    #[track_caller]
    pub fn says_mentioning(&self, room: &Room, whom: &dyn Speaker, text: &str) -> EventId {
        self.sends(room, json!({ "msgtype": "m.text", "body": text, "m.mentions": { "user_ids": [whom.user()] } }))
    }

    /// Replies to an event.
    #[track_caller]
    pub fn replies_to(&self, room: &Room, event: &EventId, text: &str) -> EventId {
        let relation = json!({ "m.in_reply_to": { "event_id": event.0 } });
        self.sends(room, json!({ "msgtype": "m.text", "body": text, "m.relates_to": relation }))
    }

    /// Replaces what an event of one's own says.
    #[track_caller]
    pub fn edits(&self, room: &Room, event: &EventId, text: &str) -> EventId {
        let content = json!({
            "msgtype": "m.text", "body": format!("* {text}"),
            "m.new_content": { "msgtype": "m.text", "body": text },
            "m.relates_to": { "rel_type": "m.replace", "event_id": event.0 },
        });
        self.sends(room, content)
    }

    /// Reacts to an event. Reactions are never encrypted.
    #[track_caller]
    pub fn reacts(&self, room: &Room, event: &EventId, key: &str) -> EventId {
        let relation = json!({ "rel_type": "m.annotation", "event_id": event.0, "key": key });
        self.sends_event(room, "m.reaction", json!({ "m.relates_to": relation }))
    }

    /// Takes an event back.
    #[track_caller]
    pub fn redacts(&self, room: &Room, event: &EventId) {
        let path = format!(
            "/_matrix/client/v3/rooms/{}/redact/{}/r{}",
            room.id(),
            event.0,
            self.inner.homeserver.lab().number()
        );
        self.asks("PUT", &path, json!({}));
    }

    /// Sends a file, encrypted when the room is.
    #[track_caller]
    pub fn sends_file(&self, room: &Room, name: &str, bytes: &[u8]) -> EventId {
        self.event(json!({ "do": "upload", "room": room.id(), "name": name, "data": base64(bytes) }))
    }

    /// The bytes of a message's file, decrypted when it was encrypted.
    #[track_caller]
    pub fn downloads(&self, message: &Message) -> Vec<u8> {
        let data = self.does(json!({ "do": "download", "content": message.now() }));
        from_base64(data.as_str().unwrap_or_default())
    }

    // --- rooms and people ---

    /// Invites somebody.
    #[track_caller]
    pub fn invites(&self, room: &Room, whom: &dyn Speaker) {
        self.asks("POST", &format!("/_matrix/client/v3/rooms/{}/invite", room.id()), json!({ "user_id": whom.user() }));
    }

    /// Joins a room.
    #[track_caller]
    pub fn joins(&self, room: &Room) {
        self.asks("POST", &format!("/_matrix/client/v3/rooms/{}/join", room.id()), json!({}));
    }

    /// Leaves a room.
    #[track_caller]
    pub fn leaves(&self, room: &Room) {
        self.asks("POST", &format!("/_matrix/client/v3/rooms/{}/leave", room.id()), json!({}));
    }

    /// Removes somebody from a room.
    #[track_caller]
    pub fn kicks(&self, room: &Room, whom: &dyn Speaker) {
        self.asks("POST", &format!("/_matrix/client/v3/rooms/{}/kick", room.id()), json!({ "user_id": whom.user() }));
    }

    /// Opens an encrypted direct chat.
    #[track_caller]
    pub fn opens_direct_chat(&self, with: &dyn Speaker) -> Room {
        self.homeserver().room("dm").encrypted().member(self).direct().invite(with.user()).create()
    }

    /// Who is in the room, or invited to it, by Matrix ID.
    #[track_caller]
    pub fn membership(&self, room: &Room, whom: &dyn Speaker) -> String {
        let path = format!("/_matrix/client/v3/rooms/{}/state/m.room.member/{}", room.id(), whom.user());
        self.tries("GET", &path, Value::Null)
            .ok()
            .and_then(|member| Some(member["membership"].as_str()?.to_owned()))
            .unwrap_or_default()
    }

    /// Waits until somebody is in the room.
    #[track_caller]
    pub fn waits_for_member(&self, room: &Room, whom: &dyn Speaker) {
        wait_until(PATIENCE, format_args!("{} to join {}", whom.user(), room.name()), || {
            (self.membership(room, whom) == "join").then_some(())
        });
    }

    /// The rooms this person was invited to since arriving.
    pub fn invitations(&self) -> Vec<String> {
        self.heard().invites.clone()
    }

    /// Each device of somebody, and whether it is cross-signed.
    #[track_caller]
    pub fn sees_devices_of(&self, whom: &dyn Speaker) -> HashMap<String, bool> {
        let devices = self.does(json!({ "do": "devices_of", "user": whom.user() }));
        serde_json::from_value(devices).or_fail("the client told something else than devices")
    }

    /// Asks somebody in the room for a verification by emoji, goes through with it, and vouches for them afterwards.
    /// Gives the keys they told.
    #[track_caller]
    pub fn verifies(&self, room: &Room, whom: &dyn Speaker) -> Vec<String> {
        let keys = self.does(json!({ "do": "verify", "room": room.id(), "user": whom.user() }));
        serde_json::from_value(keys).or_fail("the client told no keys")
    }

    /// Goes through with the next verification that somebody asks for.
    #[track_caller]
    pub fn accepts_verification(&self) {
        self.does(json!({ "do": "accept_verification" }));
    }

    // --- the client's own interface ---

    /// One request of the client-server API with this device's token; must succeed.
    #[track_caller]
    pub fn asks(&self, method: &str, path: &str, body: Value) -> Value {
        self.tries(method, path, body).or_fail(format!("{}: {method} {path}", self.user()))
    }

    /// One request of the client-server API with this device's token.
    pub fn tries(&self, method: &str, path: &str, body: Value) -> Result<Value, String> {
        self.inner.homeserver.call(method, &path.replace('!', "%21").replace('#', "%23"), Some(self.token()), &body)
    }

    /// Everything this client saw in a room, edits folded in.
    pub(crate) fn saw(&self, room: &Room) -> Vec<Message> {
        fold(self.heard().events.iter().filter(|event| event.room == room.id()).cloned())
    }

    /// Everything this client saw in a room as it came.
    pub fn saw_events(&self, room: &Room) -> Vec<Event> {
        self.heard().events.iter().filter(|event| event.room == room.id()).cloned().collect()
    }

    /// How many messages of the room the test has read.
    pub(crate) fn read_mark(&self, room: &Room) -> usize {
        self.inner.read.lock().or_fail("a thread died reading").get(room.id()).copied().unwrap_or(0)
    }

    pub(crate) fn set_read_mark(&self, room: &Room, mark: usize) {
        self.inner.read.lock().or_fail("a thread died reading").insert(room.id().to_owned(), mark);
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.inner.heard.lock().or_fail("a thread died holding what was heard")
    }

    #[track_caller]
    fn event(&self, request: Value) -> EventId {
        let answer = self.does(request);
        EventId(answer.as_str().or_fail("the client told no event ID").to_owned())
    }

    #[track_caller]
    fn does(&self, mut request: Value) -> Value {
        let id = {
            let mut heard = self.heard();
            heard.last_request += 1;
            heard.last_request
        };
        request["id"] = id.into();
        let told = writeln!(self.inner.client.lock().or_fail("a thread died talking"), "{request}");
        told.or_fail(format!("{}'s client is gone:\n{}", self.name(), self.inner.clients.process.log_tail()));
        wait_for_answer(self.inner.clients, &self.inner.heard, id).or_fail(format!(
            "{}: {}",
            self.user(),
            request["do"]
        ))
    }
}

#[track_caller]
fn wait_for_answer(clients: &Clients, heard: &Mutex<Heard>, id: u64) -> Result<Value, String> {
    clients.process.wait_for(ANSWER_LIMIT, "the client answers", || {
        heard.lock().or_fail("a thread died holding what was heard").answers.remove(&id)
    })
}

impl Heard {
    fn take(&mut self, line: &str) {
        let Ok(told) = serde_json::from_str::<Value>(line) else { return };
        if let Some(id) = told["id"].as_u64() {
            let answer = match told["error"].as_str() {
                Some(error) => Err(error.to_owned()),
                None => Ok(told["ok"].clone()),
            };
            self.answers.insert(id, answer);
        } else if let Some(room) = told["invite"].as_str() {
            self.invites.push(room.to_owned());
        } else {
            self.events.push(serde_json::from_value(told["event"].clone()).or_fail(format!("not an event: {line}")));
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    let text = crate::synapse::unpadded_base64(bytes);
    let padding = "=".repeat((4 - text.len() % 4) % 4);
    text + &padding
}

fn from_base64(text: &str) -> Vec<u8> {
    let value = |letter: u8| match letter {
        b'A'..=b'Z' => u32::from(letter - b'A'),
        b'a'..=b'z' => u32::from(letter - b'a') + 26,
        b'0'..=b'9' => u32::from(letter - b'0') + 52,
        b'+' => 62,
        _ => 63,
    };
    let letters: Vec<u8> = text.bytes().filter(|&letter| letter != b'=').collect();
    let mut bytes = Vec::with_capacity(letters.len() * 3 / 4);
    for chunk in letters.chunks(4) {
        let group = chunk.iter().fold(0, |group, &letter| group << 6 | value(letter)) << (6 * (4 - chunk.len()));
        bytes.extend(&group.to_be_bytes()[1..chunk.len()]);
    }
    bytes
}
