//! Numbered, forward-only. A file from a newer opsroom is opened only if that
//! one said that this one may: guessing at its meaning could run something
//! twice. It says so when it has only added to the file, so that an update of
//! the bot that fails verification can be rolled back.

use rusqlite::{Connection, OptionalExtension as _};

struct Migration {
    /// The oldest version of the file whose program may still work with it
    /// afterwards.
    oldest: usize,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    // 1: the inbox, the outbox, operations.
    Migration {
        oldest: 1,
        sql: "CREATE TABLE identity (instance TEXT NOT NULL, secret TEXT NOT NULL);
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
    },
    // 2: phases, who called an operation off, seals of commands, the audit chain,
    // starts of the bot, and which older programs may use the file.
    Migration {
        oldest: 2,
        sql: "CREATE TABLE compatible (oldest INTEGER NOT NULL);
     INSERT INTO compatible VALUES (2);
     CREATE TABLE start (number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL DEFAULT (unixepoch()));
     CREATE TABLE phase (
         operation INTEGER NOT NULL REFERENCES operation (id) ON DELETE CASCADE, phase TEXT NOT NULL, at TEXT NOT NULL,
         PRIMARY KEY (operation, phase)
     ) WITHOUT ROWID;
     ALTER TABLE operation ADD COLUMN cancelled_by TEXT;
     ALTER TABLE operation RENAME COLUMN detail TO verdict;
     CREATE INDEX operation_service ON operation (service, id);
     CREATE TABLE seal (seal TEXT PRIMARY KEY, event TEXT NOT NULL) WITHOUT ROWID;
     CREATE TABLE audit (number INTEGER PRIMARY KEY, entry TEXT NOT NULL, hash TEXT NOT NULL);",
    },
    // 3: incidents, silences, what the watch knows; when each process last lived.
    Migration {
        oldest: 2,
        sql: "CREATE TABLE incident (
         id INTEGER PRIMARY KEY, incident TEXT NOT NULL, ended INTEGER NOT NULL, at INTEGER NOT NULL DEFAULT (unixepoch())
     );
     CREATE INDEX incident_open ON incident (id) WHERE ended = 0;
     CREATE TABLE silence (id INTEGER PRIMARY KEY, silence TEXT NOT NULL);
     CREATE TABLE memory (service TEXT PRIMARY KEY, memory TEXT NOT NULL) WITHOUT ROWID;
     CREATE INDEX outbox_event ON outbox (event) WHERE event IS NOT NULL;
     ALTER TABLE start ADD COLUMN lived INTEGER;",
    },
    // 4: the rooms' dashboards.
    Migration {
        oldest: 2,
        sql: "CREATE TABLE dashboard (room TEXT PRIMARY KEY, dashboard TEXT NOT NULL) WITHOUT ROWID;",
    },
    // 5: who cancelled an operation, where that is no person.
    Migration { oldest: 2, sql: "ALTER TABLE operation ADD COLUMN cancelled_by_actor TEXT;" },
    // 6: services that were found on hosts.
    Migration {
        oldest: 2,
        sql: "CREATE TABLE found (service TEXT PRIMARY KEY, found TEXT NOT NULL) WITHOUT ROWID;",
    },
];

/// Brings the file up to date.
pub(super) fn run(db: &mut Connection) -> Result<(), rusqlite::Error> {
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "foreign_keys", "ON")?;
    let known = MIGRATIONS.len();
    let done = version(db)?;
    let oldest: Option<usize> = if done > known {
        db.query_row("SELECT oldest FROM compatible", [], |row| row.get(0)).optional()?
    } else {
        None
    };
    if done > known && oldest.is_none_or(|oldest| known < oldest) {
        return Err(rusqlite::Error::InvalidParameterName(format!(
            "the file is of version {done}, this opsroom knows {known} at most: run the newer one"
        )));
    }
    for (at, migration) in MIGRATIONS.iter().enumerate().skip(done) {
        let step = db.transaction()?;
        step.execute_batch(migration.sql)?;
        if at > 0 {
            step.execute("UPDATE compatible SET oldest = ?1", [migration.oldest])?;
        }
        step.pragma_update(None, "user_version", at + 1)?;
        step.commit()?;
    }
    Ok(())
}

fn version(db: &Connection) -> Result<usize, rusqlite::Error> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_only_added_to_is_still_opened_and_another_is_not() {
        let mut db = Connection::open_in_memory().unwrap();
        run(&mut db).unwrap();
        let newer = MIGRATIONS.len() + 1;
        db.execute_batch(&format!("CREATE TABLE new (x); PRAGMA user_version = {newer}")).unwrap();
        run(&mut db).unwrap();
        assert_eq!(version(&db).unwrap(), newer, "and it is not called an older one");
        db.execute("UPDATE compatible SET oldest = ?1", [newer]).unwrap();
        let refused = run(&mut db).unwrap_err().to_string();
        assert!(refused.contains(&format!("the file is of version {newer}")), "{refused}");
    }

    #[test]
    fn a_file_of_the_first_version_is_brought_up_to_date() {
        let mut db = Connection::open_in_memory().unwrap();
        db.execute_batch(MIGRATIONS[0].sql).unwrap();
        db.pragma_update(None, "user_version", 1).unwrap();
        run(&mut db).unwrap();
        assert_eq!(version(&db).unwrap(), MIGRATIONS.len());
    }
}
