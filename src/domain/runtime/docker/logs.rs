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
    output.into_log(|_, said| names_missing(said, name))
}
