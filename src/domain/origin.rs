//! Where a request comes from, and who made it. Each way in has an identity of
//! its own: a schedule cannot pass for a person, nor a person for the console.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    names::{AutomationName, DeliveryId, EventId, RoomId, UserId},
    outgoing::MessageKey,
};

/// Where a request comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A message in a room.
    Chat {
        /// Who wrote it.
        user: UserId,
        /// Where.
        room: RoomId,
        /// The message.
        event: EventId,
    },
    /// The terminal of the machine the bot runs on.
    Console {
        /// The line that was typed.
        event: EventId,
    },
    /// Another program, over HTTP.
    Webhook {
        /// The hook, as the config calls it.
        name: AutomationName,
        /// Its delivery, unlike any other of that hook.
        delivery: DeliveryId,
    },
    /// The clock.
    Schedule {
        /// The schedule, as the config calls it.
        name: AutomationName,
        /// The run it is.
        due: Timestamp,
    },
}

/// Somebody, or something, that can ask for a change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Actor {
    /// A person in a room, by full Matrix ID.
    Person(UserId),
    /// Whoever sits at the terminal.
    Console,
    /// Another program.
    Webhook(AutomationName),
    /// The clock.
    Schedule(AutomationName),
}

impl Origin {
    /// Who made the request.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Chat { user, .. } => Actor::Person(user.clone()),
            Self::Console { .. } => Actor::Console,
            Self::Webhook { name, .. } => Actor::Webhook(name.clone()),
            Self::Schedule { name, .. } => Actor::Schedule(name.clone()),
        }
    }

    /// The message that the inbox keeps until it is dealt with.
    pub fn event(&self) -> Option<&EventId> {
        match self {
            Self::Chat { event, .. } | Self::Console { event } => Some(event),
            Self::Webhook { .. } | Self::Schedule { .. } => None,
        }
    }

    /// The room to answer in and the message to answer to. What comes from
    /// elsewhere is told in every room.
    pub fn place(&self) -> Option<(&RoomId, &EventId)> {
        match self {
            Self::Chat { room, event, .. } => Some((room, event)),
            Self::Console { .. } | Self::Webhook { .. } | Self::Schedule { .. } => None,
        }
    }

    /// The key of something said because of it: the same request said twice is
    /// said once.
    pub fn key(&self, which: &str) -> MessageKey {
        MessageKey(match self {
            Self::Chat { event, .. } | Self::Console { event } => format!("{event}/{which}"),
            Self::Webhook { name, delivery } => format!("hook/{name}/{delivery}/{which}"),
            Self::Schedule { name, due } => format!("schedule/{name}/{}/{which}", due.as_second()),
        })
    }
}

impl Actor {
    /// Whether a Matrix ID stands for something that is no person.
    pub fn is_reserved(user: &UserId) -> bool {
        user.as_str() == TERMINAL
    }

    /// Short enough for a phone. Only ever shown; the whole is what counts.
    pub fn short(&self) -> &str {
        match self {
            Self::Person(user) => user.localpart(),
            Self::Console => "console",
            Self::Webhook(name) | Self::Schedule(name) => name.as_str(),
        }
    }

    /// The person, if it is one.
    pub fn person(&self) -> Option<&UserId> {
        match self {
            Self::Person(user) => Some(user),
            Self::Console | Self::Webhook(_) | Self::Schedule(_) => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(user) => user.fmt(f),
            Self::Console => f.write_str("console"),
            Self::Webhook(name) => write!(f, "hook:{name}"),
            Self::Schedule(name) => write!(f, "schedule:{name}"),
        }
    }
}

/// What older bots took the terminal for, and read.
const TERMINAL: &str = "@console:localhost";

impl From<Actor> for String {
    fn from(actor: Actor) -> Self {
        if actor == Actor::Console { TERMINAL.to_owned() } else { actor.to_string() }
    }
}

impl TryFrom<String> for Actor {
    type Error = super::names::BadName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.split_once(':') {
            Some(("hook", name)) => AutomationName::parse(name).map(Self::Webhook),
            Some(("schedule", name)) => AutomationName::parse(name).map(Self::Schedule),
            // The config refuses this ID for a person.
            Some(_) | None if text == TERMINAL || text == "console" => Ok(Self::Console),
            // Full Matrix IDs begin with '@', so none of the above can be one.
            Some(_) | None => UserId::parse(&text).map(Self::Person),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_actor_reads_as_another() {
        let nightly = || AutomationName::parse("nightly").unwrap();
        for actor in [
            Actor::Person(UserId::parse("@schedule:nightly").unwrap()),
            Actor::Console,
            Actor::Webhook(nightly()),
            Actor::Schedule(nightly()),
        ] {
            let text = serde_json::to_string(&actor).unwrap();
            assert_eq!(serde_json::from_str::<Actor>(&text).unwrap(), actor, "{text}");
        }
        assert!(Actor::try_from("Console".to_owned()).is_err());
        assert!(Actor::try_from("hook:a b".to_owned()).is_err());
    }

    #[test]
    fn each_origin_answers_under_keys_of_its_own() {
        let name = AutomationName::parse("deploy").unwrap();
        let event = EventId::parse("$1").unwrap();
        let chat = Origin::Chat {
            user: UserId::parse("@alice:example.org").unwrap(),
            room: RoomId::parse("!ops").unwrap(),
            event,
        };
        let hook = Origin::Webhook { name: name.clone(), delivery: DeliveryId::parse("1").unwrap() };
        let clock = Origin::Schedule { name, due: Timestamp::from_second(60).unwrap() };
        let keys = [&chat, &hook, &clock].map(|origin| origin.key("answer").0);
        assert_eq!(keys, ["$1/answer", "hook/deploy/1/answer", "schedule/deploy/60/answer"]);
        assert!(hook.place().is_none() && clock.event().is_none());
    }
}
