//! What a service is on its host.

use crate::domain::names::{ContainerName, UnitName};

/// What a service is on its host, by the name that its runtime knows it by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Workload {
    /// A container of Docker Engine.
    Docker(ContainerName),
    /// A unit of the system's systemd.
    Systemd(UnitName),
}

impl Workload {
    /// Whether both are run by the same.
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// Its name in its runtime.
    pub fn name(&self) -> &str {
        match self {
            Self::Docker(container) => container.as_str(),
            Self::Systemd(unit) => unit.as_str(),
        }
    }
}
