//! What changed while a service could not be seen: how it was before, against
//! the first look after.

use jiff::Timestamp;

use super::problem::Missed;
use crate::domain::observation::{Observation, State};

/// How a service was when it was last seen.
#[derive(Debug)]
pub(super) struct Before {
    pub(super) container: Option<String>,
    /// The container's restart count, by its ID.
    pub(super) restarts: Option<(String, u32)>,
    /// When it was started, by the host's clock, if that is known.
    pub(super) started: Option<Timestamp>,
    pub(super) ran: bool,
}

impl Before {
    /// What must have happened since.
    pub(super) fn missed(&self, seen: &Observation) -> Option<Missed> {
        let known = self.container.as_ref()?;
        let Some(id) = &seen.id else {
            return (seen.state == State::NotDeployed).then_some(Missed::Gone);
        };
        if id != known {
            return Some(Missed::Replaced);
        }
        if let (State::Exited(death), true) = (&seen.state, self.ran) {
            return Some(Missed::Ended(*death));
        }
        let before = self.restarts.as_ref().filter(|(of, _)| of == id).map(|(_, restarts)| *restarts);
        match before.map(|before| seen.restarts.saturating_sub(before)) {
            Some(died) if died > 0 => Some(Missed::Died(died)),
            Some(_) | None => {
                let moved = seen.state == State::Running && self.started.is_some() && self.started != seen.since;
                moved.then_some(Missed::Restarted)
            }
        }
    }
}
