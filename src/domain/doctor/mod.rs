//! Whether everything is set up that commands need, found out before the first
//! of them is given.
//!
//! Per host one script ([`script`], `host.sh`) that changes nothing; what it
//! prints is read ([`read`]) into findings ([`finding`]), each of which has a
//! sentence and a next step in [`reply::doctor`](super::reply::doctor). The
//! checks are those over which a change would stumble later, asked the way the
//! change itself asks.

mod answers;
pub mod chat;
mod clone;
mod compose;
pub mod finding;
pub mod host;
mod patients;
pub mod read;
pub mod script;
pub mod service;

pub use self::{
    chat::ChatMatter,
    finding::{About, Finding, Mark, Matter},
    host::HostMatter,
    patients::{Patient, patients},
    read::{Heard, read},
    service::{RemoteTrouble, ServiceMatter},
};
