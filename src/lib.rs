//! opsroom: a Matrix room that runs your cluster.

pub mod cli;
pub mod config;
pub mod domain;
pub mod health;
pub mod lifecycle;
pub mod ports;
