//! Silences: troubles that notify nobody for a while, because somebody said so
//! or because a maintenance window is open.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{inventory::Inventory, origin::Actor, selector, subject::Subject};

/// Troubles that notify nobody until some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Its number.
    pub id: u64,
    /// Of which services, as a selector.
    pub selector: String,
    /// Who asked for it.
    pub by: Actor,
    /// Until when.
    pub until: Timestamp,
    /// Why.
    pub reason: Option<String>,
}

impl Silence {
    /// Whether it is about this.
    pub fn covers(&self, subject: &Subject, inventory: &Inventory) -> bool {
        selector::covers(&self.selector, subject, inventory)
    }
}

/// Whether a maintenance window is open that this falls into.
pub fn in_maintenance(subject: &Subject, inventory: &Inventory, now: Timestamp) -> bool {
    let covers = |selector: &str| selector::covers(selector, subject, inventory);
    inventory.maintenance.iter().any(|window| window.is_open(now) && covers(&window.selector))
}
