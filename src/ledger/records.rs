//! Operations in the ledger: begun, followed, cancelled, ended, looked up.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};
use serde::de::DeserializeOwned;

use super::{
    sql::{Answer, json, unreadable},
    stored_operation::StoredOperation,
};
use crate::domain::{
    names::{ServiceName, UserId},
    operation::{Operation, OperationId},
    origin::Actor,
    progress::Phase,
    record::{End, Record},
};

pub(super) fn begin(db: &Connection, operation: &Operation) -> Answer<()> {
    let stored = stored(operation)?;
    db.execute(
        "INSERT INTO operation (id, operation, service, owner, began_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            number(operation.id),
            json(&stored)?,
            operation.service.as_str(),
            stored.owner().as_str(),
            operation.began.to_string()
        ],
    )?;
    Ok(())
}

pub(super) fn reach(db: &Connection, id: OperationId, phase: Phase, at: Timestamp) -> Answer<()> {
    db.execute(
        "INSERT INTO phase VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        params![number(id), json(&phase)?, at.to_string()],
    )?;
    Ok(())
}

/// The operation as it is written.
pub(super) fn stored(operation: &Operation) -> Answer<StoredOperation> {
    StoredOperation::try_from(operation).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}

pub(super) fn cancel(db: &Connection, id: OperationId, by: &Actor) -> Answer<()> {
    // An older bot reads persons only.
    let person = by.person().map(UserId::as_str);
    let set = "UPDATE operation SET cancelled_by = ?2, cancelled_by_actor = ?3 WHERE id = ?1";
    db.execute(set, params![number(id), person, by.to_string()])?;
    Ok(())
}

pub(super) fn end(db: &Connection, id: OperationId, end: &End) -> Answer<()> {
    db.execute(
        "UPDATE operation SET ended_at = ?2, outcome = ?3, verdict = ?4 WHERE id = ?1 AND outcome IS NULL",
        params![number(id), end.at.to_string(), end.outcome, end.verdict],
    )?;
    Ok(())
}

const COLUMNS: &str =
    "SELECT operation, coalesce(cancelled_by_actor, cancelled_by), ended_at, outcome, verdict FROM operation";

pub(super) fn unfinished(db: &Connection) -> Answer<Vec<Record>> {
    records(db, &format!("{COLUMNS} WHERE outcome IS NULL ORDER BY id"), [])
}

pub(super) fn history(db: &Connection, service: Option<&ServiceName>, most: u32) -> Answer<Vec<Record>> {
    let newest = "ORDER BY id DESC LIMIT";
    match service {
        Some(service) => {
            records(db, &format!("{COLUMNS} WHERE service = ?1 {newest} ?2"), params![service.as_str(), most])
        }
        None => records(db, &format!("{COLUMNS} {newest} ?1"), [most]),
    }
}

pub(super) fn operation(db: &Connection, id: OperationId) -> Answer<Option<Record>> {
    Ok(records(db, &format!("{COLUMNS} WHERE id = ?1"), [number(id)])?.pop())
}

fn records(db: &Connection, query: &str, with: impl Params) -> Answer<Vec<Record>> {
    let mut query = db.prepare(query)?;
    let found: Vec<Record> = query.query_map(with, record)?.collect::<Result<_, _>>()?;
    found.into_iter().map(|found| with_phases(db, found)).collect()
}

fn record(row: &Row<'_>) -> Answer<Record> {
    let ended: Option<String> = row.get(2)?;
    let cancelled_by: Option<String> = row.get(1)?;
    let verdict: Option<String> = row.get(4)?;
    Ok(Record {
        operation: parsed::<StoredOperation>(0, &row.get::<_, String>(0)?)?.into(),
        phases: Vec::new(),
        cancelled_by: cancelled_by.map(|by| Actor::try_from(by).map_err(|e| unreadable(1, e))).transpose()?,
        end: match ended {
            Some(at) => Some(End { at: time(2, &at)?, outcome: row.get(3)?, verdict: verdict.unwrap_or_default() }),
            None => None,
        },
    })
}

fn with_phases(db: &Connection, mut record: Record) -> Answer<Record> {
    let mut query = db.prepare_cached("SELECT phase, at FROM phase WHERE operation = ?1 ORDER BY at")?;
    let rows = query.query_map([number(record.operation.id)], |row| {
        Ok((parsed(0, &row.get::<_, String>(0)?)?, time(1, &row.get::<_, String>(1)?)?))
    })?;
    record.phases = rows.collect::<Result<_, _>>()?;
    Ok(record)
}

/// Whether the operation still reads as it did when it began.
pub(super) fn text_of(db: &Connection, id: u64) -> Answer<Option<String>> {
    let find = "SELECT operation FROM operation WHERE id = ?1";
    db.query_row(find, [number(OperationId(id))], |row| row.get(0)).optional()
}

fn parsed<T: DeserializeOwned>(column: usize, text: &str) -> Answer<T> {
    serde_json::from_str(text).map_err(|e| unreadable(column, e))
}

fn time(column: usize, text: &str) -> Answer<Timestamp> {
    text.parse().map_err(|e: jiff::Error| unreadable(column, e))
}

/// SQLite's integers are signed; operation numbers are small.
fn number(id: OperationId) -> i64 {
    i64::try_from(id.0).unwrap_or(i64::MAX)
}
