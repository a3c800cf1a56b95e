//! What is asked of the ledger, as SQL. Each function is one transaction.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::de::DeserializeOwned;

use super::{
    audit, records,
    sql::{Answer, json, unreadable},
    watching,
};
use crate::{
    domain::{
        inbound::Inbound,
        names::{EventId, RoomId, UserId},
        outgoing::{MessageKey, Outgoing},
    },
    ports::{Arrived, Delivered, Entry, Identity, Parked},
};

pub(super) fn accept(db: &mut Connection, arrived: &Arrived) -> Answer<Vec<Inbound>> {
    let step = begin(db, false)?;
    let mut new = Vec::new();
    for message in &arrived.messages {
        let added = step.execute(
            "INSERT INTO inbox (event, room, sender, message) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            params![message.event.as_str(), message.room.as_str(), message.sender.as_str(), json(message)?],
        )?;
        step.execute("DELETE FROM parked WHERE event = ?1", [message.event.as_str()])?;
        if added == 1 {
            new.push(message.clone());
        }
    }
    if let Some(position) = &arrived.position {
        step.execute(
            "INSERT INTO position VALUES (?1, ?2) ON CONFLICT DO UPDATE SET event = excluded.event",
            [arrived.room.as_str(), position.as_str()],
        )?;
    }
    step.commit()?;
    Ok(new)
}

pub(super) fn position(db: &Connection, room: &RoomId) -> Answer<Option<EventId>> {
    db.query_row("SELECT event FROM position WHERE room = ?1", [room.as_str()], event_id).optional()
}

pub(super) fn park(db: &Connection, parked: &Parked) -> Answer<()> {
    db.execute(
        "INSERT INTO parked SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE event = ?1)
         ON CONFLICT DO NOTHING",
        [parked.event.as_str(), parked.room.as_str(), &parked.raw],
    )?;
    Ok(())
}

pub(super) fn parked(db: &Connection) -> Answer<Vec<Parked>> {
    let mut query = db.prepare("SELECT event, room, raw FROM parked ORDER BY rowid")?;
    let rows = query.query_map([], |row| {
        let room: String = row.get(1)?;
        let room = RoomId::parse(&room).map_err(|e| unreadable(1, e))?;
        Ok(Parked { event: event_id(row)?, room, raw: row.get(2)? })
    })?;
    rows.collect()
}

pub(super) fn unpark(db: &Connection, event: &EventId) -> Answer<()> {
    db.execute("DELETE FROM parked WHERE event = ?1", [event.as_str()])?;
    Ok(())
}

pub(super) fn unhandled(db: &Connection) -> Answer<Vec<Inbound>> {
    all(db, "SELECT message FROM inbox WHERE handled IS NULL ORDER BY rowid")
}

pub(super) fn commit(db: &mut Connection, entries: &[Entry]) -> Answer<()> {
    let weighty = entries.iter().any(is_weighty);
    let step = begin(db, weighty)?;
    for entry in entries {
        match entry {
            Entry::Handled { event, how } => {
                step.execute("UPDATE inbox SET handled = ?2 WHERE event = ?1", [event.as_str(), how])?;
            }
            Entry::Began(operation) => records::begin(&step, operation)?,
            Entry::Reached { id, phase, at } => records::reach(&step, *id, *phase, *at)?,
            Entry::CancelRequested { id, by, .. } => records::cancel(&step, *id, by)?,
            Entry::Ended { id, end } => records::end(&step, *id, end)?,
            Entry::Incident(incident) => watching::note(&step, incident)?,
            Entry::Silenced(silence) => watching::silence(&step, silence)?,
            Entry::SilenceOver(id) => watching::unsilence(&step, *id)?,
            Entry::Dashboard(dashboard) => watching::show(&step, dashboard)?,
            Entry::Found(found) => watching::found(&step, found)?,
            Entry::Gone(service) => watching::gone(&step, service)?,
            Entry::Checkpoint { service, checkpoint } => watching::save(&step, service, checkpoint)?,
            Entry::Queued(outgoing) => {
                step.execute(
                    "INSERT INTO outbox (key, outgoing) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                    params![outgoing.key.0, json(outgoing)?],
                )?;
            }
        }
        audit::note(&step, entry)?;
    }
    step.commit()
}

/// Whether it must be on the disk before anything else is done. A progress note
/// that a power cut takes away is told again by the host.
fn is_weighty(entry: &Entry) -> bool {
    match entry {
        Entry::Began(_) | Entry::CancelRequested { .. } | Entry::Ended { .. } => true,
        Entry::Handled { .. }
        | Entry::Reached { .. }
        | Entry::Queued(_)
        | Entry::Incident(_)
        | Entry::Silenced(_)
        | Entry::SilenceOver(_)
        | Entry::Dashboard(_)
        | Entry::Found(_)
        | Entry::Gone(_)
        | Entry::Checkpoint { .. } => false,
    }
}

pub(super) fn undelivered(db: &Connection) -> Answer<Vec<Outgoing>> {
    all(db, "SELECT outgoing FROM outbox WHERE event IS NULL AND dropped IS NULL ORDER BY number")
}

