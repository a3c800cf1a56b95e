//! What takes time and must hold nothing up: joining, leaving, verifications.
//!
//! Each errand is a task of this set, bounded in number and in time, and ends
//! with the session it belongs to.

pub(super) mod invites;

use std::{collections::HashSet, time::Duration};

use backon::{ExponentialBuilder, Retryable};
use matrix_sdk::{
    Client, Room,
    ruma::{OwnedRoomId, api::client::membership::leave_room},
};
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::{error::Failure, rooms::Served, verification};

/// Joins, leaves and verifications in progress. More at once is no honest use.
const MOST: usize = 16;

/// A remote room can take the homeserver a minute to join.
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// What an errand was about, so that it runs once at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Subject {
    Room(OwnedRoomId),
    Verification(String),
}

/// The errands of one session.
#[derive(Debug, Default)]
pub(super) struct Errands {
    tasks: JoinSet<Subject>,
    under_way: HashSet<Subject>,
}

impl Errands {
    /// Joins or declines.
    pub(super) fn answer_invite(&mut self, room: Room, served: Served) {
        let subject = Subject::Room(room.room_id().to_owned());
        self.start(subject, async move {
            let done = match invites::decide(&room, &served).await {
                Some(true) => persist(&room, join).await,
                Some(false) => persist(&room, decline).await,
                None => Ok(()),
            };
            if let Err(error) = done {
                warn!(room = %room.room_id(), %error, "the invite could not be answered; tried again at the next start");
            }
        });
    }

    /// Answers a verification request of an operator.
    pub(super) fn verify(&mut self, client: Client, sender: String, flow: String) {
        let subject = Subject::Verification(flow.clone());
        self.start(subject, verification::answer(client, sender, flow));
    }

    fn start(&mut self, subject: Subject, errand: impl Future<Output = ()> + Send + 'static) {
        if self.tasks.len() >= MOST {
            warn!(?subject, "too many errands at once; not done");
            return;
        }
        if !self.under_way.insert(subject.clone()) {
            return;
        }
        self.tasks.spawn(async move {
            // A verification cancels itself within its own, equal limit.
            let limit = LIMIT + Duration::from_secs(30);
            if tokio::time::timeout(limit, errand).await.is_err() {
                warn!(?subject, "took too long; given up");
            }
            subject
        });
    }

    /// Waits for an errand to end, for ever if there is none.
    pub(super) async fn ended(&mut self) {
        match self.tasks.join_next().await {
            Some(Ok(subject)) => {
                self.under_way.remove(&subject);
            }
            Some(Err(error)) => {
                warn!(%error, "an errand broke");
                if self.tasks.is_empty() {
                    self.under_way.clear();
                }
            }
            None => std::future::pending().await,
        }
    }
}

async fn join(room: &Room) -> Result<(), matrix_sdk::Error> {
    room.client().join_room_by_id(room.room_id()).await?;
    info!(room = %room.room_id(), "joined");
    Ok(())
}

/// Not `Room::leave`: that leaves the room's predecessors as well, and whoever
/// made the room names those. An invite could so take the bot out of the room
/// it serves.
async fn decline(room: &Room) -> Result<(), matrix_sdk::Error> {
    room.client().send(leave_room::v3::Request::new(room.room_id().to_owned())).await?;
    Ok(())
}

/// Several attempts at something that the homeserver may be too busy for.
async fn persist(
    room: &Room,
    attempt: impl AsyncFn(&Room) -> Result<(), matrix_sdk::Error>,
) -> Result<(), matrix_sdk::Error> {
    (|| attempt(room))
        .retry(ExponentialBuilder::default().with_min_delay(Duration::from_millis(500)).with_max_times(6).with_jitter())
        .when(|error| matches!(Failure::from(error), Failure::Unavailable(_) | Failure::RateLimited(_)))
        .await
}
