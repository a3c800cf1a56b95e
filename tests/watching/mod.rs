//! What the room reads of what happens: the table in `docs/watching.md`, and the scenes in which each of its rows is played.
//!
//! `tests/e2e/chaos` plays what happens to Docker's containers, engines and hosts, `tests/runtimes/chaos` what happens to units
//! and to Podman's containers.

mod canary;
mod said;
pub(crate) mod scene;
mod table;
