//! The audit chain: what people asked for and what became of it, each entry
//! bound by its hash to all before it. An entry that is changed or taken out
//! later shows. One who can write the whole file can also write a whole new
//! chain: against that, keep the last hash somewhere else (`audit verify` prints
//! it, and checks one that it is given).

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    records,
    sql::{Answer, json as as_json},
    told,
};
use crate::ports::{Entry, LedgerError};

/// The hash before the first entry.
const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Characters kept of what somebody said.
const SAID: usize = 500;

/// One entry of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its number; the first is 1.
    pub number: u64,
    /// What it tells, as a JSON object: `at` and `what`, and more by `what`.
    pub entry: String,
    /// SHA-256 in hexadecimal of the hash before, the number and the entry,
    /// each but the last with a line feed after it.
    pub hash: String,
}

/// A chain that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// How many entries it has.
    pub entries: u64,
    /// The hash of the last one.
    pub head: String,
}

/// Why a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// An entry is missing.
    #[error("entry {0} is missing: it was taken out of the ledger")]
    Missing(u64),
    /// An entry is not what it was.
    #[error("entry {0} is not what was written then: it, or one before it, was changed")]
    Changed(u64),
    /// What an entry is about is not what it was.
    #[error("operation {0} is not what it was when it began: it was changed in the ledger")]
    Operation(u64),
    /// The hash somebody kept is not in the chain.
    #[error("no entry has the hash {0}: the chain was cut or written anew since it was noted")]
    Unknown(String),
}

/// Reads the whole chain of a ledger, which a bot may be using, and checks it;
/// also that `noted`, a hash from an earlier check, is still in it.
pub fn verify(ledger: &Path, noted: Option<&str>) -> Result<Whole, Broken> {
    let db = open(ledger)?;
    let mut before = Link { number: 0, entry: String::new(), hash: BEGINNING.to_owned() };
    let mut noted = noted.map(str::to_lowercase);
    for link in links(&db, u32::MAX).map_err(told)?.into_iter().rev() {
        if link.number != before.number + 1 {
            return Err(Broken::Missing(before.number + 1));
        }
        if link.hash != hash(&before.hash, link.number, &link.entry) {
            return Err(Broken::Changed(link.number));
        }
        unchanged_operation(&db, &link)?;
        noted.take_if(|noted| *noted == link.hash);
        before = link;
    }
    match noted {
        Some(noted) => Err(Broken::Unknown(noted)),
        None => Ok(Whole { entries: before.number, head: before.hash }),
    }
}

/// The last entries of a ledger, the oldest of them first.
pub fn tail(ledger: &Path, most: u32) -> Result<Vec<Link>, LedgerError> {
    let mut links = links(&open(ledger)?, most).map_err(told)?;
    links.reverse();
    Ok(links)
}

/// Notes what of an entry of the ledger somebody may ask for one day.
pub(super) fn note(db: &Connection, entry: &Entry) -> Answer<()> {
    let link = match entry {
        Entry::Handled { event, how } => {
            // Talk that was not for the bot, and strangers who could flood it, are no business of the chain.
            let find =
                "SELECT message ->> 'sender', message ->> 'room', message ->> 'body' FROM inbox WHERE event = ?1";
            let columns = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            let found: Option<(String, String, String)> = db.query_row(find, [event.as_str()], columns).optional()?;
            let Some((who, room, said)) = found.filter(|_| !matches!(how.as_str(), "not a command" | "stranger"))
            else {
                return Ok(());
            };
            let said: String = said.chars().take(SAID).collect();
            json!({ "what": "command", "who": who, "room": room, "event": event.as_str(), "said": said, "done": how })
        }
        Entry::Began(operation) => json!({
            "what": "began", "operation": operation.id.0, "who": operation.origin.actor().to_string(),
            "change": operation.change.command(), "service": operation.service.as_str(),
            "host": operation.host.as_str(), "asked": operation.asked, "job": operation.job.id.as_str(),
            "sha256": hex(&as_json(&records::stored(operation)?)?),
        }),
        Entry::CancelRequested { id, by, .. } => {
            json!({ "what": "called off", "operation": id.0, "who": by.to_string() })
        }
        Entry::Ended { id, end } => {
            json!({ "what": "ended", "operation": id.0, "outcome": end.outcome, "verdict": end.verdict })
        }
        Entry::Reached { .. }
        | Entry::Queued(_)
        | Entry::Incident(_)
        | Entry::Silenced(_)
        | Entry::SilenceOver(_)
        | Entry::Dashboard(_)
        | Entry::Found(_)
        | Entry::Gone(_)
        | Entry::Checkpoint { .. } => return Ok(()),
    };
    append(db, link)
}

/// Notes that a process took the ledger up.
pub(super) fn start(db: &Connection) -> Answer<()> {
    append(db, json!({ "what": "start", "version": env!("CARGO_PKG_VERSION") }))
}

fn append(db: &Connection, mut entry: Value) -> Answer<()> {
    entry["at"] = json!(Timestamp::now().to_string());
    let (number, before) = match links(db, 1)?.pop() {
        Some(last) => (last.number + 1, last.hash),
        None => (1, BEGINNING.to_owned()),
    };
    let entry = as_json(&entry)?;
    let hash = hash(&before, number, &entry);
    db.execute("INSERT INTO audit VALUES (?1, ?2, ?3)", params![i64::try_from(number).ok(), entry, hash])?;
    Ok(())
}

/// The newest first.
fn links(db: &Connection, most: u32) -> Answer<Vec<Link>> {
    let mut query = db.prepare_cached("SELECT number, entry, hash FROM audit ORDER BY number DESC LIMIT ?1")?;
    let rows = query.query_map([most], |row| {
        let number: i64 = row.get(0)?;
        Ok(Link { number: u64::try_from(number).unwrap_or(0), entry: row.get(1)?, hash: row.get(2)? })
    })?;
    rows.collect()
}

/// What ran is as long in the ledger as its operation; the chain has its hash.
fn unchanged_operation(db: &Connection, link: &Link) -> Result<(), Broken> {
    let entry: Value = serde_json::from_str(&link.entry).map_err(|_| Broken::Changed(link.number))?;
    let (Some(id), Some(noted)) = (entry["operation"].as_u64(), entry["sha256"].as_str()) else { return Ok(()) };
    match records::text_of(db, id).map_err(told)? {
        Some(text) if hex(&text) != noted => Err(Broken::Operation(id)),
        Some(_) | None => Ok(()),
    }
}

fn hash(before: &str, number: u64, entry: &str) -> String {
    hex(&format!("{before}\n{number}\n{entry}"))
}

fn hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn open(ledger: &Path) -> Result<Connection, LedgerError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(ledger, flags).map_err(told)
}
