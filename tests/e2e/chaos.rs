//! The chaos matrix: what can happen to a service and to its host, done to real
//! containers, and what the room reads of it.
//!
//! Each test plays one row of the table in `docs/watching.md` and compares it
//! with what is written there. `UPDATE_DOCS=1` writes it anew; what is a false
//! alarm, or a missing one, fails all the same.

mod busy;
mod crashes;
mod crowd;
mod deploys;
mod hosts;
mod projects;
mod scene;
mod services;

pub(crate) use self::scene::has_run;
