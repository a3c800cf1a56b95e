//! opsroom: a Matrix room that runs your cluster.

pub mod domain;
pub mod engine;
pub mod ledger;
pub mod ports;
