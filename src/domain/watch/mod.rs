//! The watch: pure detectors that turn what is seen of hosts and services into
//! problems, each opened once and closed once.
//!
//! A detector is told events and looks with the time at which they came, and
//! names the time at which it wants to be asked again. Times are the bot's: a
//! host's wrong clock moves nothing. What somebody asked for is no problem,
//! whether through the bot or past it; a change that failed is.

mod deaths;
mod excuse;
mod host;
mod judge;
mod look;
mod memory;
mod policy;
mod problem;
mod service;
mod standing;
mod unseen;

#[cfg(test)]
mod tests;

pub use self::{
    host::{HostFinding, HostProblem, HostWatch},
    look::Look,
    memory::Memory,
    policy::{Policy, Watch},
    problem::{Closed, Fall, Finding, Intent, Kind, LastChange, Level, Missed, Problem, Who},
    service::ServiceWatch,
    standing::Standing,
};
