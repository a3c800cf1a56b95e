//! The lab: the real parts that tests, the demonstration and the benchmarks run on, and the words to talk about them.
//!
//! Everything here is synchronous, so that a test reads like a conversation:
//!
//! ```no_run
//! # use opsroom_lab::{Lab, containing};
//! let lab = Lab::connect();
//! let alice = lab.person("alice");
//! let room = lab.room("ops").encrypted().member(&alice).create();
//! let host = lab.host("spark-1");
//! let bridge = host.project("bridge").healthy();
//! let bot = lab.bot().room(&room).operator(&alice).host(&host).service(&bridge).start();
//!
//! alice.says(&room, "!status bridge");
//! room.reads(&alice).next_from(&bot, containing("up"));
//! ```
//!
//! Three rules hold everywhere. Nothing sleeps: [`wait::wait_until`] waits for a condition and fails with a sentence.
//! A part that is missing or broken is a panic that says what to do, because a test cannot go on without it. And nothing
//! outlives its owner: each process is tied to the one that started it ([`process`]), each machine is a set of namespaces
//! that vanishes with its first process ([`machine`]).
//!
//! The modules in reading order: what everything stands on, the parts, the people, and the bot under test.

mod boot;
mod etc;
pub mod home;
pub mod lab;
pub mod machine;
pub mod port;
pub mod process;
pub mod wait;

pub mod authority;
pub mod dock;
pub mod docker;
pub mod host;
pub mod keys;
pub mod project;
pub mod registry;
pub mod swarm;
pub mod synapse;

pub mod message;
pub mod person;
pub mod room;

pub mod bot;
mod clients;
pub mod console;
pub mod container;
pub mod demo;
pub mod running;

pub use bot::Bot;
pub use console::Console;
pub use container::BotContainer;
pub use dock::Dock;
pub use home::Home;
pub use host::Host;
pub use lab::Lab;
pub use message::{EventId, Message, anything, containing, notice, page, where_};
pub use person::{Person, Speaker};
pub use project::Project;
pub use registry::Registry;
pub use room::Room;
pub use wait::wait_until;
