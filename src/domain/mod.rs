//! The pure part: no tokio, no SDK, no clock, no I/O.

pub mod access;
pub mod aftermath;
pub mod change;
pub mod command;
pub mod dashboard;
pub mod inbound;
pub mod incident;
pub mod inventory;
pub mod job;
pub mod maintenance;
pub mod message;
pub mod names;
pub mod observation;
pub mod operation;
pub mod outgoing;
pub mod phone;
pub mod preflight;
pub mod progress;
pub mod record;
pub mod reply;
pub mod runtime;
pub mod selector;
pub mod shell;
pub mod suggest;
pub mod watch;
