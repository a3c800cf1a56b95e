//! Waiting for a condition, with a limit: the only place in the lab that sleeps.

use std::fmt::Display;
use std::thread;
use std::time::{Duration, Instant};

/// How long anything that should happen "now" may take on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks. Short against everything the lab waits for, long enough to leave the processor to the others.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(10);

/// Waits until `condition` gives a value; after `limit` the test fails with "waited … for `what`".
#[track_caller]
pub fn wait_until<T>(limit: Duration, what: impl Display, condition: impl FnMut() -> Option<T>) -> T {
    wait_or(limit, condition, || what.to_string())
}

/// As [`wait_until`], for a `what` that is known only at the end, such as all that was seen instead.
#[track_caller]
pub fn wait_or<T>(limit: Duration, mut condition: impl FnMut() -> Option<T>, what: impl Fn() -> String) -> T {
    let since = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(since.elapsed() < limit, "lab: waited {limit:?} in vain for {}", what());
        pause();
    }
}

#[expect(clippy::disallowed_methods, reason = "the lab is synchronous, and this is its one place that polls")]
fn pause() {
    thread::sleep(LOOK_AGAIN_AFTER);
}

/// Says what went wrong where a test cannot go on: "lab: `what`: `error`".
pub trait OrFail<T> {
    /// The value, or the end of the test.
    fn or_fail(self, what: impl Display) -> T;
}

impl<T, E: Display> OrFail<T> for Result<T, E> {
    #[track_caller]
    fn or_fail(self, what: impl Display) -> T {
        match self {
            Ok(value) => value,
            Err(error) => panic!("lab: {what}: {error}"),
        }
    }
}

impl<T> OrFail<T> for Option<T> {
    #[track_caller]
    fn or_fail(self, what: impl Display) -> T {
        match self {
            Some(value) => value,
            None => panic!("lab: {what}"),
        }
    }
}
