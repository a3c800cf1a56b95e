//! How a job can be lost from sight.

/// See the module.
#[derive(Debug, Clone)]
pub(super) enum Lost {
    /// The host knows no end of it. What was looked at is told.
    Gone(String),
    /// The host could not be asked until its time was over; the job may have
    /// ended as it should. Why it could not is told.
    Unreached(String),
}
