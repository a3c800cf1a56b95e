//! What the bot has on record, read past it. What is there outlives any death of it; what it has logged may not be.

use opsroom::ledger::LEDGER_FILE;
use opsroom_lab::{Bot, wait_until};
use rusqlite::{Connection, OpenFlags};

use crate::stage::LIMIT;

/// Waits until so many incidents are on record, open or over.
#[track_caller]
pub(crate) fn records_incidents(bot: &Bot, count: usize) {
    let file = bot.dir().join("state").join(LEDGER_FILE);
    wait_until(LIMIT, format_args!("{count} incidents in {}", file.display()), || {
        // Opened anew each time: what is kept open would hold the file's log.
        let ledger = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
        let recorded: usize = ledger.query_row("SELECT count(*) FROM incident", [], |row| row.get(0)).ok()?;
        (recorded >= count).then_some(())
    });
}
