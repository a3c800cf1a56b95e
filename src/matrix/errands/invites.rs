//! Answers to invites: joined or declined, and never left open.

use matrix_sdk::{Client, Room, RoomState, ruma::OwnedRoomId};
use tracing::{info, warn};

use crate::domain::names::UserId;
use crate::matrix::{
    errands::Errands,
    rooms::{Served, Welcome},
};

/// Answers every invite that is open.
pub(in crate::matrix) fn all(client: &Client, served: &Served, errands: &mut Errands) {
    for room in client.invited_rooms() {
        errands.answer_invite(room, served.clone());
    }
}

/// Answers the invites that a sync brought.
pub(in crate::matrix) fn some<'a>(
    client: &Client,
    served: &Served,
    rooms: impl Iterator<Item = &'a OwnedRoomId>,
    errands: &mut Errands,
) {
    for room in rooms.filter_map(|room| client.get_room(room)) {
        errands.answer_invite(room, served.clone());
    }
}

/// Whether to join.
pub(super) async fn decide(room: &Room, served: &Served) -> Option<bool> {
    if room.state() != RoomState::Invited {
        return None;
    }
    let details = match room.invite_details().await {
        Ok(details) => details,
        Err(error) => {
            warn!(room = %room.room_id(), %error, "an invite that cannot be read");
            return None;
        }
    };
    let inviter = UserId::parse(details.inviter_id.as_str()).ok();
    let direct = room.is_direct().await.unwrap_or(false);
    let room = room.room_id();
    let by = inviter.as_ref().map_or("somebody", UserId::as_str);
    Some(match served.welcome(&room.to_owned(), inviter.as_ref(), direct) {
        Welcome::Join => true,
        Welcome::JoinToBeVerified => {
            info!(%room, %by, "joining a direct chat, for verification only");
            true
        }
        Welcome::Stranger => {
            info!(%room, %by, "invite declined: not an operator");
            false
        }
        Welcome::OtherRoom => {
            info!(%room, %by, "invite declined: the room is not configured");
            false
        }
    })
}
