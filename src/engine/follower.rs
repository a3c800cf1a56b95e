//! Carries a job to its end as seen from here: starts it, follows its log, and
//! follows on wherever a connection broke.
//!
//! The job itself does not depend on any of this. What is decided here is only
//! what can be *said* about it; "lost" becomes "followed again", and only what
//! the host itself no longer knows becomes unknown.

use std::{sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    collector::Tail,
    event::{CancelResult, Event, JobNews, JobState},
};
use crate::{
    domain::{
        job::{self, Job},
        operation::OperationId,
        output::Exit,
        progress::{Progress, Reader},
    },
    ports::{Exec, Output, Remote, RemoteError, Stdin, Stream},
};

/// How long a job that was told to end may take to do so.
const GRACE: Duration = Duration::from_secs(20);
/// How long sending a signal and waiting for its effect may take.
const SIGNAL_LIMIT: Duration = Duration::from_secs(25);

/// What to follow, and for how long.
#[derive(Debug)]
pub struct Following {
    /// The job.
    pub job: Job,
    /// From now.
    pub limit: Duration,
    /// Only what is new is started.
    pub state: JobState,
}

/// Where news of one operation go.
#[derive(Debug, Clone)]
pub struct Reporter {
    /// Whose job it is.
    pub operation: OperationId,
    /// The dispatcher's queue.
    pub events: mpsc::Sender<Event>,
}

impl Reporter {
    /// Tells the dispatcher, and waits while it has too much to do.
    pub async fn tell(&self, news: JobNews) {
        // Nobody to tell means that everything is ending.
        let _ = self.events.send(Event::Job { operation: self.operation, news }).await;
    }
}

/// Follows a job to its end and returns the last news of it; earlier ones go to
/// the reporter. Progress that came while it waited is told as one.
pub async fn follow(remote: Arc<dyn Remote>, following: Following, report: &Reporter) -> JobNews {
    let Following { job, limit, mut state } = following;
    let deadline = Instant::now() + limit;
    let mut reader = Reader::new(&job.nonce);
    let mut told_to_end = false;
    let mut until = deadline;
    let mut pauses = pauses();
    loop {
        let command = match state {
            JobState::New => job.start(),
            JobState::Submitted => job.attach_or_forbid(),
            JobState::Started => job.attach(reader.offset),
        };
        let fresh = state == JobState::New;
        let before = reader.offset;
        let ended = one_round(&*remote, command, until, &mut reader, report).await;
        if reader.offset > 0 {
            state = JobState::Started;
        }
        if let Some(code) = reader.progress.ended {
            let progress = Box::new(reader.progress);
            return JobNews::Exited { code, progress };
        }
        if reader.offset > before {
            pauses = self::pauses();
        }
        let trouble = match ended {
            (Ok(Exit::Code(job::NOT_PLACED)), errors) if fresh => {
                return JobNews::NotStarted(errors.unwrap_or_else(|| "the host could not place the job".to_owned()));
            }
            // As certain after a break as before: it was kept from beginning.
            (Ok(Exit::Code(job::NOT_STARTED)), errors) if state < JobState::Started => {
                return JobNews::NotStarted(errors.unwrap_or_else(|| "its process did not come up".to_owned()));
            }
            (Ok(Exit::Code(job::NO_SUCH_JOB)), _) if state == JobState::Started => {
                return JobNews::Vanished("I looked on the host: it knows no such job any more".to_owned());
            }
            // The host has noted that it must not begin any more, so this is certain.
            (Ok(Exit::Code(job::NO_SUCH_JOB)), _) => {
                return JobNews::NotStarted("the host was never reached with it".to_owned());
            }
            (Ok(Exit::Code(job::GONE)), _) => {
                return JobNews::Vanished(
                    "I looked on the host: the job's process is gone and has left no result; \
                     it was killed, or the host was restarted"
                        .to_owned(),
                );
            }
            // Before the job's first byte, this is the login's own failure: no
            // sudo rule, no such user, no shell.
            (Ok(Exit::Code(code)), errors) if fresh && reader.offset == 0 => {
                let why = errors.unwrap_or_else(|| format!("the login ended with exit {code}"));
                return JobNews::NotStarted(why);
            }
            (Ok(exit), errors) => {
                format!("following it ended with {exit}{}", errors.map_or(String::new(), |e| format!(": {e}")))
            }
            (Err(RemoteError::TimedOut(_)), _) if Instant::now() >= until => {
                if told_to_end {
                    return JobNews::Stuck;
                }
                told_to_end = true;
                state = state.max(JobState::Submitted);
                until = Instant::now() + GRACE;
                tell_to_end(&*remote, &job).await;
                continue;
            }
            (Err(error), _) if fresh && !error.may_have_run() => return JobNews::NotStarted(error.to_string()),
            (Err(error), _) => error.to_string(),
        };
        // From here on the job may run: it is only ever followed.
        state = state.max(JobState::Submitted);
        if Instant::now() >= until {
            return JobNews::Unreached(trouble);
        }
        report.tell(JobNews::Blocked(trouble)).await;
        let pause = pauses.next().unwrap_or(Duration::from_secs(30));
        tokio::time::sleep_until((Instant::now() + pause).min(until)).await;
    }
}

