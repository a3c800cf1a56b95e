//! What is shipped around the binary, on real parts: the image and its compose file in a lab of their own, the systemd unit
//! under systemd's eyes, and the scripts as a person meets them.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

mod careless;
mod container;
#[path = "../e2e/outcome.rs"]
mod outcome;
mod scripts;
mod unit;
mod verdict;

/// The opsroom that was built for this test run.
const OPSROOM: &str = env!("CARGO_BIN_EXE_opsroom");
