//! Waiting for a condition, with a limit: the only place in the lab that sleeps.

use std::fmt::Display;
use std::thread;
use std::time::{Duration, Instant};

/// How long anything that should happen "now" may take on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks. Short against everything the lab waits for, long enough to leave the processor to the others.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(10);
/// The most, where each look may start a program.
const LOOK_AGAIN_WITHIN: Duration = Duration::from_millis(200);

/// Waits until `condition` gives a value; after `limit` the test fails with "waited … for `what`". The longer it waits, the
/// less often it looks.
#[track_caller]
pub fn wait_until<T>(limit: Duration, what: impl Display, condition: impl FnMut() -> Option<T>) -> T {
    let pause = |waited: Duration| (waited / 10).clamp(LOOK_AGAIN_AFTER, LOOK_AGAIN_WITHIN);
    wait(limit, condition, || what.to_string(), pause)
}

/// As [`wait_until`], for a `what` that is known only at the end, such as all that was seen instead; and for what may be
/// there for a moment only, such as a message that is soon edited.
#[track_caller]
pub fn wait_or<T>(limit: Duration, condition: impl FnMut() -> Option<T>, what: impl Fn() -> String) -> T {
    wait(limit, condition, what, |_| LOOK_AGAIN_AFTER)
}

#[track_caller]
fn wait<T>(
    limit: Duration,
    mut condition: impl FnMut() -> Option<T>,
    what: impl Fn() -> String,
    until_next: impl Fn(Duration) -> Duration,
) -> T {
    let since = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        let waited = since.elapsed();
        assert!(waited < limit, "lab: waited {limit:?} in vain for {}", what());
        pause(until_next(waited));
    }
}

#[expect(clippy::disallowed_methods, reason = "the lab is synchronous, and this is its one place that polls")]
fn pause(time: Duration) {
    thread::sleep(time);
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