/// One connection's worth of following.
async fn one_round(
    remote: &dyn Remote,
    command: String,
    until: Instant,
    reader: &mut Reader,
    report: &Reporter,
) -> (Result<Exit, RemoteError>, Option<String>) {
    let hang_up = CancellationToken::new();
    let (newest, mut news) = watch::channel(reader.progress.clone());
    let limit = until.saturating_duration_since(Instant::now());
    let exec = Exec { command, limit, stdin: Stdin::OpenUntil(hang_up.clone()) };
    let mut output = LogOutput { reader, newest, hang_up, errors: Tail::new(4_096) };
    let ended = {
        let exec = remote.exec(exec, &mut output);
        tokio::pin!(exec);
        loop {
            tokio::select! {
                biased;
                ended = &mut exec => break ended,
                changed = news.changed() => {
                    if changed.is_err() { break (&mut exec).await; }
                    let progress = news.borrow_and_update().clone();
                    if progress.ended.is_none() {
                        report.tell(JobNews::Progress(Box::new(progress))).await;
                    }
                }
            }
        }
    };
    (ended, output.errors.last_line())
}

/// Takes the followed log; the follower's own complaints come on stderr.
struct LogOutput<'a> {
    reader: &'a mut Reader,
    newest: watch::Sender<Progress>,
    hang_up: CancellationToken,
    errors: Tail,
}

impl Output for LogOutput<'_> {
    fn chunk(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Stderr => self.errors.chunk(stream, bytes),
            Stream::Stdout => {
                if self.reader.feed(bytes) {
                    self.newest.send_replace(self.reader.progress.clone());
                }
                if self.reader.progress.ended.is_some() {
                    self.hang_up.cancel();
                }
            }
        }
    }
}

async fn tell_to_end(remote: &dyn Remote, job: &Job) {
    match cancel(remote, job).await {
        CancelResult::Ended | CancelResult::NeverBegan => {}
        how @ (CancelResult::Ending | CancelResult::Stragglers | CancelResult::NotDelivered(_)) => {
            tracing::warn!(job = job.id.as_str(), "telling it to end: {how:?}");
        }
    }
}

/// Tells a job to end, and looks whether it has.
pub async fn cancel(remote: &dyn Remote, job: &Job) -> CancelResult {
    let mut output = Tail::new(1_024);
    let exec = Exec { command: job.cancel(), limit: SIGNAL_LIMIT, stdin: Stdin::Empty };
    match remote.exec(exec, &mut output).await {
        Ok(exit) if exit.is_success() => CancelResult::Ended,
        Ok(Exit::Code(job::STILL_ENDING)) => CancelResult::Ending,
        Ok(Exit::Code(job::NO_SUCH_JOB)) => CancelResult::NeverBegan,
        Ok(Exit::Code(job::STRAGGLERS)) => CancelResult::Stragglers,
        Ok(exit) => CancelResult::NotDelivered(format!("{exit}: {}", output.last_line().unwrap_or_default())),
        Err(error) => CancelResult::NotDelivered(error.to_string()),
    }
}

fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_jitter()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(Duration::from_secs(15))
        .without_max_times()
        .build()
}
