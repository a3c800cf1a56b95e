//! The effects, through ports: one dispatcher, one worker per host, one
//! outbound queue.
//!
//! Everything that happens is an [`event::Event`]; the [`dispatcher`] answers
//! each with [`event::Effect`]s and does nothing else. [`run`] carries them
//! out. What must be durable is committed before what cannot be taken back.

pub mod collector;
pub mod dispatcher;
pub mod doctor;
pub mod event;
pub mod follower;
pub mod host_worker;
pub mod inbox;
pub mod outbound;
pub mod outbound_queue;
pub mod replay_check;
pub mod run;
