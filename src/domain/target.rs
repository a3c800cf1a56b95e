//! What a command is about: a service, or one member of a project.

use std::fmt;

use super::names::{MemberName, ServiceName};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Which service.
    pub service: ServiceName,
    /// Which of its members, where it is a project and not all of it is meant.
    pub member: Option<MemberName>,
}

/// The service in what somebody wrote for one, or for a member of it.
pub fn service_in(written: &str) -> &str {
    written.split_once('/').map_or(written, |(service, _)| service)
}

impl Target {
    /// All of a service.
    pub fn whole(service: ServiceName) -> Self {
        Self { service, member: None }
    }
}

/// As it is written in a command: "bridge", "cloud/db".
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.member {
            Some(member) => write!(f, "{}/{member}", self.service),
            None => self.service.fmt(f),
        }
    }
}
