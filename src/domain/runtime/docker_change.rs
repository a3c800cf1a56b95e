//! The contract's changes as job bodies for Docker and Compose.

use super::docker::inspect;
use crate::domain::{change::Change, inventory::Service, names::RemoteDir, shell};

/// Why a service cannot be changed that way, whatever its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotPossible {
    /// It has no directory in the config, so nothing to fetch or compose.
    NoDirectory,
}

/// The script of a change. It looks before and after, so that a fast restart
/// is visible, and ends with the status of the first command that failed.
pub fn body(change: Change, service: &Service) -> Result<String, NotPossible> {
    let container = shell::quote(service.container.as_str());
    let look = inspect(&[&service.container]);
    let act = match (change, &service.dir) {
        (Change::Update, None) => return Err(NotPossible::NoDirectory),
        (Change::Update, Some(dir)) => update(service, dir),
        (Change::Restart, _) => format!("phase switch\ndocker restart {container} || exit\n"),
        (Change::Stop, _) => format!("phase switch\ndocker stop {container} || exit\n"),
        // The contract starts through Compose, which also deploys.
        (Change::Start, Some(dir)) => {
            format!("cd {} || exit\nphase switch\ndocker compose up -d || exit\n", shell::quote(dir.as_str()))
        }
        (Change::Start, None) => format!("phase switch\ndocker start {container} || exit\n"),
    };
    let settle = match change {
        Change::Stop => 0,
        Change::Update | Change::Restart | Change::Start => service.update.verify.as_secs(),
    };
    Ok(format!(
        "look() {{ {look} 2>&1 | tail -n 1; }}\n\
         say before \"$(look)\"\n\
         {act}\
         phase verify\n\
         sleep {settle}\n\
         say after \"$(look)\"\n\
         say done \"$(date +%s)\"\n"
    ))
}

/// Fetch and reset, build in full, then put in place: a fetch or a build that
/// fails leaves what runs alone. `git reset --hard` keeps ignored files.
fn update(service: &Service, dir: &RemoteDir) -> String {
    let branch = service.branch.as_str();
    let (dir, upstream) = (shell::quote(dir.as_str()), shell::quote(&format!("refs/remotes/origin/{branch}")));
    // Nobody can answer a question here: git must fail and not ask.
    format!(
        "export GIT_TERMINAL_PROMPT=0 BUILDKIT_PROGRESS=plain\n\
         cd {dir} || exit\n\
         phase fetch\n\
         old=$(git rev-parse HEAD) || exit\n\
         git fetch origin || exit\n\
         new=$(git rev-parse --verify {upstream}) || exit\n\
         count=$(git rev-list --count \"$old..$new\") || exit\n\
         git reset --hard \"$new\" || exit\n\
         say commits \"$old\" \"$new\" \"$count\"\n\
         phase build\n\
         docker compose build || exit\n\
         phase switch\n\
         docker compose up -d || exit\n"
    )
}
