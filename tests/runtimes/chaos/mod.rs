//! The chaos matrix of the runtimes beside Docker Engine: what can happen to units and to Podman's containers, done to real ones,
//! and what the room reads of it.
//!
//! Each story plays several rows of the table in `docs/watching.md`, each with a service of its own, on one machine: booting
//! it takes longest. It plays one act after the other, so that what is told is told alone.

mod containers;
mod deaths;
mod people;
mod quadlets;
mod reboots;
mod scene;
mod swarm;
mod troubles;
