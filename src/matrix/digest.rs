//! From what a sync brought to what the engine is handed.
//!
//! One digest lives as long as one session's client. It begins by catching up:
//! each served room is read back to the inbox's position, and what was parked
//! is tried again. Then it takes batches from the long-poll, in order. For each
//! room: what cannot be read is parked, what can be read goes to the inbox,
//! and with it the room's new position, in one step. An event is therefore
//! either in the inbox or behind the position, whenever the process dies; and
//! an inbox that fails ends everything.

mod catch_up;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use futures_util::{Stream, StreamExt, future, stream};
use matrix_sdk::{
    Client, Room, RoomState,
    deserialized_responses::TimelineEvent,
    ruma::OwnedRoomId,
    sync::{JoinedRoomUpdate, SyncResponse},
};
use tokio::sync::{mpsc, watch};
use tracing::{debug, info, warn};

use self::catch_up::after_joining;
use super::{
    backfill,
    errands::{self, Errands},
    error::Error,
    health::Notices,
    inbound::{self, Seen, View},
    notice::Notice,
    parked::{News, ParkingLot},
    people,
    rooms::Served,
    sync::Batch,
};
use crate::{
    domain::{
        inbound::{Arrival, Inbound},
        names::{EventId, RoomId, UserId},
        room::RoomAddress,
    },
    ports::{Arrived, Inbox},
};

/// How often it is looked whether something is overdue to be said.
const LOOK: Duration = Duration::from_secs(10);

/// Takes what came in, for one session.
pub(super) struct Digest {
    pub(super) client: Client,
    pub(super) inbox: Arc<dyn Inbox>,
    pub(super) served: Served,
    pub(super) me: UserId,
    pub(super) notices: Notices,
    /// Whether this device has never synced before: then what the rooms hold
    /// is older than it, unless the inbox says otherwise.
    pub(super) first_sync: bool,
    pub(super) positions: HashMap<RoomId, EventId>,
    pub(super) parked: ParkingLot,
    errands: Errands,
}

impl Digest {
    pub(super) fn new(
        client: Client,
        inbox: Arc<dyn Inbox>,
        served: Served,
        me: UserId,
        notices: Notices,
        first_sync: bool,
    ) -> Self {
        let (positions, parked, errands) = (HashMap::new(), ParkingLot::default(), Errands::default());
        Self { client, inbox, served, me, notices, first_sync, positions, parked, errands }
    }

