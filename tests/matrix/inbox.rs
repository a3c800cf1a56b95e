//! An inbox in memory that behaves like the ledger's: durable within a test,
//! one message per event, and able to hang or fail at the worst moment.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::future::BoxFuture;
use opsroom::{
    domain::{
        inbound::Inbound,
        names::{EventId, RoomId},
    },
    ports::{Arrived, Inbox, InboxError, Parked},
};
use tokio::sync::mpsc;

/// What the ledger would hold.
#[derive(Debug, Default)]
pub(crate) struct MemoryInbox {
    state: Mutex<State>,
    hangs: AtomicBool,
    fails: AtomicBool,
    /// Told of each accepted message, when somebody wants to be.
    pub(crate) news: Mutex<Option<mpsc::UnboundedSender<Inbound>>>,
}

#[derive(Debug, Default)]
struct State {
    messages: Vec<Inbound>,
    known: HashSet<EventId>,
    passed_over: usize,
    positions: HashMap<RoomId, EventId>,
    parked: Vec<Parked>,
    hung: usize,
}

impl MemoryInbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a test died holding the inbox")
    }

    /// From now on nothing that has messages is ever taken.
    pub(crate) fn hang(&self, hangs: bool) {
        self.hangs.store(hangs, Ordering::SeqCst);
    }

    /// From now on everything fails.
    pub(crate) fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    /// How many messages hang at the door.
    pub(crate) fn hung(&self) -> usize {
        self.state().hung
    }

    /// Everything that was accepted, in order.
    pub(crate) fn messages(&self) -> Vec<Inbound> {
        self.state().messages.clone()
    }

    /// The events that wait for keys.
    pub(crate) fn parked_now(&self) -> Vec<Parked> {
        self.state().parked.clone()
    }

    /// How far the room was read.
    pub(crate) fn position_now(&self, room: &RoomId) -> Option<EventId> {
        self.state().positions.get(room).cloned()
    }

    fn check(&self) -> Result<(), InboxError> {
        if self.fails.load(Ordering::SeqCst) { Err(InboxError("the disk is full".to_owned())) } else { Ok(()) }
    }
}

impl Inbox for MemoryInbox {
    fn accept(&self, arrived: Arrived) -> BoxFuture<'_, Result<(), InboxError>> {
        Box::pin(async move {
            self.check()?;
            if self.hangs.load(Ordering::SeqCst) && !arrived.messages.is_empty() {
                self.state().hung += arrived.messages.len();
                std::future::pending::<()>().await;
            }
            let mut state = self.state();
            for message in arrived.messages {
                state.parked.retain(|parked| parked.event != message.event);
                if state.known.insert(message.event.clone()) {
                    if let Some(news) = &*self.news.lock().expect("nobody panics with it") {
                        let _ = news.send(message.clone());
                    }
                    state.messages.push(message);
                } else {
                    state.passed_over += 1;
                }
            }
            if let Some(position) = arrived.position {
                state.positions.insert(arrived.room, position);
            }
            Ok(())
        })
    }

    fn position<'a>(&'a self, room: &'a RoomId) -> BoxFuture<'a, Result<Option<EventId>, InboxError>> {
        Box::pin(async move { self.check().map(|()| self.position_now(room)) })
    }

    fn park<'a>(&'a self, room: &'a RoomId, event: &'a EventId, raw: String) -> BoxFuture<'a, Result<(), InboxError>> {
        Box::pin(async move {
            self.check()?;
            let mut state = self.state();
            if !state.parked.iter().any(|parked| parked.event == *event) && !state.known.contains(event) {
                state.parked.push(Parked { room: room.clone(), event: event.clone(), raw });
            }
            Ok(())
        })
    }

    fn parked(&self) -> BoxFuture<'_, Result<Vec<Parked>, InboxError>> {
        Box::pin(async move { self.check().map(|()| self.parked_now()) })
    }

    fn unpark<'a>(&'a self, event: &'a EventId) -> BoxFuture<'a, Result<(), InboxError>> {
        Box::pin(async move {
            self.state().parked.retain(|parked| parked.event != *event);
            self.check()
        })
    }
}
