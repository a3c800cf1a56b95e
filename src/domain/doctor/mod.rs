//! Whether everything is set up that commands need, found out before the first
//! of them is given.
//!
//! Per host one script ([`script`], `host.sh`) that changes nothing; what it
//! prints is read ([`read`]) into findings ([`finding`]), each of which has a
//! sentence and a next step in [`reply::doctor`](super::reply::doctor). The
//! checks are those over which a change would stumble later, asked the way the
//! change itself asks.

pub mod answers;
pub mod chat;
mod clone;
pub mod finding;
pub mod host;
pub mod mark;
pub mod read;
pub mod script;
pub mod service;
mod targets;

pub use self::{
    chat::ChatCheck,
    finding::{About, Check, Finding},
    host::HostCheck,
    mark::Mark,
    read::{Heard, read},
    service::{RemoteTrouble, ServiceCheck},
    targets::{Target, targets},
};
