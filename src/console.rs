//! The terminal in the room's place: the same dispatcher, for when the
//! homeserver is down. Who can read the config and the state directory is an
//! admin here.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::BoxFuture;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    sync::mpsc,
};

use crate::{
    domain::{
        inbound::{Arrival, Inbound, Protection},
        names::{BadName, EventId, RoomId, UserId},
    },
    ports::{Arrived, Chat, ChatError, Content, Delivery, Inbox, InboxError},
};

/// Why the terminal is of no use any more.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// It cannot be read or written.
    #[error("the terminal failed: {0}")]
    Terminal(#[from] std::io::Error),
    /// What was typed could not be kept.
    #[error(transparent)]
    Inbox(#[from] InboxError),
    /// A name of its own making is wrong: a mistake in this program.
    #[error(transparent)]
    Name(#[from] BadName),
}

/// Prints what would be said in a room.
pub struct Terminal {
    printed: mpsc::Sender<String>,
    /// What has been said, by transaction, so that nothing is said twice.
    said: Mutex<BTreeMap<String, EventId>>,
}

impl Terminal {
    /// What is said comes out of the receiver, a message each.
    pub fn new() -> (Self, mpsc::Receiver<String>) {
        let (printed, lines) = mpsc::channel(256);
        (Self { printed, said: Mutex::default() }, lines)
    }
}

impl Chat for Terminal {
    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<EventId, ChatError>> {
        Box::pin(async move {
            let (event, new) = {
                let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
                let next = format!("$said-{}", said.len());
                let next = EventId::parse(&next).map_err(|error| ChatError::Refused(error.to_string()))?;
                let new = !said.contains_key(&delivery.transaction);
                (said.entry(delivery.transaction.clone()).or_insert(next).clone(), new)
            };
            if new && let Some(text) = text(&delivery.content) {
                let gone = |_| ChatError::Unavailable("the terminal is closed".to_owned());
                self.printed.send(text).await.map_err(gone)?;
            }
            Ok(event)
        })
    }

    fn replay_key<'a>(&'a self, _: &'a Inbound) -> BoxFuture<'a, Result<Option<String>, ChatError>> {
        // Only what came encrypted from a room is checked, and the room is not here: it waits for the bot.
        Box::pin(async { Err(ChatError::Refused("the room cannot be asked from the console".to_owned())) })
    }
}

fn text(content: &Content) -> Option<String> {
    match content {
        Content::Message { body, .. } | Content::Edit { body, .. } => Some(body.plain.clone()),
        Content::File { name, text, .. } => Some(format!("--- {name}\n{text}\n---")),
        Content::Reaction { .. } | Content::Pin { .. } => None,
    }
}

/// The one room of the terminal.
pub fn room() -> Result<RoomId, BadName> {
    RoomId::parse("!console")
}

/// Who sits at it.
pub fn user() -> Result<UserId, BadName> {
    UserId::parse("@console:localhost")
}

/// Reads lines and hands them on as messages, until the input ends. `begun`
/// makes this session's messages unlike those of earlier ones.
pub async fn read(
    inbox: Arc<dyn Inbox>,
    mut output: mpsc::Receiver<String>,
    begun: jiff::Timestamp,
) -> Result<(), ConsoleError> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut screen = tokio::io::stdout();
    let mut number = 0;
    let mut open = true;
    loop {
        tokio::select! {
            said = output.recv() => match said {
                Some(said) => {
                    screen.write_all(format!("{said}\n\n").as_bytes()).await?;
                    screen.flush().await?;
                }
                None => return Ok(()),
            },
            line = lines.next_line(), if open => match line? {
                Some(line) if line.trim().is_empty() => {}
                Some(line) => {
                    number += 1;
                    let message = Inbound {
                        event: EventId::parse(&format!("$console-{}-{number}", begun.as_millisecond()))?,
                        room: room()?,
                        sender: user()?,
                        sent_at: jiff::Timestamp::now(),
                        body: line,
                        reply_to: None,
                        reaction: false,
                        mentions_bot: false,
                        protection: Protection::Terminal,
                        arrival: Arrival::Live,
                    };
                    inbox.accept(Arrived { room: room()?, messages: vec![message], position: None }).await?;
                }
                None => open = false,
            },
        }
        if !open {
            return Ok(());
        }
    }
}
