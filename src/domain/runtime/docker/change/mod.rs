//! The contract's changes as job bodies for Docker and Compose.
//!
//! The scripts are files of their own beside this one, in the order in which
//! they are put together; what differs from service to service is a header of
//! variables. Everything in it is quoted.

use std::time::Duration;

use crate::domain::{
    change::{Change, Wanted},
    inventory::{SETTLE, Service, Strategy},
    names::MemberName,
    origin::Actor,
    runtime::{
        NotPossible,
        change::{self, DIRECTORY, FETCH, FINISH, LOCK, REFUSE, SUBMODULES},
        docker::inspect::{FORMAT, LABELS, POLICY},
    },
};

const SURROUNDINGS: &str = include_str!("surroundings.sh");
const SEE: &str = include_str!("see.sh");
const COMMON: &str = include_str!("common.sh");
const PROJECT: &str = include_str!("project.sh");
const VERIFY: &str = include_str!("verify.sh");
const VERSIONS: &str = include_str!("versions.sh");
const PREFLIGHT: &str = include_str!("preflight.sh");
const DEPLOY: &str = include_str!("deploy.sh");
const SIMPLE: &str = include_str!("simple.sh");
const UPDATE_GIT: &str = include_str!("update_git.sh");
const UPDATE_PULL: &str = include_str!("update_pull.sh");
const UPDATE_COMMAND: &str = include_str!("update_command.sh");
const ROLLBACK: &str = include_str!("rollback.sh");
const ROLLBACK_COMMAND: &str = include_str!("rollback_command.sh");
const PREVIEW: &str = include_str!("preview.sh");

/// The script of a change. It looks before and after, so that a fast restart
/// is visible, and ends with the status of the first command that failed.
pub(super) fn body(
    wanted: &Wanted,
    service: &Service,
    member: Option<&MemberName>,
    owner: &Actor,
) -> Result<String, NotPossible> {
    let deploying = |last: &[&'static str]| {
        [
            &[
                SURROUNDINGS,
                REFUSE,
                DIRECTORY,
                PREFLIGHT,
                SEE,
                LOCK,
                FINISH,
                COMMON,
                PROJECT,
                VERIFY,
                SUBMODULES,
                VERSIONS,
                DEPLOY,
            ],
            last,
        ]
        .concat()
    };
    let parts = match (wanted.change, &service.update.strategy, &service.dir) {
        (Change::Restart | Change::Stop | Change::Start, _, _) => {
            let project: &[&'static str] = if service.workload.is_project() { &[PROJECT] } else { &[] };
            [&[SURROUNDINGS, REFUSE, SEE, LOCK, FINISH, COMMON], project, &[VERIFY, SIMPLE]].concat()
        }
        (Change::Update, Strategy::Command { .. }, _) => deploying(&[UPDATE_COMMAND]),
        (Change::Rollback, Strategy::Command { undo: None, .. }, _) => return Err(NotPossible::NoUndo),
        (Change::Rollback, Strategy::Command { .. }, _) if wanted.version.is_some() => {
            return Err(NotPossible::NoChoice);
        }
        (Change::Rollback, Strategy::Command { .. }, _) => deploying(&[ROLLBACK_COMMAND]),
        (Change::Scale, _, _) => return Err(NotPossible::NoReplicas),
        (Change::Update | Change::Rollback, _, None) => return Err(NotPossible::NoDirectory),
        (Change::Update, Strategy::ComposeGit, Some(_)) => deploying(&[FETCH, UPDATE_GIT]),
        (Change::Update | Change::Rollback, Strategy::Git { .. } | Strategy::Pull, _) => {
            return Err(NotPossible::NoStrategy);
        }
        (Change::Update, Strategy::ComposePull, Some(_)) => deploying(&[UPDATE_PULL]),
        (Change::Rollback, Strategy::ComposeGit | Strategy::ComposePull, Some(_)) => deploying(&[ROLLBACK]),
    };
    Ok(change::assemble(variables(wanted, service, member, owner), &parts))
}

/// A script that says what an update would bring and whether it could begin.
/// Its output is read like a job's log.
pub(super) fn preview(service: &Service, owner: &Actor) -> Result<String, NotPossible> {
    if service.dir.is_none() && !matches!(service.update.strategy, Strategy::Command { .. }) {
        return Err(NotPossible::NoDirectory);
    }
    let header = variables(&Wanted::plain(Change::Update), service, None, owner);
    // Into one stream, so that the order of lines is the true one.
    Ok(change::assemble(
        header + "exec 2>&1\n",
        &[SURROUNDINGS, REFUSE, DIRECTORY, PREFLIGHT, SEE, VERSIONS, FETCH, PREVIEW],
    ))
}

fn variables(wanted: &Wanted, service: &Service, member: Option<&MemberName>, owner: &Actor) -> String {
    let name = service.workload.name();
    // No container's name begins like that.
    let (container, whole, slot, format) = if service.workload.is_project() {
        ("", name, format!("+{name}"), format!("{FORMAT}{POLICY}{LABELS}"))
    } else {
        (name, "", name.to_owned(), FORMAT.to_owned())
    };
    let policy = &service.update;
    let verify = if wanted.change.deploys() { policy.verify } else { policy.verify.min(SETTLE) };
    let (deploy, undo) = match &policy.strategy {
        Strategy::Command { deploy, undo } => (deploy.as_str(), undo.as_deref().unwrap_or_default()),
        Strategy::ComposeGit | Strategy::ComposePull | Strategy::Git { .. } | Strategy::Pull => ("", ""),
    };
    let seconds = |time: Duration| time.as_secs().to_string();
    let variables = [
        ("service", service.name.as_str()),
        ("container", container),
        ("whole", whole),
        ("member", member.map_or("", |member| member.as_str())),
        ("slot", &slot),
        ("change", wanted.change.command()),
        ("owner", &owner.to_string()),
        ("dir", service.dir.as_ref().map_or("", |dir| dir.as_str())),
        ("branch", service.branch.as_str()),
        ("strategy", policy.strategy.name()),
        ("verify", &seconds(verify)),
        ("healthy_within", &seconds(policy.healthy_within)),
        ("rollback", if policy.rollback { "yes" } else { "no" }),
        ("min_free", &policy.min_free.to_string()),
        ("stop_timeout", &service.stop_timeout.map(seconds).unwrap_or_default()),
        ("discard", if wanted.discard { "yes" } else { "" }),
        ("wanted", wanted.version.as_ref().map_or("", |version| version.as_str())),
        ("deploy", deploy),
        ("undo", undo),
        ("preview", ""),
        ("format", &format),
    ];
    change::header(&variables)
}
