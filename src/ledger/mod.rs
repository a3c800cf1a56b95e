//! The ledger: the only room that knows SQLite.
//!
//! One connection on a thread of its own, so that no query blocks the runtime;
//! calls are closures sent to it and answered. WAL mode: what was committed
//! survives the process. `synchronous=FULL` for changes, so that it survives
//! the machine too: a change that a power cut made us forget could run twice.

pub mod audit;
mod migrations;
mod queries;
mod records;
mod sql;
mod stored_operation;
#[cfg(test)]
mod tests;
mod watching;

use std::{path::Path, sync::mpsc, thread};

use futures_util::future::BoxFuture;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::{
    domain::{
        inbound::Inbound,
        names::{EventId, RoomId, ServiceName, UserId},
        operation::OperationId,
        outgoing::{MessageKey, Outgoing},
        record::Record,
    },
    ports::{Arrived, Delivered, Entry, Identity, Ledger, LedgerError, Parked, Watching},
};

type Work = Box<dyn FnOnce(&mut Connection) + Send>;

/// Its file in the state directory, beside the SDK's own store.
pub const LEDGER_FILE: &str = "ledger.sqlite";

/// Calls that may wait for the thread; callers wait beyond that.
const WAITING: usize = 256;

/// See the module.
pub struct SqliteLedger {
    work: mpsc::SyncSender<Work>,
}

impl SqliteLedger {
    /// Opens the file, makes it when it is not there, and brings it up to date.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        Self::over(Connection::open(path).map_err(told)?)
    }

    /// A ledger that is gone with the process.
    pub fn in_memory() -> Result<Self, LedgerError> {
        Self::over(Connection::open_in_memory().map_err(told)?)
    }

    fn over(mut connection: Connection) -> Result<Self, LedgerError> {
        migrations::run(&mut connection).map_err(told)?;
        let (work, queue) = mpsc::sync_channel::<Work>(WAITING);
        let serve = move || {
            while let Ok(work) = queue.recv() {
                work(&mut connection);
            }
        };
        thread::Builder::new().name("ledger".to_owned()).spawn(serve).map_err(|e| LedgerError(e.to_string()))?;
        Ok(Self { work })
    }

    fn call<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, LedgerError>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let mut work: Work = Box::new(move |connection| {
                // Nobody waits for the answer any more: the work is done all the same.
                let _ = answer.send(query(connection));
            });
            loop {
                match self.work.try_send(work) {
                    Ok(()) => break,
                    Err(mpsc::TrySendError::Full(back)) => {
                        work = back;
                        tokio::task::yield_now().await;
                    }
                    Err(mpsc::TrySendError::Disconnected(_)) => return Err(LedgerError("its thread has ended".into())),
                }
            }
            match answered.await {
                Ok(result) => result.map_err(told),
                Err(_) => Err(LedgerError("its thread has ended".into())),
            }
        })
    }
}

fn told(error: rusqlite::Error) -> LedgerError {
    LedgerError(error.to_string())
}

impl Ledger for SqliteLedger {
    fn accept(&self, arrived: Arrived) -> BoxFuture<'_, Result<Vec<Inbound>, LedgerError>> {
        self.call(move |db| queries::accept(db, &arrived))
    }

    fn position<'a>(&'a self, room: &'a RoomId) -> BoxFuture<'a, Result<Option<EventId>, LedgerError>> {
        let room = room.clone();
        self.call(move |db| queries::position(db, &room))
    }

    fn park(&self, parked: Parked) -> BoxFuture<'_, Result<(), LedgerError>> {
        self.call(move |db| queries::park(db, &parked))
    }

    fn parked(&self) -> BoxFuture<'_, Result<Vec<Parked>, LedgerError>> {
        self.call(|db| queries::parked(db))
    }

    fn unpark<'a>(&'a self, event: &'a EventId) -> BoxFuture<'a, Result<(), LedgerError>> {
        let event = event.clone();
        self.call(move |db| queries::unpark(db, &event))
    }

    fn unhandled(&self) -> BoxFuture<'_, Result<Vec<Inbound>, LedgerError>> {
        self.call(|db| queries::unhandled(db))
    }

    fn commit(&self, entries: Vec<Entry>) -> BoxFuture<'_, Result<(), LedgerError>> {
        self.call(move |db| queries::commit(db, &entries))
    }

    fn undelivered(&self) -> BoxFuture<'_, Result<Vec<Outgoing>, LedgerError>> {
        self.call(|db| queries::undelivered(db))
    }

    fn delivered<'a>(&'a self, key: &'a MessageKey, how: Delivered) -> BoxFuture<'a, Result<(), LedgerError>> {
        let key = key.clone();
        self.call(move |db| queries::delivered(db, &key, &how))
    }

    fn event_of<'a>(&'a self, key: &'a MessageKey) -> BoxFuture<'a, Result<Option<EventId>, LedgerError>> {
        let key = key.clone();
        self.call(move |db| queries::event_of(db, &key))
    }

    fn sender_of<'a>(&'a self, event: &'a EventId) -> BoxFuture<'a, Result<Option<UserId>, LedgerError>> {
        let event = event.clone();
        self.call(move |db| queries::sender_of(db, &event))
    }

    fn claim_replay_key<'a>(&'a self, key: &'a str, event: &'a EventId) -> BoxFuture<'a, Result<bool, LedgerError>> {
        let (key, event) = (key.to_owned(), event.clone());
        self.call(move |db| queries::claim_replay_key(db, &key, &event))
    }

    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<Record>, LedgerError>> {
        self.call(|db| records::unfinished(db))
    }

    fn history<'a>(
        &'a self,
        service: Option<&'a ServiceName>,
        most: u32,
    ) -> BoxFuture<'a, Result<Vec<Record>, LedgerError>> {
        let service = service.cloned();
        self.call(move |db| records::history(db, service.as_ref(), most))
    }

    fn operation(&self, id: OperationId) -> BoxFuture<'_, Result<Option<Record>, LedgerError>> {
        self.call(move |db| records::operation(db, id))
    }

    fn begin_process(&self) -> BoxFuture<'_, Result<Identity, LedgerError>> {
        self.call(queries::begin_process)
    }

    fn watching(&self) -> BoxFuture<'_, Result<Watching, LedgerError>> {
        self.call(|db| watching::all(db))
    }

    fn live(&self) -> BoxFuture<'_, Result<(), LedgerError>> {
        self.call(|db| queries::live(db))
    }

    fn key_of<'a>(&'a self, event: &'a EventId) -> BoxFuture<'a, Result<Option<MessageKey>, LedgerError>> {
        let event = event.clone();
        self.call(move |db| queries::key_of(db, &event))
    }

    fn prune(&self) -> BoxFuture<'_, Result<(), LedgerError>> {
        self.call(queries::prune)
    }
}
