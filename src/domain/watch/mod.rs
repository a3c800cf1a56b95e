//! The watch: pure detectors that turn what is seen of hosts and services into
//! problems, each opened once and closed once.
//!
//! A detector is told events and looks with the time at which they came, and
//! names the time at which it wants to be asked again. Times are the bot's: a
//! host's wrong clock moves nothing. What somebody asked for is no problem,
//! whether through the bot or past it; a change that failed is.

mod answer;
mod checkpoint;
mod deaths;
mod detector;
mod event;
mod expected_stop;
mod host;
mod judge;
mod policy;
mod problem;
mod project;
mod relapse;
mod service;
mod snapshot;
mod standing;
mod unseen;
mod unseen_end;

#[cfg(test)]
mod tests;

pub use self::{
    checkpoint::Checkpoint,
    detector::{Detector, Saved},
    host::{HostFinding, HostProblem, HostWatch},
    policy::{Policy, WatchSettings},
    problem::{Closed, Fall, Finding, Intent, Kind, LastChange, Level, Missed, Problem, Who},
    project::ProjectCheckpoint,
    service::ServiceWatch,
    snapshot::Snapshot,
    standing::Standing,
};
