//! The digest's beginning: each served room, from where the inbox stands to
//! now; and where a room that was never read begins.

use matrix_sdk::deserialized_responses::TimelineEvent;
use tracing::info;

use crate::domain::{inbound::Arrival, names::RoomId};
use crate::matrix::{
    backfill,
    digest::{Digest, event_id},
    error::Error,
    inbound::{self, Seen, View},
    notice::Notice,
    parked::News,
};

impl Digest {
    /// Each served room from its position to now, and what waits for keys.
    pub(super) async fn catch_up(&mut self) -> Result<(), Error> {
        self.parked.restore(self.inbox.parked().await?);
        self.try_again(News::Anything).await?;
        for room in self.client.joined_rooms() {
            let Some(id) = self.served.served(&room.room_id().to_owned()) else { continue };
            let view = View { me: &self.me, room: &id, encrypted: true, arrival: Arrival::CatchUp };
            let events = match self.inbox.position(&id).await? {
                Some(position) => {
                    let past = backfill::read_back(&room, None, &position, view).await?;
                    if !past.whole {
                        self.notices.say(Notice::HistoryTooLong { room: id.clone(), read: past.events.len() });
                    }
                    // Known at once, so that a room without news keeps it.
                    self.positions.insert(id.clone(), position);
                    past.events
                }
                None => {
                    let latest = backfill::latest(&room).await?;
                    let from = if self.first_sync { None } else { after_joining(&latest, view) };
                    self.begin(&id, &latest, from).await?
                }
            };
            if !events.is_empty() {
                info!(room = %id, events = events.len(), "reading what was said while the bot was away");
                self.take(&id, &room, events, Arrival::CatchUp).await?;
            }
        }
        Ok(())
    }

    /// A room that was never read: what lies before `from` is passed over, for
    /// good. Gives back the rest.
    pub(super) async fn begin(
        &mut self,
        id: &RoomId,
        events: &[TimelineEvent],
        from: Option<usize>,
    ) -> Result<Vec<TimelineEvent>, Error> {
        let from = from.unwrap_or(events.len());
        let passed_over = events[..from].iter().rev().find_map(event_id);
        if let Some(position) = passed_over {
            self.accept(id, Vec::new(), Some(position)).await?;
        }
        Ok(events[from..].to_vec())
    }
}

/// Where what was said after the bot came begins.
pub(super) fn after_joining(events: &[TimelineEvent], view: View<'_>) -> Option<usize> {
    events.iter().rposition(|event| matches!(inbound::read(event, view), Seen::Joined)).map(|index| index + 1)
}
