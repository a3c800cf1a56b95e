//! Dashboards: one pinned message in each room that allows it, kept true.
//!
//! What happens only makes them due; when they are, all is written down anew
//! and compared. So nothing that changes can be forgotten, and much that changes
//! at once is one edit.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::Dispatcher;
use crate::{
    domain::{
        dashboard::Dashboard,
        message::{Body, MessageClass},
        names::RoomId,
        outgoing::{MessageKey, Outgoing, What},
        reply::dashboard::{self as text, View},
    },
    engine::event::Effect,
};

/// What comes within this time is one edit, and a quick restart is none.
const GATHER: SignedDuration = SignedDuration::from_secs(5);
/// Least time between two edits of one.
const EDIT_EVERY: SignedDuration = SignedDuration::from_secs(30);
/// How long hosts are waited for before a new process says anything: what is
/// not looked at yet is no news.
const PATIENCE: SignedDuration = SignedDuration::from_secs(30);
/// Edits of one message: some thousand make a room unloadable in clients.
const EDITS: u32 = 200;
/// And its age: who joins later cannot read what is too old.
const AGE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Dashboards {
    /// As the ledger has them.
    known: BTreeMap<RoomId, Dashboard>,
    /// Those that this process keeps true.
    shown: BTreeMap<RoomId, Shown>,
    due: Option<Timestamp>,
}

/// What this process has shown in a room.
#[derive(Debug)]
struct Shown {
    begun: Timestamp,
    last: Option<(Timestamp, String)>,
}

impl Shown {
    /// When there may be a new text at the earliest.
    fn earliest(&self, heard: bool) -> Timestamp {
        match &self.last {
            Some((at, _)) => at.checked_add(EDIT_EVERY).unwrap_or(*at),
            None if heard => self.begun,
            None => self.begun.checked_add(PATIENCE).unwrap_or(self.begun),
        }
    }
}

impl Dashboards {
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.due
    }
}

impl Dispatcher {
    pub(super) fn restore_dashboards(&mut self, known: Vec<Dashboard>) {
        self.dashboards.known = known.into_iter().map(|known| (known.room.clone(), known)).collect();
    }

    /// The bot may pin messages in a room.
    pub(super) fn may_pin(&mut self, room: RoomId, now: Timestamp) -> Vec<Effect> {
        if self.dashboards.shown.contains_key(&room) {
            return Vec::new();
        }
        // Whether an earlier process came to that is not known.
        let pin = self.dashboards.known.get(&room).map(|known| self.pin(known));
        self.dashboards.shown.insert(room, Shown { begun: now, last: None });
        pin.into_iter().collect()
    }

    /// Something happened that may change what they show.
    pub(super) fn touch_dashboards(&mut self, now: Timestamp) {
        let heard = self.all_heard();
        let soon = now.checked_add(GATHER).unwrap_or(now);
        let wanted = self.dashboards.shown.values().map(|shown| shown.earliest(heard).max(soon)).min();
        self.dashboards.due = [self.dashboards.due, wanted].into_iter().flatten().min();
    }

    pub(super) fn dashboards_tick(&mut self, now: Timestamp) -> Vec<Effect> {
        if self.dashboards.due.take_if(|due| *due <= now).is_none() {
            return Vec::new();
        }
        let (heard, content) = (self.all_heard(), self.content(now));
        let (mut rooms, mut later) = (Vec::new(), None);
        for (room, shown) in &mut self.dashboards.shown {
            let earliest = shown.earliest(heard);
            if shown.last.as_ref().is_some_and(|(_, last)| *last == content) {
                continue;
            }
            if earliest > now {
                later = [later, Some(earliest)].into_iter().flatten().min();
                continue;
            }
            shown.last = Some((now, content.clone()));
            rooms.push(room.clone());
        }
        self.dashboards.due = later;
        rooms.into_iter().flat_map(|room| self.show(room, &content, now)).collect()
    }

    fn show(&mut self, room: RoomId, content: &str, now: Timestamp) -> Vec<Effect> {
        let body = Body::from_markdown(&format!("{content}\n{}", text::updated(now)));
        let class = MessageClass::Answer;
        let before = self.dashboards.known.get(&room);
        let goes_on = before.filter(|known| known.edits < EDITS && now.duration_since(known.since) < AGE);
        let (board, what) = match goes_on {
            Some(known) => {
                let what = What::Edit { of: known.key(), class, body, last: false };
                (Dashboard { edits: known.edits + 1, ..known.clone() }, what)
            }
            None => {
                let what = What::Say { class, body, reply_to: None, mentions: Vec::new() };
                (Dashboard::after(before, room.clone(), now), what)
            }
        };
        let key = match board.edits {
            0 => board.key(),
            // With the process: one that died may have said what it could not note.
            edits => MessageKey(format!("{}#{}.{edits}", board.key(), self.identity.start)),
        };
        let pin = (board.edits == 0).then(|| self.pin(&board));
        self.dashboards.known.insert(room.clone(), board.clone());
        let mut effects = vec![Effect::Dashboard(board), Effect::Say(Outgoing { key, room, what })];
        effects.extend(pin);
        effects
    }

    fn pin(&self, board: &Dashboard) -> Effect {
        let key = MessageKey(format!("{}/pin#{}", board.key(), self.identity.start));
        let what = What::Pin { message: board.key(), instead_of: board.key_before() };
        Effect::Say(Outgoing { key, room: board.room.clone(), what })
    }

    fn content(&self, now: Timestamp) -> String {
        let services = self.inventory.services.iter();
        let standing =
            services.filter_map(|service| Some((service, self.watched.get(&service.name)?.watch.standing())));
        let open = self.desk.open.values();
        text::content(&View {
            inventory: &self.inventory,
            standing: standing.collect(),
            open: open.map(|incident| (incident, self.is_silent(&incident.subject, now))).collect(),
            silences: self.desk.silences.values().collect(),
            underway: self.underway.values().map(|underway| &underway.operation).collect(),
        })
    }

    fn all_heard(&self) -> bool {
        self.hosts.values().all(|host| host.heard)
    }
}
