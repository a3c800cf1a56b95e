//! Pinned messages: whether the bot may, and putting one among other people's.

use matrix_sdk::{
    Room,
    ruma::{
        OwnedEventId, UserId as SdkUserId,
        events::{StateEventType, room::pinned_events::RoomPinnedEventsEventContent},
    },
};

use crate::matrix::chat::{MatrixChat, refusal, room};
use crate::{
    domain::names::{EventId, RoomId},
    ports::ChatError,
};

impl MatrixChat {
    /// Whether the bot's power in a room suffices to pin. None while that is
    /// not known.
    pub async fn may_pin(&self, id: &RoomId) -> Option<bool> {
        let link = self.link.read().await;
        let room = room(link.as_ref()?, id).ok()?;
        let me = SdkUserId::parse(self.me().user.as_str()).ok()?;
        let powers = room.power_levels().await.ok()?;
        Some(powers.user_can_send_state(&me, StateEventType::RoomPinnedEvents))
    }
}

/// Pins a message in another one's place. The homeserver is asked what is pinned
/// now, because one event holds all of it.
pub(super) async fn pin(room: &Room, target: &EventId, instead_of: Option<&EventId>) -> Result<(), ChatError> {
    let parse = |id: &EventId| OwnedEventId::try_from(id.as_str()).map_err(|e| ChatError::Refused(e.to_string()));
    let target = parse(target)?;
    let instead_of = instead_of.map(parse).transpose()?;
    let before = room.load_pinned_events().await.map_err(refusal)?.unwrap_or_default();
    let after = replaced(&before, target, instead_of.as_ref());
    if after != before {
        room.send_state_event(RoomPinnedEventsEventContent::new(after)).await.map_err(refusal)?;
    }
    Ok(())
}

fn replaced(before: &[OwnedEventId], target: OwnedEventId, instead_of: Option<&OwnedEventId>) -> Vec<OwnedEventId> {
    let mut after: Vec<OwnedEventId> = before.iter().filter(|id| Some(*id) != instead_of).cloned().collect();
    if !after.contains(&target) {
        after.push(target);
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_have_pinned_stays() {
        let id = |text: &str| OwnedEventId::try_from(text).unwrap();
        let (theirs, old, new) = (id("$theirs"), id("$old"), id("$new"));
        let before = [old.clone(), theirs.clone()];
        assert_eq!(replaced(&before, new.clone(), Some(&old)), [theirs.clone(), new.clone()]);
        assert_eq!(replaced(&[theirs.clone(), new.clone()], new.clone(), Some(&old)), [theirs, new.clone()]);
        assert_eq!(replaced(&[], new.clone(), None), [new]);
    }
}
