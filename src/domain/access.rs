//! Who may do what. Allow-lists: nothing is allowed by silence.
//!
//! [`Authorized`] has a private field that only this file can fill, so a
//! command that nobody checked cannot be carried out: it does not compile. What
//! is checked is a resolved command: the right is one on real targets.

use super::{
    change::Change,
    command::{self, Command, Resolved, Spec},
    inbound::{Inbound, Protection},
    incident::IncidentId,
    inventory::Inventory,
    names::ServiceName,
    rights::Rights,
    role::Role,
};

/// A command of somebody who may give it.
#[derive(Debug, Clone)]
pub struct Authorized<T>(T);

impl<T> Authorized<T> {
    /// The command, to carry out.
    pub fn get(&self) -> &T {
        &self.0
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
        // Who can read the config and the state directory decides who is an admin anyway.
        (_, Protection::Terminal) => Admission::Admitted(Role::Admin),
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

/// Whether a role may give a command at all, whatever it names.
pub fn may_ask(spec: &Spec, role: Role) -> Result<(), Missing> {
    if role >= spec.needs { Ok(()) } else { Err(Missing { has: role, needs: spec.needs }) }
}

/// Why a command is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// Its sender may not give it.
    Role(Missing),
    /// Nobody may do that with this service.
    Service {
        /// Which.
        service: ServiceName,
        /// What may be done with it.
        has: Rights,
        /// What was asked for.
        change: Change,
    },
}

/// Decides whether a role may give a command, about these targets.
pub fn authorise(
    spec: &Spec,
    command: Command<Resolved>,
    role: Role,
    inventory: &Inventory,
) -> Result<Authorized<Command<Resolved>>, Denied> {
    may_ask(spec, role).map_err(Denied::Role)?;
    let asked = match &command {
        Command::Change { wanted, target } => Some((&target.service, wanted.change)),
        Command::Preview { service } => Some((service, Change::Update)),
        Command::Help { .. }
        | Command::Ping
        | Command::Whoami
        | Command::Status { .. }
        | Command::Hosts { .. }
        | Command::Logs { .. }
        | Command::Operations
        | Command::Cancel { .. }
        | Command::Alerts
        | Command::Ack { .. }
        | Command::Silence { .. }
        | Command::Unsilence { .. }
        | Command::History { .. } => None,
    };
    if let Some((service, change)) = asked {
        // What is not there any more, nothing may be done with.
        let has = inventory.service(service).map_or(Rights::Read, |service| service.rights);
        if has < Rights::for_change(change) {
            return Err(Denied::Service { service: service.clone(), has, change });
        }
    }
    Ok(Authorized(command))
}

/// What a reaction to an alert asks for, if whoever reacts may.
pub fn acknowledge(incidents: Vec<IncidentId>, role: Role) -> Option<Authorized<Command<Resolved>>> {
    let spec = command::spec("ack").filter(|_| !incidents.is_empty())?;
    may_ask(spec, role).ok().map(|()| Authorized(Command::Ack { incidents }))
}
