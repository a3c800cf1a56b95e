//! Incidents, silences and what the watch knows, over restarts of the bot.

use rusqlite::{Connection, params};
use serde::de::DeserializeOwned;

use super::sql::{Answer, json, unreadable};
use crate::{
    domain::{
        dashboard::Dashboard, incident::Incident, names::ServiceName, roster::FoundService, silence::Silence,
        watch::Saved,
    },
    ports::Watching,
};

pub(super) fn note(db: &Connection, incident: &Incident) -> Answer<()> {
    db.execute(
        "INSERT INTO incident (id, incident, ended) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET incident = excluded.incident, ended = excluded.ended",
        params![i64::try_from(incident.id.0).ok(), json(incident)?, incident.end.is_some()],
    )?;
    Ok(())
}

pub(super) fn silence(db: &Connection, silence: &Silence) -> Answer<()> {
    db.execute(
        "INSERT INTO silence VALUES (?1, ?2) ON CONFLICT DO UPDATE SET silence = excluded.silence",
        params![i64::try_from(silence.id).ok(), json(silence)?],
    )?;
    Ok(())
}

pub(super) fn unsilence(db: &Connection, id: u64) -> Answer<()> {
    db.execute("DELETE FROM silence WHERE id = ?1", [i64::try_from(id).ok()])?;
    Ok(())
}

pub(super) fn save(db: &Connection, service: &ServiceName, checkpoint: &Saved) -> Answer<()> {
    db.execute(
        "INSERT INTO memory VALUES (?1, ?2) ON CONFLICT DO UPDATE SET memory = excluded.memory",
        [service.as_str(), &json(checkpoint)?],
    )?;
    Ok(())
}

pub(super) fn show(db: &Connection, dashboard: &Dashboard) -> Answer<()> {
    db.execute(
        "INSERT INTO dashboard VALUES (?1, ?2) ON CONFLICT DO UPDATE SET dashboard = excluded.dashboard",
        [dashboard.room.as_str(), &json(dashboard)?],
    )?;
    Ok(())
}

pub(super) fn found(db: &Connection, found: &FoundService) -> Answer<()> {
    db.execute(
        "INSERT INTO found VALUES (?1, ?2) ON CONFLICT DO UPDATE SET found = excluded.found",
        [found.name.as_str(), &json(found)?],
    )?;
    Ok(())
}

pub(super) fn gone(db: &Connection, service: &ServiceName) -> Answer<()> {
    db.execute("DELETE FROM found WHERE service = ?1", [service.as_str()])?;
    Ok(())
}

pub(super) fn all(db: &Connection) -> Answer<Watching> {
    let next: i64 = db.query_row("SELECT coalesce(max(id), 0) + 1 FROM incident", [], |row| row.get(0))?;
    // What a newer or an older bot wrote there and this one cannot read is
    // forgotten: the watch then begins anew with that service.
    let rows = by_service(db, "SELECT service, memory FROM memory")?;
    let checkpoints = rows.into_iter().filter_map(|(service, memory)| {
        Some((ServiceName::parse(&service).ok()?, serde_json::from_str(&memory).ok()?))
    });
    // What it found is found again, then.
    let rows = by_service(db, "SELECT service, found FROM found ORDER BY service")?;
    let found = rows.into_iter().filter_map(|(_, found)| serde_json::from_str(&found).ok());
    Ok(Watching {
        found: found.collect(),
        next_incident: u64::try_from(next).unwrap_or(1),
        open: read(db, "SELECT incident FROM incident WHERE ended = 0 ORDER BY id")?,
        silences: read(db, "SELECT silence FROM silence ORDER BY id")?,
        checkpoints: checkpoints.collect(),
        dashboards: read(db, "SELECT dashboard FROM dashboard")?,
    })
}

fn by_service(db: &Connection, query: &str) -> Answer<Vec<(String, String)>> {
    let mut query = db.prepare(query)?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn read<T: DeserializeOwned>(db: &Connection, query: &str) -> Answer<Vec<T>> {
    let mut query = db.prepare(query)?;
    let rows = query.query_map([], |row| {
        let text: String = row.get(0)?;
        serde_json::from_str(&text).map_err(|e| unreadable(0, e))
    })?;
    rows.collect()
}
