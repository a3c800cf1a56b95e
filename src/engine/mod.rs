//! The effects, through ports: one dispatcher, one worker per host, one
//! outbound queue.
//!
//! Everything that happens is an [`event::Event`]; the [`dispatcher`] answers
//! each with [`effect::Effect`]s and does nothing else. [`run`] carries them
//! out. What must be durable is committed before what cannot be taken back.

pub mod collector;
pub mod ctx;
pub mod dashboard;
pub mod discover;
pub mod discovery;
pub mod dispatcher;
pub mod doctor;
pub mod effect;
pub mod event;
pub mod follower;
pub mod host_request;
pub mod host_worker;
pub mod inbox;
pub mod incidents;
pub mod intake;
pub mod notifier;
pub mod operations;
pub mod outbound;
pub mod outbound_queue;
pub mod queries;
pub mod replay_check;
pub mod request;
pub mod run;
pub mod speech;
pub mod step;
mod turns;
pub mod watcher;
pub mod world;
