//! opsroom: a Matrix room that runs your cluster.
//!
//! The map, in reading order. A message takes one line through the house:
//! `matrix::inbound` → `engine::dispatcher` → `domain::command` →
//! `domain::access` → `engine::host_worker` → `ssh` → `domain::runtime` →
//! `domain::reply` → `engine::outbound` → `matrix::outbound`.

// The SDK's futures are deep.
#![recursion_limit = "256"]

pub mod domain;
pub mod engine;
pub mod ports;

pub mod any_of;
pub mod console;
pub mod ledger;
pub mod local;
pub mod matrix;
pub mod ssh;

pub mod app;
pub mod cli;
pub mod config;
pub mod health;
pub mod heartbeat;
pub mod lifecycle;
pub mod logging;
pub mod state_dir;
