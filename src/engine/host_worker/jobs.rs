//! Jobs: run or followed to their end, and cancelled.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::HostWorker;
use crate::{
    domain::{job::Job, operation::OperationId},
    engine::{
        event::{Answer, Event, JobNews, JobState, Ticket},
        follower::{self, Following, Reporter},
    },
};

/// Followed at once: half of the connection's sessions.
pub(super) const AT_ONCE: usize = 4;

impl HostWorker {
    /// Runs a job, or follows one, and reports all news of it.
    pub(super) async fn run_job(
        self: Arc<Self>,
        slots: Arc<Semaphore>,
        operation: OperationId,
        following: Following,
        cancelled: CancellationToken,
    ) {
        let report = Reporter { operation, events: self.events.clone() };
        let over = cancelled.clone().drop_guard();
        let slot = match Arc::clone(&slots).try_acquire_owned() {
            Ok(slot) => Ok(slot),
            Err(_) => {
                let why = format!("waiting: {AT_ONCE} changes run on {} already", self.host);
                report.tell(JobNews::Blocked(why)).await;
                tokio::select! {
                    slot = slots.acquire_owned() => slot,
                    () = cancelled.cancelled(), if following.state == JobState::New => {
                        return report.tell(JobNews::NotStarted("it was cancelled while it waited".to_owned())).await;
                    }
                }
            }
        };
        let news = follower::follow(Arc::clone(&self.remote), following, &report).await;
        drop((slot, over));
        report.tell(news).await;
    }

    /// Tells a job to end.
    pub(super) async fn cancel_job(self: Arc<Self>, job: Job, ticket: Ticket, waiting: Option<CancellationToken>) {
        let result = follower::cancel(&*self.remote, &job).await;
        if let Some(waiting) = waiting {
            waiting.cancel();
        }
        self.send(Event::Answer { ticket, answer: Answer::Cancel(result) }).await;
    }
}
