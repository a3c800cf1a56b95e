//! Messages that wait for their keys.
//!
//! An event may come before the key that opens it, or from a device that its
//! owner signs only later. The inbox keeps such events over a restart; this
//! keeps them at hand while the bot runs, knows which are worth another try
//! when a key or a device comes, and when it is time to say that one will not
//! open.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{inbound::Locked, notice::Unreadable};
use crate::{
    domain::names::{EventId, RoomId, UserId},
    ports::Parked,
};

/// Most late keys come within seconds; after a minute people wonder.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command whose key comes after three days is not run anyway.
const KEEP: Duration = Duration::from_secs(3 * 24 * 3600);

/// More than anybody waits for; the oldest make room.
const MOST: usize = 500;

/// One event that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) room: RoomId,
    pub(super) event: EventId,
    pub(super) raw: String,
    sender: Option<UserId>,
    session: Option<String>,
    why: Unreadable,
    since: Instant,
    told: bool,
}

/// Something that may open parked events.
#[derive(Debug, Clone, Copy)]
pub(super) enum News<'a> {
    /// The key of this Megolm session came.
    Key(&'a str),
    /// Something changed about the devices or identity of this person.
    Person(&'a str),
    /// Some news may have been missed.
    Anything,
}

/// All events that wait.
#[derive(Debug, Default)]
pub(super) struct ParkingLot {
    waiting: Vec<Waiting>,
}

impl ParkingLot {
    /// Takes back what was parked before a restart. Nothing more is said about
    /// those.
    pub(super) fn restore(&mut self, parked: Vec<Parked>) {
        for Parked { room, event, raw } in parked {
            let facts = Facts::of(&raw);
            self.waiting.push(Waiting {
                room,
                event,
                sender: facts.sender.and_then(|sender| UserId::parse(&sender).ok()),
                session: facts.content.session_id,
                raw,
                why: Unreadable::KeyMissing,
                since: Instant::now(),
                told: true,
            });
        }
    }

    /// Adds one, unless it is there. A reason that waiting will not mend is
    /// given back to be said now. Returns what had to make room as well.
    pub(super) fn add(&mut self, room: &RoomId, locked: Locked) -> (Option<Unreadable>, Option<EventId>) {
        if self.waiting.iter().any(|waiting| waiting.event == locked.event) {
            return (None, None);
        }
        let pushed_out = (self.waiting.len() >= MOST).then(|| self.waiting.remove(0).event);
        let now = said_at_once(locked.why).then_some(locked.why);
        self.waiting.push(Waiting {
            room: room.clone(),
            event: locked.event,
            raw: locked.raw,
            sender: Some(locked.sender),
            session: locked.session,
            why: locked.why,
            since: Instant::now(),
            told: now.is_some(),
        });
        (now, pushed_out)
    }

    /// Takes out the events that are worth another try. Those that still do
    /// not open are given back with [`keep`](Self::keep).
    pub(super) fn take(&mut self, news: News<'_>) -> Vec<Waiting> {
        self.waiting
            .extract_if(.., |waiting| match news {
                News::Key(session) => waiting.session.as_deref().is_none_or(|own| own == session),
                News::Person(user) => waiting.sender.as_ref().is_none_or(|own| own.as_str() == user),
                News::Anything => true,
            })
            .collect()
    }

    /// Gives one back that still does not open.
    pub(super) fn keep(&mut self, waiting: Waiting, why: Unreadable) {
        self.waiting.push(Waiting { why, ..waiting });
    }

    /// Events for which the time has come to say that they do not open; once
    /// for each.
    pub(super) fn overdue(&mut self) -> Vec<(RoomId, EventId, UserId, Unreadable)> {
        self.waiting
            .iter_mut()
            .filter(|waiting| !waiting.told && waiting.since.elapsed() >= PATIENCE)
            .filter_map(|waiting| {
                waiting.told = true;
                Some((waiting.room.clone(), waiting.event.clone(), waiting.sender.clone()?, waiting.why))
            })
            .collect()
    }

    /// Whether it is time to speak about some event.
    pub(super) fn is_due(&self) -> bool {
        self.waiting.iter().any(|waiting| !waiting.told && waiting.since.elapsed() >= PATIENCE)
    }

    /// Whether some event is yet to be spoken about.
    pub(super) fn has_untold(&self) -> bool {
        self.waiting.iter().any(|waiting| !waiting.told)
    }
}

impl Waiting {
    /// Why it does not open, as far as is known.
    pub(super) fn why(&self) -> Unreadable {
        self.why
    }

    /// Whether it has waited too long to be of use.
    pub(super) fn expired(&self, now: jiff::Timestamp) -> bool {
        let sent = Facts::of(&self.raw).origin_server_ts;
        let keep = i64::try_from(KEEP.as_millis()).unwrap_or(i64::MAX);
        now.as_millisecond().saturating_sub(sent) > keep
    }
}

/// A withheld or refused key does not come by waiting.
fn said_at_once(why: Unreadable) -> bool {
    match why {
        Unreadable::UnsignedDevice | Unreadable::WrongSender | Unreadable::KeyWithheld | Unreadable::Damaged => true,
        // A new device's keys are being asked for at this moment, a changed
        // identity is about to be noted.
        Unreadable::UnknownDevice | Unreadable::IdentityChanged | Unreadable::KeyMissing => false,
    }
}

#[derive(Deserialize, Default)]
struct Facts {
    sender: Option<String>,
    #[serde(default)]
    origin_server_ts: i64,
    #[serde(default)]
    content: Encrypted,
}

#[derive(Deserialize, Default)]
struct Encrypted {
    session_id: Option<String>,
}

impl Facts {
    fn of(raw: &str) -> Self {
        serde_json::from_str(raw).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked(event: &str, session: &str, why: Unreadable) -> Locked {
        Locked {
            event: EventId::parse(event).unwrap(),
            sender: UserId::parse("@alice:example.org").unwrap(),
            session: Some(session.to_owned()),
            raw: r#"{"sender":"@alice:example.org","origin_server_ts":1000,"content":{"session_id":"s"}}"#.to_owned(),
            why,
        }
    }

    fn room() -> RoomId {
        RoomId::parse("!ops").unwrap()
    }

    #[test]
    fn a_key_opens_its_own_events_and_a_person_all_of_theirs() {
        let mut lot = ParkingLot::default();
        assert_eq!(lot.add(&room(), locked("$1", "one", Unreadable::KeyMissing)), (None, None));
        assert_eq!(
            lot.add(&room(), locked("$2", "two", Unreadable::UnsignedDevice)),
            (Some(Unreadable::UnsignedDevice), None),
            "said at once: waiting does not help"
        );
        assert_eq!(lot.add(&room(), locked("$1", "one", Unreadable::KeyMissing)), (None, None), "known already");

        assert!(lot.take(News::Key("three")).is_empty());
        let mut taken = lot.take(News::Key("one"));
        assert_eq!(taken.len(), 1);
        lot.keep(taken.remove(0), Unreadable::UnknownDevice);
        assert!(lot.take(News::Person("@bob:example.org")).is_empty());
        assert_eq!(lot.take(News::Person("@alice:example.org")).len(), 2);
        assert!(lot.take(News::Anything).is_empty());
    }

    #[test]
    fn what_comes_back_after_a_restart_is_found_by_its_key_and_expires() {
        let mut lot = ParkingLot::default();
        let raw = locked("$1", "s", Unreadable::KeyMissing).raw;
        lot.restore(vec![Parked { room: room(), event: EventId::parse("$1").unwrap(), raw }]);
        assert!(!lot.has_untold());
        let taken = lot.take(News::Key("s"));
        assert_eq!(taken.len(), 1);
        let day = jiff::Timestamp::from_second(24 * 3600).unwrap();
        assert!(!taken[0].expired(day));
        assert!(taken[0].expired(jiff::Timestamp::from_second(4 * 24 * 3600).unwrap()));
    }
}
