//! What a look at the set-up finds. Each finding is a fact; its sentence and its
//! next step are `reply::doctor`'s.

use super::{chat::ChatCheck, host::HostCheck, mark::Mark, service::ServiceCheck};
use crate::domain::names::{HostName, LoginName, ServiceName};

/// One check's outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub about: About,
    /// What was found.
    pub check: Check,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// The bot's account and its rooms.
    Chat,
    /// A host, or one of the logins on it.
    Host {
        /// Which host.
        host: HostName,
        /// The login that services there are run as, where it is not the SSH login.
        login: Option<LoginName>,
    },
    /// A service.
    Service {
        /// Which service.
        service: ServiceName,
        /// On which host.
        host: HostName,
    },
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// Of the account and its rooms.
    Chat(ChatCheck),
    /// Of a host.
    Host(HostCheck),
    /// Of a service.
    Service(ServiceCheck),
}

impl Finding {
    /// How the check came out.
    pub fn mark(&self) -> Mark {
        match &self.check {
            Check::Chat(chat) => chat.mark(),
            Check::Host(host) => host.mark(),
            Check::Service(service) => service.mark(),
        }
    }
}
