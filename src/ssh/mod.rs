//! Hosts over SSH: the only room that knows russh.
//!
//! [`SshRemote`] is one host behind the port [`Remote`](crate::ports::Remote).
//! Reading order, from the outside in:
//!
//! - [`Settings`]: what is to be known of a host before it is first reached;
//! - `remote`: runs one command: a slot, a connection, a session;
//! - `link`: which connection is the current one, and who makes the next;
//! - `attempt`: makes one connection: name, TCP or jump host, handshake, login;
//! - `gatekeeper`, `known`, `host_key` and `known_hosts`: whom we talk to;
//! - `login` and `key_file`: who we are;
//! - `connection` and `channel`: one that stands, and what is open on it or left behind;
//! - `session`: one command on one channel, drained to its end;
//! - `wire`: the byte stream under russh, with a way to cut it.
//!
//! What russh leaves to its user is done here, once: time limits on connecting,
//! draining every channel without a pause (one that is not drained stalls all),
//! giving back channels nobody waits for any more, and telling "it certainly
//! did not start" from "nobody knows".

mod attempt;
mod channel;
mod connection;
mod gatekeeper;
mod host_key;
mod key_file;
mod known;
mod known_hosts;
mod link;
mod login;
mod remote;
mod session;
mod settings;
mod wire;

pub use self::{
    host_key::{BadHostKey, HostKey},
    link::LinkState,
    remote::{Probe, SshRemote},
    settings::{Auth, Settings, Trust},
};