    /// Catches up, then takes batches until there are no more. `first` is the
    /// sync that the session began with.
    pub(super) async fn run(
        mut self,
        first: SyncResponse,
        rooms: watch::Sender<BTreeMap<RoomAddress, RoomId>>,
        mut batches: mpsc::Receiver<Batch>,
    ) -> Result<(), Error> {
        let encryption = self.client.encryption();
        let mut keys = or_never(encryption.room_keys_received_stream().await);
        let mut devices = or_never(encryption.devices_stream().await.ok());
        let mut identities = or_never(encryption.user_identities_stream().await.ok());
        self.catch_up().await?;
        self.verifications(&first);
        errands::invites::all(&self.client, &self.served, &mut self.errands);

        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                batch = batches.recv() => match batch {
                    Some(batch) => self.batch(batch, &rooms).await?,
                    None => return Ok(()),
                },
                Some(came) = keys.next() => match came {
                    Ok(keys) => for key in keys {
                        self.try_again(News::Key(&key.session_id)).await?;
                    },
                    Err(_) => self.try_again(News::Anything).await?,
                },
                Some(changed) = devices.next() => for user in changed.new.keys().chain(changed.changed.keys()) {
                    self.try_again(News::Person(user.as_str())).await?;
                },
                Some(changed) = identities.next() => for user in changed.new.keys().chain(changed.changed.keys()) {
                    people::look_at(&self.client, user, &self.notices).await;
                    self.try_again(News::Person(user.as_str())).await?;
                },
                () = self.errands.ended() => {}
                _ = look.tick(), if self.parked.has_untold() => self.speak_of_overdue().await?,
            }
        }
    }

    async fn batch(&mut self, batch: Batch, rooms: &watch::Sender<BTreeMap<RoomAddress, RoomId>>) -> Result<(), Error> {
        let Batch { response, arrival } = batch;
        for (room, update) in &response.rooms.joined {
            match self.served.served(room) {
                Some(id) => self.room(&id, room, update, arrival).await?,
                None => self.elsewhere(room, &update.timeline.events),
            }
        }
        for room in response.rooms.left.keys().filter_map(|room| self.served.served(room)) {
            warn!(%room, "the bot is not in this room any more; invite it to have it back");
        }
        self.served.publish(&self.client, rooms);
        self.verifications(&response);
        if !response.rooms.invited.is_empty() {
            self.served.look_up_missing(&self.client).await;
            errands::invites::some(&self.client, &self.served, response.rooms.invited.keys(), &mut self.errands);
        }
        Ok(())
    }

    /// One served room of one sync.
    async fn room(
        &mut self,
        id: &RoomId,
        sdk_id: &OwnedRoomId,
        update: &JoinedRoomUpdate,
        arrival: Arrival,
    ) -> Result<(), Error> {
        let Some(room) = self.client.get_room(sdk_id) else { return Ok(()) };
        let timeline = &update.timeline;
        if timeline.events.is_empty() {
            return Ok(());
        }
        let view = View { me: &self.me, room: id, encrypted: true, arrival };
        let Some(position) = self.position(id).await? else {
            let from = after_joining(&timeline.events, view);
            let events = self.begin(id, &timeline.events, from).await?;
            return self.take(id, &room, events, arrival).await;
        };
        let known = timeline.events.iter().position(|event| event_id(event).as_ref() == Some(&position));
        let (events, gap) = match known {
            Some(index) => (&timeline.events[index + 1..], false),
            None => (&timeline.events[..], timeline.limited),
        };
        if gap {
            let from = timeline.prev_batch.clone();
            let past = backfill::read_back(&room, from, &position, view).await?;
            info!(room = %id, events = past.events.len(), "filling a gap in the timeline");
            if !past.whole {
                self.notices.say(Notice::HistoryTooLong { room: id.clone(), read: past.events.len() });
            }
            self.take(id, &room, past.events, Arrival::CatchUp).await?;
        }
        self.take(id, &room, events.to_vec(), arrival).await
    }

    /// Hands on the events of a room, oldest first, and moves its position.
    pub(super) async fn take(
        &mut self,
        id: &RoomId,
        room: &Room,
        events: Vec<TimelineEvent>,
        arrival: Arrival,
    ) -> Result<(), Error> {
        if events.is_empty() {
            return Ok(());
        }
        let encrypted = is_encrypted(room).await;
        let mut messages = Vec::new();
        for event in &events {
            let me = self.me.clone();
            match inbound::read(event, View { me: &me, room: id, encrypted, arrival }) {
                Seen::Message(message) => messages.extend(self.of_operator(message)),
                Seen::Locked(locked) if self.served.is_operator(&locked.sender) => {
                    debug!(room = %id, event = %locked.event, why = ?locked.why, "cannot be read (yet)");
                    self.inbox.park(id, &locked.event, locked.raw.clone()).await?;
                    self.park(id, locked).await?;
                }
                Seen::Locked(locked) => debug!(room = %id, sender = %locked.sender, "not read: not an operator"),
                Seen::Verification { sender, event } => self.verification(&sender, event.as_str()),
                Seen::Joined | Seen::Nothing => {}
            }
        }
        let position = events.iter().rev().find_map(event_id);
        self.accept(id, messages, position).await
    }

    fn of_operator(&self, message: Inbound) -> Option<Inbound> {
        if self.served.is_operator(&message.sender) {
            return Some(message);
        }
        info!(room = %message.room, sender = %message.sender, event = %message.event, "not read: not an operator");
        None
    }

    pub(super) async fn accept(
        &mut self,
        room: &RoomId,
        messages: Vec<Inbound>,
        position: Option<EventId>,
    ) -> Result<(), Error> {
        self.inbox.accept(Arrived { room: room.clone(), messages, position: position.clone() }).await?;
        if let Some(position) = position {
            self.positions.insert(room.clone(), position);
        }
        Ok(())
    }

    async fn position(&self, room: &RoomId) -> Result<Option<EventId>, Error> {
        if let Some(position) = self.positions.get(room) {
            return Ok(Some(position.clone()));
        }
        Ok(self.inbox.position(room).await?)
    }

    fn verifications(&mut self, response: &SyncResponse) {
        for (sender, flow) in response.to_device.iter().filter_map(|event| inbound::requested(event.as_raw())) {
            self.verification(&sender, &flow);
        }
    }

    /// A room that is not served, such as a direct chat, is read for nothing
    /// but this.
    fn elsewhere(&mut self, room: &OwnedRoomId, events: &[TimelineEvent]) {
        let Ok(room) = RoomId::parse(room.as_str()) else { return };
        let me = self.me.clone();
        let view = View { me: &me, room: &room, encrypted: true, arrival: Arrival::Live };
        for event in events {
            if let Seen::Verification { sender, event } = inbound::read(event, view) {
                self.verification(&sender, event.as_str());
            }
        }
    }

    fn verification(&mut self, sender: &UserId, flow: &str) {
        if self.served.is_operator(sender) {
            self.errands.verify(self.client.clone(), sender.to_string(), flow.to_owned());
        } else {
            info!(%sender, "verification not answered: not an operator");
        }
    }
}

pub(super) fn event_id(event: &TimelineEvent) -> Option<EventId> {
    event.event_id().and_then(|id| EventId::parse(id.as_str()).ok())
}

/// Asked of the homeserver where it is not known. When in doubt a room counts
/// as encrypted: then what comes in the clear is not acted on.
pub(super) async fn is_encrypted(room: &Room) -> bool {
    debug_assert_eq!(room.state(), RoomState::Joined);
    match room.latest_encryption_state().await {
        Ok(state) => state.is_encrypted(),
        Err(error) => {
            warn!(room = %room.room_id(), %error, "it is not known whether the room is encrypted");
            true
        }
    }
}

fn or_never<S: Stream<Item: Send> + Send + 'static>(maybe: Option<S>) -> stream::BoxStream<'static, S::Item> {
    match maybe {
        Some(found) => found.chain(stream::once(future::pending())).boxed(),
        None => stream::pending().boxed(),
    }
}
