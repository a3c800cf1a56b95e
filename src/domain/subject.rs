//! What an incident, a silence or a maintenance window can be about.

use serde::{Deserialize, Serialize};

use super::names::{HostName, ServiceName};

/// What is in trouble.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A service.
    Service(ServiceName),
    /// A host that cannot be seen.
    Host(HostName),
    /// A disk of a host.
    Disk(HostName),
}

impl Subject {
    /// The name of what it is about.
    pub fn name(&self) -> &str {
        match self {
            Self::Service(name) => name.as_str(),
            Self::Host(host) | Self::Disk(host) => host.as_str(),
        }
    }
}
