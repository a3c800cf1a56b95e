//! From what was written to what is there: only real targets can be
//! authorised, previewed and changed.

use super::{Command, Resolved, Scope, Written};
use crate::domain::{
    change::Change,
    incident::IncidentId,
    inventory::Inventory,
    member::Member,
    names::{HostName, MemberName, ServiceName},
    operation::OperationId,
    record::LedgerQuery,
    selector::{self, NoMatch},
    suggest,
    target::{self, Target},
};

/// Where names are looked up.
pub trait Directory {
    /// What is managed.
    fn inventory(&self) -> &Inventory;
    /// The members of a project, as far as they are known.
    fn members(&self, service: &ServiceName) -> Vec<&Member>;
    /// The change in progress of a service.
    fn operation_of(&self, service: &ServiceName) -> Option<OperationId>;
    /// Whether a change is in progress.
    fn is_in_progress(&self, operation: OperationId) -> bool;
    /// Open alerts by number, by what they are about, or `all`.
    fn incidents(&self, written: &str) -> Vec<IncidentId>;
    /// Silences by their selector, or `all`.
    fn silences(&self, written: &str) -> Vec<u64>;
}

/// Nothing is called that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unresolved {
    /// No service, host or tag.
    NoMatch(NoMatch),
    /// No host.
    NoHost {
        /// What was written for it.
        written: String,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// The service has no members, or only others.
    NoMember {
        /// The service.
        service: ServiceName,
        /// What was written for the member.
        written: String,
        /// The members it has, as far as they are known; none where it is no
        /// project.
        members: Option<Vec<String>>,
    },
    /// Such a change is one of a whole project.
    WholeOnly {
        /// The project's service.
        service: ServiceName,
        /// The change.
        change: Change,
    },
    /// No change in progress.
    NoOperation(String),
    /// No open alert.
    NoIncident(String),
    /// No silence.
    NoSilence(String),
}

impl Command<Written> {
    /// Finds what is meant by each name.
    pub fn resolve(self, directory: &dyn Directory) -> Result<Command<Resolved>, Unresolved> {
        let inventory = directory.inventory();
        let service = |written: &str| selector::service(written, inventory).map_err(Unresolved::NoMatch);
        Ok(match self {
            Self::Help { about } => Command::Help { about },
            Self::Ping => Command::Ping,
            Self::Whoami => Command::Whoami,
            Self::Status { services } => {
                let found = selector::select(&services, inventory).map_err(Unresolved::NoMatch)?;
                Command::Status { services: found.into_iter().map(|service| service.name.clone()).collect() }
            }
            Self::Hosts { hosts: written } => Command::Hosts { hosts: hosts(&written, inventory)? },
            Self::Logs { target: written, lines } => {
                Command::Logs { target: member_or_whole(&written, directory)?, lines }
            }
            Self::Change { wanted, target: written } => {
                let target = member_or_whole(&written, directory)?;
                if wanted.change.deploys() && target.member.is_some() {
                    return Err(Unresolved::WholeOnly { service: target.service, change: wanted.change });
                }
                Command::Change { wanted, target }
            }
            Self::Preview { service: written } => Command::Preview { service: service(&written)? },
            Self::Operations => Command::Operations,
            Self::Cancel { operation: written } => {
                let named = match named(&written, inventory).map_err(Unresolved::NoMatch)? {
                    Named::Service(service) => directory.operation_of(&service),
                    Named::Number(number) => Some(OperationId(number)).filter(|id| directory.is_in_progress(*id)),
                };
                Command::Cancel { operation: named.ok_or(Unresolved::NoOperation(written))? }
            }
            Self::Alerts => Command::Alerts,
            Self::Ack { incidents: written } => {
                let mut incidents = Vec::new();
                for written in written {
                    let found = directory.incidents(&written);
                    if found.is_empty() {
                        return Err(Unresolved::NoIncident(written));
                    }
                    incidents.extend(found);
                }
                Command::Ack { incidents }
            }
            Self::Silence { scope, length, reason } => {
                let found = selector::select(std::slice::from_ref(&scope), inventory).map_err(Unresolved::NoMatch)?;
                let scope = Scope { selector: scope.as_written().to_owned(), services: found.len() };
                Command::Silence { scope, length, reason }
            }
            Self::Unsilence { silences: written } => {
                let silences = directory.silences(&written);
                if silences.is_empty() {
                    return Err(Unresolved::NoSilence(written));
                }
                Command::Unsilence { silences }
            }
            Self::History { past: None } => Command::History { past: LedgerQuery::Last(None) },
            Self::History { past: Some(written) } => {
                let past = match named(&written, inventory).map_err(Unresolved::NoMatch)? {
                    Named::Service(service) => LedgerQuery::Last(Some(service)),
                    Named::Number(number) => LedgerQuery::One(OperationId(number)),
                };
                Command::History { past }
            }
        })
    }
}

fn hosts(written: &[String], inventory: &Inventory) -> Result<Vec<HostName>, Unresolved> {
    let all = || inventory.hosts.iter().map(|host| &host.name);
    for written in written {
        if !all().any(|host| host.as_str().eq_ignore_ascii_case(written)) {
            let nearest = suggest::nearest(written, all().map(HostName::as_str)).map(str::to_owned);
            return Err(Unresolved::NoHost { written: written.clone(), nearest });
        }
    }
    let named = |host: &&HostName| {
        written.is_empty() || written.iter().any(|written| host.as_str().eq_ignore_ascii_case(written))
    };
    Ok(all().filter(named).cloned().collect())
}

/// "cloud", or "cloud/db". Which members there are only a look tells; before
/// that, the host knows.
fn member_or_whole(written: &str, directory: &dyn Directory) -> Result<Target, Unresolved> {
    let (name, member) = written.split_once('/').map_or((written, None), |(name, member)| (name, Some(member)));
    let inventory = directory.inventory();
    let service = selector::service(name, inventory).map_err(Unresolved::NoMatch)?;
    let Some(member) = member else { return Ok(Target::whole(service)) };
    let known = directory.members(&service);
    let is_project = inventory.service(&service).is_some_and(|service| service.workload.is_project());
    // As it is written on the host, where that is known.
    let spelled =
        known.iter().find_map(|known| known.named(member)).or_else(|| known.is_empty().then(|| member.to_owned()));
    match spelled.filter(|_| is_project).map(|member| MemberName::parse(&member)) {
        Some(Ok(called)) => Ok(Target { service, member: Some(called) }),
        Some(Err(_)) | None => {
            let shown = || known.iter().map(|member| member.shown(known.iter().copied())).collect();
            let members = is_project.then(shown);
            Err(Unresolved::NoMember { service, written: member.to_owned(), members })
        }
    }
}

/// What somebody writes where an operation or a service can be meant.
enum Named {
    Service(ServiceName),
    Number(u64),
}

/// "12", "#12" or a service. A service may be called 12.
fn named(written: &str, inventory: &Inventory) -> Result<Named, NoMatch> {
    match (
        selector::service(target::service_in(written), inventory),
        written.strip_prefix('#').unwrap_or(written).parse(),
    ) {
        (Ok(service), _) => Ok(Named::Service(service)),
        (Err(_), Ok(number)) => Ok(Named::Number(number)),
        (Err(no_match), Err(_)) => Err(no_match),
    }
}
