//! Who may do what. Allow-lists: nothing is allowed by silence.
//!
//! [`Authorized`] has a private field that only this file can fill, so a
//! command that nobody checked cannot be carried out: it does not compile.

use super::{
    command::Command,
    inbound::{Inbound, Protection},
    inventory::Inventory,
};

/// What an allowlisted person may do. Each role may do what those before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May read: status, logs.
    Viewer,
    /// May change services.
    Operator,
    /// May do everything.
    Admin,
}

impl Role {
    /// The name in the config and in the room.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

/// A command of somebody who may give it.
#[derive(Debug, Clone)]
pub struct Authorized<T>(T);

impl<T> Authorized<T> {
    /// The command, to carry out.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// Whether a message is listened to at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// From an allowlisted person, protected as its room is.
    Admitted(Role),
    /// From anybody else: no answer, a log line.
    Stranger,
    /// From an allowlisted name, but without the room's encryption: anybody
    /// on the way could have written it.
    Unprotected,
}

/// Decides whether a message is listened to.
pub fn admit(message: &Inbound, inventory: &Inventory) -> Admission {
    match (inventory.operators.get(&message.sender), message.protection) {
        (None, _) => Admission::Stranger,
        (Some(_), Protection::PlainInEncryptedRoom) => Admission::Unprotected,
        (Some(role), Protection::Encrypted | Protection::PlainRoom) => Admission::Admitted(*role),
    }
}

/// What somebody who reacts may do, who is not asked for encryption: no client
/// encrypts reactions.
pub fn admit_reaction(message: &Inbound, inventory: &Inventory) -> Option<Role> {
    if message.reaction { inventory.operators.get(&message.sender).copied() } else { None }
}

/// A command that its sender may not give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// What the sender is.
    pub has: Role,
    /// What it takes.
    pub needs: Role,
}

/// Decides whether a role may give a command.
pub fn authorise(command: Command, role: Role) -> Result<Authorized<Command>, Missing> {
    let needs = command.needs();
    if role >= needs { Ok(Authorized(command)) } else { Err(Missing { has: role, needs }) }
}
