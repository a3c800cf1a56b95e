//! Asks a host what runs there.

use std::time::Duration;

use super::collector::Tail;
use crate::{
    domain::{
        discovery::Shown,
        names::{HostName, LoginName},
        output::CommandOutput,
        runtime::Runtime,
        shell,
    },
    ports::{Exec, Remote, Stdin},
};

/// How long it may take, the connection included.
const LIMIT: Duration = Duration::from_secs(30);
/// Bytes kept: some thousand containers.
const BYTES: usize = 1024 * 1024;

/// What a runtime shows to a login of a host; or why it shows nothing.
pub async fn discover(
    remote: &dyn Remote,
    host: &HostName,
    login: Option<&LoginName>,
    runtime: &dyn Runtime,
) -> Option<Result<Shown, String>> {
    let mut output = Tail::new(BYTES);
    let exec = Exec { command: shell::script(login, &runtime.discover()?), limit: LIMIT, stdin: Stdin::Empty };
    Some(match remote.exec(exec, &mut output).await {
        Ok(exit) if exit.is_success() => Ok(runtime.read_discovered(&output.text())),
        Ok(exit) => {
            Err(format!("{host}: {} says {exit}: {}", runtime.label(), CommandOutput::last_line(&output.text())))
        }
        Err(error) => Err(format!("{host}: {error}")),
    })
}
