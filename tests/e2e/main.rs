//! The product on real parts: a person types in an encrypted room of a real
//! Synapse through an independent client; the bot does it over a real sshd on
//! a real Docker engine; the person reads what came of it.
//!
//! Run by `make test`, which starts the lab.

mod changes;
mod chaos;
mod commands;
mod console;
mod dashboard;
mod deploys;
mod discover;
mod doctor;
mod found;
mod hosts;
mod incidents;
mod ledger;
mod limits;
mod logins;
mod operations;
mod outages;
mod outcome;
mod projects;
mod room;
mod stage;
mod states;
mod strategies;
mod survives;
mod text;
mod troubles;
mod watch;
#[path = "../watching/mod.rs"]
mod watching;
