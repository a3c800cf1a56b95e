//! What a container printed: `docker logs`.

use super::inspect::names_missing;
use crate::domain::{
    output::{CommandOutput, LogError, LogTail},
    shell,
};

/// The last lines a container printed, both streams.
pub(super) fn logs(name: &str, lines: u32) -> String {
    let name = shell::quote(name);
    // By the beginning of its ID, another container could be meant.
    format!(
        "said=$(docker inspect --type container -f '{{{{.Name}}}}' {name} 2>&1)\n\
         case $said in\n\
         {name} | /{name}) docker logs --tail {lines} {name} 2>&1 ;;\n\
         /*) echo \"Error: No such container: \"{name}; exit 1 ;;\n\
         *) printf '%s\\n' \"$said\"; exit 1 ;;\n\
         esac"
    )
}

/// Reads what [`logs`] printed.
pub(super) fn read_log(output: CommandOutput, name: &str) -> Result<LogTail, LogError> {
    let CommandOutput { exit, text, truncated } = output;
    if exit.is_success() {
        return Ok(LogTail { text, truncated });
    }
    let said = CommandOutput::last_line(&text);
    if names_missing(said, name) {
        return Err(LogError::NotDeployed);
    }
    Err(LogError::Failed { exit, said: said.to_owned() })
}
