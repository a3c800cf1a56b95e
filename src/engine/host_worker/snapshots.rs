//! Snapshots: how everything on the host is at a moment, in one command.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::{Asked, HostWorker};
use crate::{
    domain::{
        observation::{HostFacts, HostReport, Observation, SnapshotError},
        runtime::snapshot,
    },
    engine::{collector::Tail, event::Event},
    ports::{Exec, RemoteError, Stdin},
};

/// How long one may take, the connection included.
const LIMIT: Duration = Duration::from_secs(15);
/// Bytes kept of one: some hundred services.
const BYTES: usize = 1024 * 1024;

/// One snapshot, before it is a report.
#[derive(Clone)]
struct Seen {
    began: Timestamp,
    facts: HostFacts,
    seen: Result<Vec<Observation>, SnapshotError>,
}

impl HostWorker {
    /// Takes snapshots when asked. All who asked while one was taken get the
    /// next: never an answer older than the question, and never two at once.
    pub(super) async fn snapshots(self: Arc<Self>, mut asked: mpsc::Receiver<Asked>) {
        let mut waiting = Vec::new();
        while asked.recv_many(&mut waiting, super::SNAPSHOTS).await > 0 {
            let Seen { began, facts, seen } = self.snapshot().await;
            for ticket in waiting.drain(..) {
                let (facts, seen) = (facts.clone(), seen.clone());
                let report = HostReport { host: self.host.clone(), began, at: Timestamp::now(), facts, seen };
                self.send(Event::Snapshot { ticket, report }).await;
            }
        }
    }

    async fn snapshot(&self) -> Seen {
        let (began, mut facts) = (Timestamp::now(), HostFacts::default());
        let mut output = Tail::new(BYTES);
        let services = self.services();
        let exec = Exec { command: snapshot::command(&*services), limit: LIMIT, stdin: Stdin::Empty };
        let seen = match self.remote.exec(exec, &mut output).await {
            // The command's status is that of its last name; each line speaks
            // for itself.
            Ok(_) => {
                let seen;
                (facts, seen) = snapshot::read(&output.text(), &*services, Timestamp::now());
                if let Some(host) = self.remote.answering() {
                    // Boots and disks are that host's: another may answer next time.
                    facts = HostFacts { answered: Some(host), down: facts.down, ..HostFacts::default() };
                }
                seen
            }
            // Others use all sessions of the connection: that says nothing about the host.
            Err(RemoteError::Busy(why)) => Err(SnapshotError::Busy(why)),
            Err(error) if error.may_have_run() => Err(SnapshotError::Unclear(error.to_string())),
            Err(error) => Err(SnapshotError::Unreachable(error.to_string())),
        };
        Seen { began, facts, seen }
    }

    /// The watcher's own snapshots, spread so that a hundred hosts do not
    /// answer in the same instant.
    pub(super) async fn snapshot_regularly(self: Arc<Self>, snapshot: mpsc::Sender<Asked>) {
        let spread = self.snapshot_every.mul_f64(rand::random::<f64>());
        let mut next = tokio::time::Instant::now() + spread;
        loop {
            tokio::time::sleep_until(next).await;
            next += self.snapshot_every;
            // A full queue means that snapshots are being taken anyway.
            let _ = snapshot.try_send(None);
        }
    }
}
