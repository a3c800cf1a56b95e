//! Asks a host what runs there.

use std::time::Duration;

use super::collector::Tail;
use crate::{
    domain::{
        discovery::{Shown, Sought},
        names::{HostName, LoginName},
        output::CommandOutput,
        roster::Listing,
        runtime::{self, Runtime},
        shell,
    },
    ports::{Exec, Remote, Stdin},
};

/// How long it may take, the connection included.
const LIMIT: Duration = Duration::from_secs(30);
/// Bytes kept: some thousand containers.
const BYTES: usize = 1024 * 1024;

/// Why a runtime showed nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotShown {
    /// It said so.
    #[error("{0}")]
    Refused(String),
    /// It was not asked, or its answer was lost.
    #[error("{0}")]
    NotAsked(String),
}

/// What each runtime of a host shows to a login, and what those say that show
/// nothing. A host that cannot be asked is not asked again.
pub async fn listings(
    remote: &dyn Remote,
    host: &HostName,
    login: Option<&LoginName>,
    sought: &Sought,
) -> (Vec<Listing>, Vec<NotShown>) {
    let (mut listings, mut silent) = (Vec::new(), Vec::new());
    // What is one of several machines' own, another would not show.
    let several = remote.answering().is_some();
    for runtime in runtime::ALL.iter().filter(|runtime| !several || runtime.is_of_several()) {
        match discover(remote, host, login, *runtime, sought).await {
            Ok(shown) => listings.push(Listing { login: login.cloned(), runtime: runtime.label(), shown }),
            Err(why) => {
                let is_unreached = matches!(why, NotShown::NotAsked(_));
                silent.push(why);
                if is_unreached {
                    break;
                }
            }
        }
    }
    (listings, silent)
}

/// What a runtime shows to a login of a host.
async fn discover(
    remote: &dyn Remote,
    host: &HostName,
    login: Option<&LoginName>,
    runtime: &dyn Runtime,
    sought: &Sought,
) -> Result<Shown, NotShown> {
    let mut output = Tail::new(BYTES);
    let who = login.map_or_else(|| host.to_string(), |login| format!("{host} as {login}"));
    let command = shell::script(login, &runtime.discover(sought, login));
    let exit = remote.exec(Exec { command, limit: LIMIT, stdin: Stdin::Empty }, &mut output).await;
    match exit.map_err(|error| NotShown::NotAsked(format!("{who}: {error}")))? {
        exit if exit.is_success() => Ok(runtime.read_discovered(&output.text())),
        exit => {
            let (said, runtime) = (output.text(), runtime.label());
            Err(NotShown::Refused(format!("{who}: {runtime} says {exit}: {}", CommandOutput::last_line(&said))))
        }
    }
}
