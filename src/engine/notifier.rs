//! Says things in every room, and keeps them until there is one.

use std::collections::BTreeSet;

use super::{
    effect::Effect,
    step::{Form, Notification, Step},
};
use crate::domain::{
    inventory::Inventory,
    message::{Body, MessageClass},
    names::{RoomId, UserId},
    outgoing::{MessageKey, Outgoing, What},
    role::Role,
};

/// See the module.
#[derive(Debug, Default)]
pub struct Notifier {
    /// Rooms the bot can speak in.
    rooms: BTreeSet<RoomId>,
    /// What is to be said once there is a room.
    deferred: Vec<Notification>,
}

impl Notifier {
    /// Whether there is a room to speak in.
    pub fn can_speak(&self) -> bool {
        !self.rooms.is_empty()
    }

    /// The bot can speak in a room. What was deferred is said in the first.
    pub fn room_ready(&mut self, room: RoomId, inventory: &Inventory) -> Step {
        self.rooms.insert(room);
        let deferred = std::mem::take(&mut self.deferred);
        deferred.into_iter().map(|notification| self.notify(notification, inventory)).collect()
    }

    /// Says something in every room.
    pub fn notify(&mut self, notification: Notification, inventory: &Inventory) -> Step {
        if self.rooms.is_empty() {
            match notification.form {
                // A later one replaces it.
                Form::Edit { last: false, .. } => {}
                Form::Message | Form::Edit { last: true, .. } | Form::File { .. } => self.deferred.push(notification),
            }
            return Step::none();
        }
        let Notification { key, class, text, form } = notification;
        let body = Body::from_markdown(&text);
        let mentions = mentions(class, inventory);
        let say = |room: &RoomId| {
            let what = match &form {
                Form::Message => What::Say { class, body: body.clone(), reply_to: None, mentions: mentions.clone() },
                Form::Edit { of, last } => What::Edit { of: in_room(of, room), class, body: body.clone(), last: *last },
                Form::File { name } => What::File { name: name.clone(), text: text.clone(), reply_to: None },
            };
            let key = match &form {
                // The number stands behind the room, so that it is the message's name with a number.
                Form::Edit { of, .. } => {
                    MessageKey(format!("{}{}", in_room(of, room), key.strip_prefix(of.as_str()).unwrap_or(&key)))
                }
                Form::Message | Form::File { .. } => in_room(&key, room),
            };
            Effect::Say(Outgoing { key, room: room.clone(), what })
        };
        self.rooms.iter().map(say).collect()
    }
}

/// The name of what is said in one of the rooms.
fn in_room(key: &str, room: &RoomId) -> MessageKey {
    MessageKey(format!("{key}/{room}"))
}

/// Those who can do something about it are notified of a page.
fn mentions(class: MessageClass, inventory: &Inventory) -> Vec<UserId> {
    let operators = inventory.operators.iter().filter(|(_, role)| **role >= Role::Operator);
    match class {
        MessageClass::Page => operators.map(|(user, _)| user.clone()).collect(),
        MessageClass::Answer | MessageClass::Progress => Vec::new(),
    }
}
