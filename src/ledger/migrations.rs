//! Numbered, forward-only. A file from a newer opsroom is refused: guessing at
//! its meaning could run something twice.

use rusqlite::Connection;

const MIGRATIONS: &[&str] = &[
    // 1: the inbox, the outbox, operations.
    "CREATE TABLE identity (instance TEXT NOT NULL, secret TEXT NOT NULL);
     INSERT INTO identity VALUES (lower(hex(randomblob(6))), lower(hex(randomblob(32))));
     CREATE TABLE inbox (
         event TEXT PRIMARY KEY, room TEXT NOT NULL, sender TEXT NOT NULL, message TEXT NOT NULL, handled TEXT,
         accepted_at INTEGER NOT NULL DEFAULT (unixepoch())
     );
     CREATE INDEX inbox_unhandled ON inbox (accepted_at) WHERE handled IS NULL;
     CREATE TABLE parked (event TEXT PRIMARY KEY, room TEXT NOT NULL, raw TEXT NOT NULL);
     CREATE TABLE position (room TEXT PRIMARY KEY, event TEXT NOT NULL);
     CREATE TABLE outbox (
         number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, outgoing TEXT NOT NULL,
         event TEXT, dropped TEXT, queued_at INTEGER NOT NULL DEFAULT (unixepoch())
     );
     CREATE INDEX outbox_waiting ON outbox (number) WHERE event IS NULL AND dropped IS NULL;
     CREATE TABLE operation (
         id INTEGER PRIMARY KEY, operation TEXT NOT NULL, service TEXT NOT NULL, owner TEXT NOT NULL,
         began_at TEXT NOT NULL, ended_at TEXT, outcome TEXT, detail TEXT
     );",
];

/// Brings the file up to date.
pub(super) fn run(db: &mut Connection) -> Result<(), rusqlite::Error> {
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "foreign_keys", "ON")?;
    let done: usize = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if done > MIGRATIONS.len() {
        return Err(rusqlite::Error::InvalidParameterName(format!(
            "the file is of version {done}, this opsroom knows {} at most: run the newer one",
            MIGRATIONS.len()
        )));
    }
    for (number, migration) in MIGRATIONS.iter().enumerate().skip(done) {
        let step = db.transaction()?;
        step.execute_batch(migration)?;
        step.pragma_update(None, "user_version", number + 1)?;
        step.commit()?;
    }
    Ok(())
}
