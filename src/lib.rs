//! opsroom: a Matrix room that runs your cluster.

pub mod domain;
pub mod matrix;
pub mod ports;
pub mod state_dir;
