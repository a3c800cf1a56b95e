//! The pure part: no tokio, no SDK, no clock, no I/O.

pub mod access;
pub mod inbound;
pub mod inventory;
pub mod message;
pub mod names;
