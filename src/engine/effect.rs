//! What can be done about what has happened.

use std::sync::Arc;

use super::{event::Ticket, host_request::HostRequest};
use crate::{
    domain::{inbound::Inbound, inventory::Service, names::HostName, outgoing::Outgoing, record::LedgerQuery},
    ports::Entry,
};

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Write a fact down.
    Record(Entry),
    /// Say something.
    Say(Outgoing),
    /// Ask something of a host.
    Host {
        /// Which.
        host: HostName,
        /// What.
        request: HostRequest,
    },
    /// From now on a host has these services.
    Manage {
        /// Which.
        host: HostName,
        /// All of them.
        services: Arc<[Service]>,
    },
    /// Find out whether a message is a copy of one that was acted on.
    CheckReplay {
        /// The message.
        message: Box<Inbound>,
        /// Who asks.
        ticket: Ticket,
    },
    /// Ask the ledger.
    Query {
        /// For what.
        query: LedgerQuery,
        /// Who asks.
        ticket: Ticket,
    },
}

impl Effect {
    /// What of it is durable: that is written before anything of it is done.
    pub fn entry(&self) -> Option<Entry> {
        match self {
            Self::Record(entry) => Some(entry.clone()),
            Self::Say(outgoing) if outgoing.is_durable() => Some(Entry::Queued(outgoing.clone())),
            Self::Say(_) | Self::Host { .. } | Self::Manage { .. } | Self::CheckReplay { .. } | Self::Query { .. } => {
                None
            }
        }
    }
}
