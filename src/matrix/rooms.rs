//! Which rooms are served, and who may ask the bot into which.

use std::collections::{BTreeMap, BTreeSet};

use matrix_sdk::{
    Client, RoomState,
    ruma::{OwnedRoomId, RoomAliasId},
};
use tokio::sync::watch;
use tracing::{info, warn};

use super::{
    error::{Error, Failure},
    settings::Settings,
};
use crate::domain::{
    names::{RoomAlias, RoomId, UserId},
    room::RoomAddress,
};

/// The configured rooms by their IDs, and the people who count.
#[derive(Debug, Clone, Default)]
pub(super) struct Served {
    rooms: BTreeMap<RoomAddress, RoomId>,
    missing: Vec<RoomAlias>,
    operators: BTreeSet<UserId>,
}

/// What to do about an invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Welcome {
    /// It is a served room, and an operator asks.
    Join,
    /// An operator opens a direct chat: the place where clients verify one
    /// another. It is joined for that and read for nothing else.
    JoinToBeVerified,
    /// The inviter is not an operator.
    Stranger,
    /// The room is not served.
    OtherRoom,
}

impl Served {
    /// Looks the aliases up. One that leads nowhere is left out with a line in
    /// the log; an alias that could not be asked about is an error.
    pub(super) async fn look_up(client: &Client, settings: &Settings) -> Result<Self, Error> {
        let mut served = Self { operators: settings.operators.clone(), ..Self::default() };
        for room in &settings.rooms {
            match room {
                RoomAddress::Id(id) => {
                    served.rooms.insert(room.clone(), id.clone());
                }
                RoomAddress::Alias(alias) => match resolve(client, alias).await? {
                    Some(id) => {
                        served.rooms.insert(room.clone(), id);
                    }
                    None => served.missing.push(alias.clone()),
                },
            }
        }
        Ok(served)
    }

    /// Looks once more at the aliases that led nowhere: a room may have been
    /// made since. Tells whether one was found.
    pub(super) async fn look_up_missing(&mut self, client: &Client) -> bool {
        let before = self.rooms.len();
        for alias in std::mem::take(&mut self.missing) {
            match resolve(client, &alias).await {
                Ok(Some(id)) => {
                    self.rooms.insert(RoomAddress::Alias(alias), id);
                }
                Ok(None) | Err(_) => self.missing.push(alias),
            }
        }
        self.rooms.len() > before
    }

    /// The served rooms that the bot is in: where it can speak.
    pub(super) fn joined(&self, client: &Client) -> BTreeMap<RoomAddress, RoomId> {
        let is_in = |id: &RoomId| {
            let id = matrix_sdk::ruma::RoomId::parse(id.as_str()).ok();
            id.and_then(|id| client.get_room(&id)).is_some_and(|room| room.state() == RoomState::Joined)
        };
        self.rooms.iter().filter(|(_, id)| is_in(id)).map(|(name, id)| (name.clone(), id.clone())).collect()
    }

    /// Tells where the bot can speak, when that has changed.
    pub(super) fn publish(&self, client: &Client, rooms: &watch::Sender<BTreeMap<RoomAddress, RoomId>>) {
        let joined = self.joined(client);
        rooms.send_if_modified(|known| {
            let changed = *known != joined;
            *known = joined;
            changed
        });
    }

    /// The room's ID as ours, if it is served.
    pub(super) fn served(&self, room: &OwnedRoomId) -> Option<RoomId> {
        self.rooms.values().find(|id| id.as_str() == room.as_str()).cloned()
    }

    pub(super) fn is_operator(&self, user: &UserId) -> bool {
        self.operators.contains(user)
    }

    /// What to do about an invite.
    pub(super) fn welcome(&self, room: &OwnedRoomId, inviter: Option<&UserId>, direct: bool) -> Welcome {
        if !inviter.is_some_and(|user| self.is_operator(user)) {
            Welcome::Stranger
        } else if self.served(room).is_some() {
            Welcome::Join
        } else if direct {
            Welcome::JoinToBeVerified
        } else {
            Welcome::OtherRoom
        }
    }
}

async fn resolve(client: &Client, alias: &RoomAlias) -> Result<Option<RoomId>, Error> {
    let parsed = RoomAliasId::parse(alias.as_str())?;
    match client.resolve_room_alias(&parsed).await {
        Ok(found) => {
            info!(%alias, room = %found.room_id, "room alias looked up");
            Ok(RoomId::parse(found.room_id.as_str()).ok())
        }
        Err(error) => match Failure::from(&error) {
            Failure::Refused(why) => {
                warn!(%alias, %why, "the room alias leads nowhere; looked up again at the next invite");
                Ok(None)
            }
            other @ (Failure::SessionDead { .. }
            | Failure::RateLimited(_)
            | Failure::Unavailable(_)
            | Failure::Local(_)) => Err(other.into_error()),
        },
    }
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::owned_room_id;

    use super::*;

    #[test]
    fn only_operators_ask_the_bot_in_and_only_where_it_serves() {
        let alice = UserId::parse("@alice:example.org").unwrap();
        let mallory = UserId::parse("@mallory:example.org").unwrap();
        let ops = RoomId::parse("!ops").unwrap();
        let served = Served {
            rooms: [(RoomAddress::Id(ops.clone()), ops)].into(),
            operators: [alice.clone()].into(),
            ..Served::default()
        };
        let (ops, other) = (owned_room_id!("!ops"), owned_room_id!("!other"));
        assert_eq!(served.welcome(&ops, Some(&alice), false), Welcome::Join);
        assert_eq!(served.welcome(&ops, Some(&mallory), false), Welcome::Stranger);
        assert_eq!(served.welcome(&ops, None, true), Welcome::Stranger);
        assert_eq!(served.welcome(&other, Some(&alice), false), Welcome::OtherRoom);
        assert_eq!(served.welcome(&other, Some(&alice), true), Welcome::JoinToBeVerified);
        assert_eq!(served.welcome(&other, Some(&mallory), true), Welcome::Stranger);
    }
}
