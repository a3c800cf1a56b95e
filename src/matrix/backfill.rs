//! What was said while nobody listened: a room's history, read backwards to
//! where the bot had got.
//!
//! The sync alone does not do. The SDK keeps its sync token before anybody has
//! acted on what came with it, so a crash in between would lose those events,
//! and a long absence brings only the last hundred. The room's position in the
//! inbox is what counts.

use std::time::Duration;

use matrix_sdk::{Room, deserialized_responses::TimelineEvent, room::MessagesOptions};
use tokio::time::sleep;
use tracing::warn;

use super::{
    error::{Error, Failure},
    inbound::{self, Seen, View},
    sync::backoff,
};
use crate::domain::names::EventId;

/// Events for each request: what homeservers give at most.
const PAGE: u32 = 100;

/// How many pages are read back. Five thousand events are weeks of an
/// operations room; commands older than that are not run anyway.
const PAGES: usize = 50;

/// A piece of a room's history.
#[derive(Debug)]
pub(super) struct Past {
    /// Oldest first; the event it was to reach is not in it.
    pub(super) events: Vec<TimelineEvent>,
    /// Whether it reaches back to where it was to.
    pub(super) whole: bool,
}

/// Reads back from `from` (the newest event if there is none) to `until`, or
/// to where the bot joined: what was said before is none of its business.
pub(super) async fn read_back(
    room: &Room,
    from: Option<String>,
    until: &EventId,
    view: View<'_>,
) -> Result<Past, Error> {
    let mut newest_first = Vec::new();
    let mut from = from;
    for _ in 0..PAGES {
        let Some(page) = page(room, from.as_deref()).await? else {
            return Ok(past(newest_first, false));
        };
        for event in page.chunk {
            let reached = event.event_id().is_some_and(|id| id.as_str() == until.as_str());
            if reached || matches!(inbound::read(&event, view), Seen::Joined) {
                return Ok(past(newest_first, true));
            }
            newest_first.push(event);
        }
        from = page.end;
        if from.is_none() {
            // The room's beginning, or of what the bot may see.
            return Ok(past(newest_first, true));
        }
    }
    Ok(past(newest_first, false))
}

/// The last hundred events, oldest first.
pub(super) async fn latest(room: &Room) -> Result<Vec<TimelineEvent>, Error> {
    let newest_first = page(room, None).await?.map(|page| page.chunk).unwrap_or_default();
    Ok(past(newest_first, true).events)
}

fn past(mut events: Vec<TimelineEvent>, whole: bool) -> Past {
    events.reverse();
    Past { events, whole }
}

/// One page, waited for as long as the homeserver is away. `None` where it is
/// refused.
async fn page(room: &Room, from: Option<&str>) -> Result<Option<matrix_sdk::room::Messages>, Error> {
    let mut pauses = backoff();
    loop {
        let mut options = MessagesOptions::backward().from(from);
        options.limit = PAGE.into();
        let error = match Box::pin(room.messages(options)).await {
            Ok(page) => return Ok(Some(page)),
            Err(error) => error,
        };
        let pause = match Failure::from(&error) {
            Failure::Refused(why) => {
                warn!(room = %room.room_id(), %why, "the homeserver does not give the room's history");
                return Ok(None);
            }
            Failure::RateLimited(pause) => pause,
            // The sync sees the same and ends this with the session.
            Failure::SessionDead { .. } | Failure::Unavailable(_) => pauses.next().unwrap_or(Duration::from_secs(30)),
            Failure::Local(why) => return Err(Error::Sdk(why)),
        };
        sleep(pause).await;
    }
}
