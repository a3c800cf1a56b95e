//! What a unit printed: `journalctl`.

use crate::domain::{
    output::{CommandOutput, Exit, LogError, LogTail},
    shell,
};

/// The status with which [`logs`] ends when there is no such unit, as
/// systemctl's own.
const NO_UNIT: u32 = 4;

/// The last lines of a unit's journal.
pub(super) fn logs(name: &str, lines: u32) -> String {
    let name = shell::quote(name);
    format!(
        "[ \"$(systemctl show -p LoadState --value -- {name} 2>&1)\" != not-found ] || exit {NO_UNIT}\n\
         journalctl --no-pager --quiet -o short-iso -n {lines} -u {name} 2>&1"
    )
}

/// Reads what [`logs`] printed.
pub(super) fn read_log(output: CommandOutput) -> Result<LogTail, LogError> {
    let CommandOutput { exit, text, truncated } = output;
    if exit == Exit::Code(NO_UNIT) {
        return Err(LogError::NotDeployed);
    }
    if exit.is_success() {
        return Ok(LogTail { text, truncated });
    }
    let said = CommandOutput::last_line(&text).to_owned();
    Err(LogError::Failed { exit, said })
}
