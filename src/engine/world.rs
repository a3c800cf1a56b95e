//! What the machines know together, for whoever answers or resolves a command:
//! to be looked at, not to be changed.

use super::{incidents::Incidents, operations::Operations, watcher::Watcher};
use crate::domain::{
    command::Directory, incident::IncidentId, inventory::Inventory, member::Member, names::ServiceName,
    operation::OperationId, watch::Detector,
};

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    /// What is managed.
    pub inventory: &'a Inventory,
    /// Changes in progress.
    pub operations: &'a Operations,
    /// How services and hosts are.
    pub watcher: &'a Watcher,
    /// What is wrong.
    pub incidents: &'a Incidents,
}

impl Directory for World<'_> {
    fn inventory(&self) -> &Inventory {
        self.inventory
    }

    fn members(&self, service: &ServiceName) -> Vec<&Member> {
        self.watcher.known(service).map(Detector::members).unwrap_or_default()
    }

    fn operation_of(&self, service: &ServiceName) -> Option<OperationId> {
        self.operations.of(service).map(|operation| operation.id)
    }

    fn is_in_progress(&self, operation: OperationId) -> bool {
        self.operations.contains(operation)
    }

    fn incidents(&self, written: &str) -> Vec<IncidentId> {
        self.incidents.called(written)
    }

    fn silences(&self, written: &str) -> Vec<u64> {
        self.incidents.silences_called(written)
    }
}
