//! Changes of services and stacks as jobs on a manager. The engine replaces tasks
//! one after the other as each service's own `update_config` says; the job
//! follows that, and goes back when it fails.

use super::look;
use crate::domain::{
    change::{Change, Wanted},
    inventory::{SETTLE, Service, Strategy},
    names::MemberName,
    origin::Actor,
    runtime::{
        NotPossible,
        change::{self, FINISH, LOCK, REFUSE},
    },
};

const BEGIN: &str = include_str!("change/begin.sh");
const VERIFY: &str = include_str!("change/verify.sh");
const SIMPLE: &str = include_str!("change/simple.sh");
const VERSIONS: &str = include_str!("change/versions.sh");
const DEPLOY: &str = include_str!("change/deploy.sh");
const UPDATE: &str = include_str!("change/update.sh");
const ROLLBACK: &str = include_str!("change/rollback.sh");
const PREVIEW: &str = include_str!("change/preview.sh");

/// The script of a change.
pub(super) fn body(
    wanted: &Wanted,
    service: &Service,
    member: Option<&MemberName>,
    by: &Actor,
) -> Result<String, NotPossible> {
    let begin = [REFUSE, look::SCRIPT, LOCK, FINISH, BEGIN, VERIFY];
    let rest: &[&str] = match (wanted.change, &service.update.strategy) {
        (Change::Restart | Change::Start | Change::Stop | Change::Scale, _) => &[SIMPLE],
        (Change::Update, Strategy::Pull) => &[VERSIONS, DEPLOY, UPDATE],
        (Change::Rollback, Strategy::Pull) => &[VERSIONS, DEPLOY, ROLLBACK],
        (Change::Update | Change::Rollback, _) => return Err(NotPossible::NoStrategy),
    };
    Ok(change::assemble(header(wanted, service, member, by), &[&begin[..], rest].concat()))
}

/// A script that says what an update would bring and whether it could begin.
pub(super) fn preview(service: &Service, by: &Actor) -> Result<String, NotPossible> {
    let wanted = Wanted::plain(Change::Update);
    body(&wanted, service, None, by)?;
    Ok(change::assemble(header(&wanted, service, None, by) + "exec 2>&1\n", &[REFUSE, look::SCRIPT, VERSIONS, PREVIEW]))
}

fn header(wanted: &Wanted, service: &Service, member: Option<&MemberName>, by: &Actor) -> String {
    let policy = &service.update;
    let verify = if wanted.change.deploys() { policy.verify } else { policy.verify.min(SETTLE) };
    let variables = [
        ("service", service.name.as_str()),
        ("workload", service.workload.name()),
        ("noun", service.workload.noun()),
        ("member", member.map_or("", |member| member.as_str())),
        ("change", wanted.change.command()),
        ("owner", &by.to_string()),
        ("verify", &verify.as_secs().to_string()),
        ("healthy_within", &policy.healthy_within.as_secs().to_string()),
        ("rollback", if policy.rollback { "yes" } else { "no" }),
        ("replicas", &wanted.replicas.map(|count| count.to_string()).unwrap_or_default()),
        ("wanted", wanted.version.as_ref().map_or("", |version| version.as_str())),
    ];
    change::header(&variables) + look::names([service]).as_str()
}
