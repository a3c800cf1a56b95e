//! Rooms, and reading in them.

use std::fmt::Display;
use std::time::Duration;

use serde_json::{Value, json};

use crate::message::{EventId, Expected, Message};
use crate::person::{Person, Speaker};
use crate::wait::{OrFail as _, PATIENCE, wait_or};

/// A room before it exists.
#[derive(Debug)]
pub struct RoomPlan {
    name: String,
    encrypted: bool,
    direct: bool,
    public: bool,
    members: Vec<Person>,
    invited: Vec<String>,
}

impl RoomPlan {
    pub(crate) fn new(name: String) -> Self {
        Self { name, encrypted: false, direct: false, public: false, members: Vec::new(), invited: Vec::new() }
    }

    /// With encryption from the start.
    pub fn encrypted(mut self) -> Self {
        self.encrypted = true;
        self
    }

    /// Open to anybody.
    pub fn public(mut self) -> Self {
        self.public = true;
        self
    }

    /// A direct chat.
    pub fn direct(mut self) -> Self {
        self.direct = true;
        self
    }

    /// With this person in it. The first one creates it and may do everything there.
    pub fn member(mut self, person: &Person) -> Self {
        self.members.push(person.clone());
        self
    }

    /// With this user invited.
    pub fn invite(mut self, user: &str) -> Self {
        self.invited.push(user.to_owned());
        self
    }

    /// Creates it, and waits until every member's client has seen it.
    #[track_caller]
    pub fn create(self) -> Room {
        let owner = self.members.first().or_fail("a room needs a .member(…) who creates it").clone();
        let mut invited = self.invited;
        invited.extend(self.members[1..].iter().map(|person| person.user().to_owned()));
        let encryption = json!({ "type": "m.room.encryption", "content": { "algorithm": "m.megolm.v1.aes-sha2" } });
        let wanted = json!({
            "name": self.name, "room_alias_name": self.name, "invite": invited, "is_direct": self.direct,
            "preset": if self.public { "public_chat" } else { "private_chat" },
            "initial_state": if self.encrypted { vec![encryption] } else { vec![] },
        });
        let answer = owner.asks("POST", "/_matrix/client/v3/createRoom", wanted);
        let id = answer["room_id"].as_str().or_fail("the homeserver created no room").to_owned();
        let server = owner.user().split_once(':').map(|(_, server)| server).unwrap_or_default();
        let room =
            Room { alias: format!("#{}:{server}", self.name), id, name: self.name, encrypted: self.encrypted, owner };
        for person in &self.members[1..] {
            person.joins(&room);
        }
        room
    }
}

/// A room.
#[derive(Debug, Clone)]
pub struct Room {
    id: String,
    alias: String,
    name: String,
    encrypted: bool,
    owner: Person,
}

impl Room {
    /// The room ID.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The alias.
    pub fn alias(&self) -> &str {
        &self.alias
    }

    /// Its name, unique in the lab.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it was created encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Who created it.
    pub fn owner(&self) -> &Person {
        &self.owner
    }

    /// Sets state, as its owner.
    #[track_caller]
    pub fn set_state(&self, kind: &str, content: Value) {
        self.owner.asks("PUT", &format!("/_matrix/client/v3/rooms/{}/state/{kind}", self.id), content);
    }

    /// The room as this person's client shows it. Reading goes on where the last reading of the same person ended.
    pub fn reads<'a>(&'a self, person: &'a Person) -> Reading<'a> {
        Reading { room: self, person, patience: PATIENCE }
    }
}

/// A person reading a room.
#[derive(Debug)]
pub struct Reading<'a> {
    room: &'a Room,
    person: &'a Person,
    patience: Duration,
}

impl Reading<'_> {
    /// Waits longer, or shorter.
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The next message of that speaker that is as expected; what lies before it counts as read.
    #[track_caller]
    pub fn next_from(&self, speaker: &dyn Speaker, expected: Expected) -> Message {
        let from = self.person.read_mark(self.room);
        let what = format!("a message of {} {expected}", speaker.user());
        let (place, message) = self.wait(&what, |messages| {
            let mut unread = messages.into_iter().enumerate().skip(from);
            unread.find(|(_, message)| message.sender == speaker.user() && expected.holds(message))
        });
        self.person.set_read_mark(self.room, place + 1);
        message
    }

    /// The first message that replies to `event` and is as expected, read or not.
    #[track_caller]
    pub fn reply_to(&self, event: &EventId, expected: Expected) -> Message {
        self.wait(&format!("a reply to {event} {expected}"), |messages| {
            messages.into_iter().find(|message| message.reply_to.as_ref() == Some(event) && expected.holds(message))
        })
    }

    /// That message once it has become as expected, by its edits, reactions or a late key.
    #[track_caller]
    pub fn until(&self, event: &EventId, expected: Expected) -> Message {
        self.wait(&format!("the message {event} to be one {expected}"), |messages| {
            messages.into_iter().find(|message| message.id == *event && expected.holds(message))
        })
    }

    /// All messages so far.
    pub fn messages(&self) -> Vec<Message> {
        self.person.saw(self.room)
    }

    /// All messages of that speaker so far.
    pub fn messages_from(&self, speaker: &dyn Speaker) -> Vec<Message> {
        self.messages().into_iter().filter(|message| message.sender == speaker.user()).collect()
    }

    /// Everything so far, to be read by a human.
    pub fn transcript(&self) -> String {
        self.messages().iter().map(|message| format!("{message}\n")).collect()
    }

    #[track_caller]
    fn wait<T>(&self, what: &dyn Display, mut find: impl FnMut(Vec<Message>) -> Option<T>) -> T {
        wait_or(
            self.patience,
            || find(self.messages()),
            || format!("{what}; what {} saw in {}:\n{}", self.person.user(), self.room.name(), self.transcript()),
        )
    }
}
