//! Dashboards: one pinned message in each room that allows it, kept true.
//!
//! What happens only makes them due; when they are, all is written down anew
//! and compared. So nothing that changes can be forgotten, and much that changes
//! at once is one edit.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{ctx::Ctx, effect::Effect, step::Step, world::World};
use crate::{
    domain::{
        dashboard::Dashboard,
        message::{Body, MessageClass},
        names::RoomId,
        outgoing::{MessageKey, Outgoing, What},
        reply::dashboard::{self as text, View},
    },
    ports::Entry,
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
pub struct Dashboards {
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
    /// Goes on from what an earlier process had shown.
    pub fn restore(&mut self, known: Vec<Dashboard>) {
        self.known = known.into_iter().map(|known| (known.room.clone(), known)).collect();
    }

    /// When something will be due.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.due
    }

    /// The bot may pin messages in a room.
    pub fn may_pin(&mut self, room: RoomId, ctx: &Ctx<'_>) -> Step {
        if self.shown.contains_key(&room) {
            return Step::none();
        }
        // Whether an earlier process came to that is not known.
        let pin = self.known.get(&room).map(|known| pin(known, ctx));
        self.shown.insert(room, Shown { begun: ctx.now, last: None });
        pin.into()
    }

    /// Something happened that may change what they show.
    pub fn touch(&mut self, world: World<'_>, ctx: &Ctx<'_>) {
        let heard = world.watcher.has_seen_all_hosts();
        let soon = ctx.now.checked_add(GATHER).unwrap_or(ctx.now);
        let wanted = self.shown.values().map(|shown| shown.earliest(heard).max(soon)).min();
        self.due = [self.due, wanted].into_iter().flatten().min();
    }

    /// Shows what is due by now.
    pub fn tick(&mut self, world: World<'_>, ctx: &Ctx<'_>) -> Step {
        if self.due.take_if(|due| *due <= ctx.now).is_none() {
            return Step::none();
        }
        let (heard, content) = (world.watcher.has_seen_all_hosts(), content(world, ctx.now));
        let (mut rooms, mut later) = (Vec::new(), None);
        for (room, shown) in &mut self.shown {
            let earliest = shown.earliest(heard);
            if shown.last.as_ref().is_some_and(|(_, last)| *last == content) {
                continue;
            }
            if earliest > ctx.now {
                later = [later, Some(earliest)].into_iter().flatten().min();
                continue;
            }
            shown.last = Some((ctx.now, content.clone()));
            rooms.push(room.clone());
        }
        self.due = later;
        rooms.into_iter().map(|room| self.show(room, &content, ctx)).collect()
    }

    fn show(&mut self, room: RoomId, content: &str, ctx: &Ctx<'_>) -> Step {
        let body = Body::from_markdown(&format!("{content}\n{}", text::updated(ctx.now)));
        let class = MessageClass::Answer;
        let before = self.known.get(&room);
        let goes_on = before.filter(|known| known.edits < EDITS && ctx.now.duration_since(known.since) < AGE);
        let (board, what) = match goes_on {
            Some(known) => {
                let what = What::Edit { of: known.key(), class, body, last: false };
                (Dashboard { edits: known.edits + 1, ..known.clone() }, what)
            }
            None => {
                let what = What::Say { class, body, reply_to: None, mentions: Vec::new() };
                (Dashboard::after(before, room.clone(), ctx.now), what)
            }
        };
        let key = match board.edits {
            0 => board.key(),
            // With the process: one that died may have said what it could not note.
            edits => MessageKey(format!("{}#{}.{edits}", board.key(), ctx.ids.process())),
        };
        let pin = (board.edits == 0).then(|| pin(&board, ctx));
        self.known.insert(room.clone(), board.clone());
        Step::from(Effect::Record(Entry::Dashboard(board))).then(Effect::Say(Outgoing { key, room, what })).then(pin)
    }
}

fn pin(board: &Dashboard, ctx: &Ctx<'_>) -> Effect {
    let key = MessageKey(format!("{}/pin#{}", board.key(), ctx.ids.process()));
    let what = What::Pin { message: board.key(), instead_of: board.key_before() };
    Effect::Say(Outgoing { key, room: board.room.clone(), what })
}

fn content(world: World<'_>, now: Timestamp) -> String {
    let World { inventory, operations, watcher, incidents } = world;
    let standing = inventory.services.iter().filter_map(|service| Some((service, watcher.standing(&service.name)?)));
    let silent = |incident| incidents.is_silent(incident, inventory, now);
    text::content(&View {
        inventory,
        standing: standing.collect(),
        open: incidents.open().map(|incident| (incident, silent(&incident.subject))).collect(),
        silences: incidents.silences().collect(),
        active: operations.active().map(|(operation, _)| operation).collect(),
    })
}
