//! opsroom: a Matrix room that runs your cluster.

pub mod domain;
pub mod local;
pub mod ports;
pub mod ssh;
