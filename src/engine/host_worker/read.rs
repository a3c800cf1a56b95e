//! Commands that change nothing and are over soon: logs, previews.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use super::HostWorker;
use crate::{
    domain::output::CommandOutput,
    engine::{
        collector::Tail,
        event::{Answer, Event, Ticket},
    },
    ports::{Exec, Stdin},
};

/// Run at once: each holds a session of the connection, and its whole output.
pub(super) const AT_ONCE: usize = 1;
/// Bytes kept of the output: more than 5,000 lines of any log that people read.
const BYTES: usize = 2 * 1024 * 1024;

impl HostWorker {
    /// Runs a command and answers with its output. The limit counts from now:
    /// waiting for a turn is waiting, too.
    pub(super) async fn read(self: Arc<Self>, slots: Arc<Semaphore>, command: String, limit: Duration, ticket: Ticket) {
        let read = tokio::time::timeout(limit, async {
            let _slot = slots.acquire().await;
            let mut output = Tail::new(BYTES);
            let exec = Exec { command, limit, stdin: Stdin::Empty };
            match self.remote.exec(exec, &mut output).await {
                Ok(exit) => Ok(CommandOutput { exit, text: output.text(), truncated: output.cut }),
                Err(error) => Err(error.to_string()),
            }
        });
        let output = read.await.unwrap_or_else(|_| Err(format!("no answer within {} s", limit.as_secs())));
        self.send(Event::Answer { ticket, answer: Answer::Output(output) }).await;
    }
}
