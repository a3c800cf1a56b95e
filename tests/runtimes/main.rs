//! Runtimes beside Docker Engine on real parts: machines that boot a Debian with a systemd of their own. The rest is as in the
//! stories of `tests/e2e`, some of whose words these share.
//!
//! Run by `make runtimes`, which starts the lab; the images are made when they are first wanted.

mod chaos;
mod containers;
mod everything;
mod found;
mod metal;
#[path = "../e2e/outcome.rs"]
mod outcome;
mod quadlets;
#[path = "../e2e/stage.rs"]
#[expect(dead_code, reason = "what begins with another host is for the other stories")]
mod stage;
mod swarm;
mod swarm_updates;
mod unit_alerts;
mod unit_updates;
mod units;
#[path = "../watching/mod.rs"]
mod watching;