pub(super) fn delivered(db: &Connection, key: &MessageKey, how: &Delivered) -> Answer<()> {
    match how {
        Delivered::As(event) => {
            db.execute("UPDATE outbox SET event = ?2 WHERE key = ?1", [key.0.as_str(), event.as_str()])?
        }
        Delivered::Dropped(why) => db.execute("UPDATE outbox SET dropped = ?2 WHERE key = ?1", [&key.0, why])?,
    };
    Ok(())
}

pub(super) fn event_of(db: &Connection, key: &MessageKey) -> Answer<Option<EventId>> {
    db.query_row("SELECT event FROM outbox WHERE key = ?1 AND event IS NOT NULL", [&key.0], event_id).optional()
}

pub(super) fn sender_of(db: &Connection, event: &EventId) -> Answer<Option<UserId>> {
    let find = "SELECT sender FROM inbox WHERE event = ?1";
    let sender = |row: &Row<'_>| UserId::parse(&row.get::<_, String>(0)?).map_err(|e| unreadable(0, e));
    db.query_row(find, [event.as_str()], sender).optional()
}

pub(super) fn claim_replay_key(db: &mut Connection, key: &str, event: &EventId) -> Answer<bool> {
    let step = begin(db, true)?;
    step.execute("INSERT INTO seal VALUES (?1, ?2) ON CONFLICT DO NOTHING", [key, event.as_str()])?;
    let owner: String = step.query_row("SELECT event FROM seal WHERE seal = ?1", [key], |row| row.get(0))?;
    step.commit()?;
    Ok(owner == event.as_str())
}

pub(super) fn key_of(db: &Connection, event: &EventId) -> Answer<Option<MessageKey>> {
    let find = "SELECT key FROM outbox WHERE event = ?1";
    db.query_row(find, [event.as_str()], |row| Ok(MessageKey(row.get(0)?))).optional()
}

pub(super) fn live(db: &Connection) -> Answer<()> {
    db.execute("UPDATE start SET lived = unixepoch() WHERE number = (SELECT max(number) FROM start)", [])?;
    Ok(())
}

pub(super) fn begin_process(db: &mut Connection) -> Answer<Identity> {
    let step = begin(db, true)?;
    let lived: Option<i64> =
        step.query_row("SELECT max(max(at, coalesce(lived, 0))) FROM start", [], |row| row.get(0))?;
    step.execute("INSERT INTO start DEFAULT VALUES", [])?;
    let start = step.last_insert_rowid();
    audit::start(&step)?;
    let next: i64 = step.query_row("SELECT coalesce(max(id), 0) + 1 FROM operation", [], |row| row.get(0))?;
    let identity = step.query_row("SELECT instance, secret FROM identity", [], |row| {
        Ok(Identity {
            instance: row.get(0)?,
            secret: row.get(1)?,
            next_operation: u64::try_from(next).unwrap_or(1),
            start: u64::try_from(start).unwrap_or(1),
            lived: lived.and_then(|at| Timestamp::from_second(at).ok()),
        })
    })?;
    step.commit()?;
    Ok(identity)
}

/// Days that messages are kept once they are dealt with: longer than any
/// homeserver shows them to us again.
const MESSAGES_KEPT: u32 = 30;
/// Days that operations are kept: what `!history` can go back to.
const OPERATIONS_KEPT: u32 = 400;

pub(super) fn prune(db: &mut Connection) -> Answer<()> {
    let step = begin(db, false)?;
    let old = |column: &str, days: u32| format!("{column} < unixepoch() - {days} * 86400");
    step.execute_batch(&format!(
        "DELETE FROM inbox WHERE handled IS NOT NULL AND {};
         DELETE FROM outbox WHERE (event IS NOT NULL OR dropped IS NOT NULL) AND {}
             AND key NOT LIKE 'dashboard/%';
         DELETE FROM incident WHERE ended = 1 AND {};
         DELETE FROM start WHERE {} AND number < (SELECT max(number) FROM start);
         DELETE FROM operation WHERE {} AND id < (SELECT max(id) FROM operation);",
        old("accepted_at", MESSAGES_KEPT),
        old("queued_at", MESSAGES_KEPT),
        old("at", OPERATIONS_KEPT),
        old("at", MESSAGES_KEPT),
        old("unixepoch(ended_at)", OPERATIONS_KEPT),
    ))?;
    step.commit()
}

/// Begins a transaction; a weighty one is on the disk when it is committed.
fn begin(db: &mut Connection, weighty: bool) -> Answer<Transaction<'_>> {
    db.pragma_update(None, "synchronous", if weighty { "FULL" } else { "NORMAL" })?;
    db.transaction()
}

fn all<T: DeserializeOwned>(db: &Connection, query: &str) -> Answer<Vec<T>> {
    let mut query = db.prepare(query)?;
    let rows = query.query_map([], |row| {
        let text: String = row.get(0)?;
        serde_json::from_str(&text).map_err(|e| unreadable(0, e))
    })?;
    rows.collect()
}

fn event_id(row: &Row<'_>) -> Answer<EventId> {
    let text: String = row.get(0)?;
    EventId::parse(&text).map_err(|e| unreadable(0, e))
}
