//! What was done about an open problem, by which a relapse is known.

use serde::{Deserialize, Serialize};

/// What was done about an open problem.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// Nothing, or it has come back since.
    #[default]
    None,
    /// Somebody started it: it is a relapse when it goes down once more.
    Started,
    /// It was changed through the bot, and has not been well since.
    Changed,
    /// It was, and has been well: whatever is wrong next is a relapse.
    Mended,
}
