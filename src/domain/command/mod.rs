//! The command grammar: one table drives parsing, help and suggestions.
//!
//! One file per command: its [`Spec`] and how its arguments are read. What is
//! read names things as they were written ([`Written`]); [`resolve`](Command::resolve)
//! finds what they name ([`Resolved`]), and only that can be authorised.

mod ack;
mod alerts;
mod args;
mod cancel;
mod diff;
mod help;
mod history;
mod hosts;
mod logs;
mod ops;
mod ping;
mod read;
mod resolve;
mod restart;
mod rollback;
mod scale;
mod silence;
mod spec;
mod start;
mod status;
mod stop;
mod unsilence;
mod update;
mod whoami;

#[cfg(test)]
mod tests;

use jiff::SignedDuration;

pub use self::{
    read::{Reading, read},
    resolve::{Directory, Unresolved},
    spec::{Context, Effect, Fault, Parsed, Spec, nearest, spec},
};
use super::{
    change::Wanted,
    incident::IncidentId,
    names::{HostName, ServiceName},
    operation::OperationId,
    record::LedgerQuery,
    selector::Selector,
    target::Target,
};

/// Every command there is, in the order of the help.
pub static TABLE: &[&Spec] = &[
    &status::SPEC,
    &logs::SPEC,
    &restart::SPEC,
    &update::SPEC,
    &diff::SPEC,
    &rollback::SPEC,
    &stop::SPEC,
    &start::SPEC,
    &scale::SPEC,
    &hosts::SPEC,
    &ops::SPEC,
    &cancel::SPEC,
    &history::SPEC,
    &alerts::SPEC,
    &ack::SPEC,
    &silence::SPEC,
    &unsilence::SPEC,
    &whoami::SPEC,
    &ping::SPEC,
    &help::SPEC,
];

/// What somebody asks for, naming things as `S` does.
#[derive(Debug, Clone)]
pub enum Command<S: Stage> {
    /// How to use this, or one command.
    Help {
        /// The command asked about.
        about: Option<String>,
    },
    /// Are you there?
    Ping,
    /// Who am I to you?
    Whoami,
    /// How are they?
    Status {
        /// Which services.
        services: S::Services,
    },
    /// How are the machines?
    Hosts {
        /// Which; none named means all.
        hosts: S::Hosts,
    },
    /// What did it print?
    Logs {
        /// Of which service or member.
        target: S::Target,
        /// How many lines from the end.
        lines: u32,
    },
    /// Do that to it.
    Change {
        /// What to do.
        wanted: Wanted,
        /// To which service or member.
        target: S::Target,
    },
    /// What would an update of it bring?
    Preview {
        /// Of which service.
        service: S::Service,
    },
    /// What is in progress?
    Operations,
    /// End it.
    Cancel {
        /// Which change.
        operation: S::Operation,
    },
    /// What is wrong?
    Alerts,
    /// I am on it.
    Ack {
        /// Which alerts.
        incidents: S::Incidents,
    },
    /// Notify nobody about these.
    Silence {
        /// Which services.
        scope: S::Scope,
        /// For how long.
        length: SignedDuration,
        /// Why.
        reason: Option<String>,
    },
    /// Notify again.
    Unsilence {
        /// Which silences.
        silences: S::Silences,
    },
    /// What was done?
    History {
        /// Of what.
        past: S::Past,
    },
}

/// How a command names things.
pub trait Stage {
    /// One service.
    type Service;
    /// One service, or a member of it.
    type Target;
    /// Some services; none named means all.
    type Services;
    /// Some hosts; none named means all.
    type Hosts;
    /// Services that a rule is for.
    type Scope;
    /// A change in progress.
    type Operation;
    /// Open alerts.
    type Incidents;
    /// Silences.
    type Silences;
    /// What of the past.
    type Past;
}

/// As somebody wrote it: whether it exists is not known.
#[derive(Debug, Clone, Copy)]
pub enum Written {}

impl Stage for Written {
    type Service = String;
    type Target = String;
    type Services = Vec<Selector>;
    type Hosts = Vec<String>;
    type Scope = Selector;
    type Operation = String;
    type Incidents = Vec<String>;
    type Silences = String;
    type Past = Option<String>;
}

/// What is there by that name.
#[derive(Debug, Clone, Copy)]
pub enum Resolved {}

impl Stage for Resolved {
    type Service = ServiceName;
    type Target = Target;
    type Services = Vec<ServiceName>;
    type Hosts = Vec<HostName>;
    type Scope = Scope;
    type Operation = OperationId;
    type Incidents = Vec<IncidentId>;
    type Silences = Vec<u64>;
    type Past = LedgerQuery;
}

/// Services that a rule is for: those of now, and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The selector as it was written; the rule goes by it.
    pub selector: String,
    /// How many services that are today.
    pub services: usize,
}
