//! Which unit, and of which manager.

use crate::domain::names::UnitName;

/// A unit on a host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Unit {
    /// Its whole name.
    pub name: UnitName,
    /// Who runs it.
    pub manager: Manager,
}

/// Who runs a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manager {
    /// The system's: PID 1.
    System,
    /// The login's own (systemctl(1), `--user`).
    User,
}

/// What stands for the ID of a unit: it is the same one whenever it is started, and so is what a timer starts.
pub(super) const SAME: &str = "unit";

/// What no unit's name begins with.
const USER: &str = "user/";

impl Unit {
    /// A unit of the system.
    pub fn of_system(name: UnitName) -> Self {
        Self { name, manager: Manager::System }
    }

    /// A unit of the login.
    pub fn of_user(name: UnitName) -> Self {
        Self { name, manager: Manager::User }
    }

    /// The unit of a key.
    pub(super) fn of_key(key: &str) -> Option<Self> {
        match key.strip_prefix(USER) {
            Some(name) => UnitName::parse(name).ok().map(Self::of_user),
            None => UnitName::parse(key).ok().map(Self::of_system),
        }
    }

    /// Whether something with that key is this; of a timer, what it starts.
    pub fn is_meant_by(&self, key: &str) -> bool {
        let own = match (self.manager, key.strip_prefix(USER)) {
            (Manager::System, None) => key,
            (Manager::User, Some(name)) => name,
            (Manager::System, Some(_)) | (Manager::User, None) => return false,
        };
        // systemd.timer(5): the service of the same name, unless it says another.
        match self.timer() {
            Some(stem) => own.strip_suffix(".service") == Some(stem),
            None => own == self.name.as_str(),
        }
    }

    /// Its name, without what most end in.
    pub fn short_name(&self) -> &str {
        self.name.as_str().strip_suffix(".service").unwrap_or(self.name.as_str())
    }

    /// Its name without `.timer`, if it is one.
    pub(super) fn timer(&self) -> Option<&str> {
        self.name.as_str().strip_suffix(".timer")
    }
}

/// What tells a unit of the login from one of the system's.
pub(super) fn user_key(name: &str) -> String {
    format!("{USER}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_both_managers_and_of_timers_are_told_apart() {
        let unit = |name: &str| UnitName::parse(name).unwrap();
        let (system, user) = (Unit::of_system(unit("app.service")), Unit::of_user(unit("app.service")));
        assert!(system.is_meant_by("app.service") && user.is_meant_by(&user_key("app.service")));
        assert!(!system.is_meant_by(&user_key("app.service")) && !user.is_meant_by("app.service"));
        let timer = Unit::of_user(unit("backup.timer"));
        assert!(timer.is_meant_by("user/backup.service") && !timer.is_meant_by("user/backup.timer"));
        assert!(!timer.is_meant_by("backup.service") && !timer.is_meant_by("user/app.service"));
        assert!(!system.is_meant_by("app.timer"));
    }
}
