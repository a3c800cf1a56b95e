//! Changes of a unit as jobs. The scripts are files of their own beside this
//! one, in the order in which they are put together.

use crate::domain::{
    change::{Change, Wanted},
    inventory::{SETTLE, Service, Strategy},
    origin::Actor,
    runtime::{
        NotPossible,
        change::{self, DIRECTORY, FETCH, FINISH, LOCK, REFUSE, SUBMODULES},
    },
};

use super::{
    Manager,
    show::{PROPERTIES, unit},
};

const UNIT: &str = include_str!("unit.sh");
const BEGIN: &str = include_str!("begin.sh");
const VERIFY: &str = include_str!("verify.sh");
const SIMPLE: &str = include_str!("simple.sh");
const DEPLOY: &str = include_str!("deploy.sh");
const GIT: &str = include_str!("git.sh");
const PULL: &str = include_str!("pull.sh");
const COMMAND: &str = include_str!("command.sh");
const UPDATE_GIT: &str = include_str!("update_git.sh");
const UPDATE_PULL: &str = include_str!("update_pull.sh");
const UPDATE_COMMAND: &str = include_str!("update_command.sh");
const ROLLBACK_GIT: &str = include_str!("rollback_git.sh");
const ROLLBACK_PULL: &str = include_str!("rollback_pull.sh");
const ROLLBACK_COMMAND: &str = include_str!("rollback_command.sh");
const PREVIEW: &str = include_str!("preview.sh");

/// The script of a change.
pub(super) fn body(wanted: &Wanted, service: &Service, by: &Actor) -> Result<String, NotPossible> {
    let deploying = |strategy: &[&'static str]| {
        [&[REFUSE, DIRECTORY, UNIT, LOCK, FINISH, BEGIN, VERIFY, DEPLOY], strategy].concat()
    };
    let parts = match (wanted.change, &service.update.strategy) {
        (Change::Restart | Change::Start | Change::Stop, _) => vec![REFUSE, UNIT, LOCK, FINISH, BEGIN, VERIFY, SIMPLE],
        (Change::Update, Strategy::Command { .. }) => deploying(&[COMMAND, UPDATE_COMMAND]),
        (Change::Rollback, Strategy::Command { undo: None, .. }) => return Err(NotPossible::NoUndo),
        (Change::Rollback, Strategy::Command { .. }) if wanted.version.is_some() => return Err(NotPossible::NoChoice),
        (Change::Rollback, Strategy::Command { .. }) => deploying(&[COMMAND, ROLLBACK_COMMAND]),
        (Change::Update, Strategy::Git { .. }) if service.dir.is_some() => {
            deploying(&[SUBMODULES, FETCH, GIT, UPDATE_GIT])
        }
        (Change::Rollback, Strategy::Git { .. }) if service.dir.is_some() => {
            deploying(&[SUBMODULES, FETCH, GIT, ROLLBACK_GIT])
        }
        (Change::Update, Strategy::Pull) => deploying(&[PULL, UPDATE_PULL]),
        (Change::Rollback, Strategy::Pull) => deploying(&[PULL, ROLLBACK_PULL]),
        (Change::Update | Change::Rollback, _) => return Err(NotPossible::NoStrategy),
        (Change::Scale, _) => return Err(NotPossible::NoReplicas),
    };
    Ok(change::assemble(variables(wanted, service, by), &parts))
}

/// A script that says what an update would bring and whether it could begin.
pub(super) fn preview(service: &Service, by: &Actor) -> Result<String, NotPossible> {
    let wanted = Wanted::plain(Change::Update);
    // What cannot be updated has no preview either.
    body(&wanted, service, by)?;
    let header = variables(&wanted, service, by);
    let versions = match service.update.strategy {
        Strategy::Pull => PULL,
        Strategy::Command { .. } => COMMAND,
        Strategy::Git { .. } | Strategy::ComposeGit | Strategy::ComposePull => GIT,
    };
    // Into one stream, so that the order of lines is the true one.
    Ok(change::assemble(
        header + "preview=yes\nexec 2>&1\n",
        &[REFUSE, DIRECTORY, UNIT, SUBMODULES, FETCH, DEPLOY, versions, PREVIEW],
    ))
}

fn variables(wanted: &Wanted, service: &Service, by: &Actor) -> String {
    let policy = &service.update;
    let verify = if wanted.change.deploys() { policy.verify } else { policy.verify.min(SETTLE) };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (build, install, deploy, undo) = match &policy.strategy {
        Strategy::Git { build, install } => (text(build), text(install), String::new(), String::new()),
        Strategy::Command { deploy, undo } => (String::new(), String::new(), deploy.clone(), text(undo)),
        Strategy::ComposeGit | Strategy::ComposePull | Strategy::Pull => Default::default(),
    };
    let manager = match unit(service).map(|unit| unit.manager) {
        Some(Manager::User) => "user",
        Some(Manager::System) | None => "system",
    };
    let variables = [
        ("service", service.name.as_str()),
        ("unit", service.workload.name()),
        ("manager", manager),
        ("change", wanted.change.command()),
        ("owner", &by.to_string()),
        ("dir", service.dir.as_ref().map_or("", |dir| dir.as_str())),
        ("branch", service.branch.as_str()),
        ("strategy", policy.strategy.name()),
        ("verify", &verify.as_secs().to_string()),
        ("rollback", if policy.rollback { "yes" } else { "no" }),
        ("min_free", &policy.min_free.to_string()),
        ("discard", if wanted.discard { "yes" } else { "" }),
        ("wanted", wanted.version.as_ref().map_or("", |version| version.as_str())),
        ("build", &build),
        ("install", &install),
        ("deploy", &deploy),
        ("undo", &undo),
        ("preview", ""),
        ("properties", PROPERTIES),
    ];
    change::header(&variables)
}
