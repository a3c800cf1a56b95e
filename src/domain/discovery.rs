//! What runs on a host, whether or not the config has it.

use std::time::Duration;

use super::{
    names::{ContainerName, LabelName, LoginName, RemoteDir},
    pattern::Pattern,
    rights::Rights,
    runtime::workload::Workload,
};

/// Something that a runtime shows and that could be a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is there.
    pub workload: Workload,
    /// Its parts by name, where it has some.
    pub parts: Vec<ContainerName>,
    /// Where its files are, as far as it says.
    pub dir: Option<RemoteDir>,
    /// How it is, in a few words: "3 running, 1 exited".
    pub state: String,
}

/// What a runtime showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// What could be a service, in the order of its names.
    pub found: Vec<Found>,
    /// What has a name, or a shape, that no service can have; as it was shown.
    pub refused: Vec<String>,
    /// Whether what is the login's own was to be seen.
    pub logins_own: bool,
}

impl Shown {
    /// Whether it would be shown if it were there.
    pub fn covers(&self, workload: &Workload) -> bool {
        self.logins_own || !workload.is_of_a_login()
    }
}

/// What is looked for, beyond what a runtime shows anyway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sought {
    /// Units by name: too many run that are nobody's service.
    pub units: Vec<Pattern>,
    /// Of containers, those with this label alone.
    pub label: Option<LabelName>,
}

/// Which of what runs on a host becomes a service without being in the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// By its name there; nothing else does.
    pub allow: Vec<Pattern>,
    /// What is looked for. Units named here need not be in `allow`.
    pub sought: Sought,
    /// What may be done with it.
    pub rights: Rights,
    /// What is not shown for so long is gone: what is deployed anew is away for a moment.
    pub gone_after: Duration,
    /// Logins that look for what is theirs, besides the SSH user.
    pub logins: Vec<LoginName>,
}

impl Policy {
    /// Whether that becomes a service.
    pub fn allows(&self, workload: &Workload) -> bool {
        let units = self.sought.units.iter().filter(|_| workload.is_unit());
        self.allow.iter().chain(units).any(|pattern| stands_for(pattern, workload))
    }

    /// Whether it may be one that nobody knows of yet, when something happens to
    /// it. Units come and go all the time: only those that are named are.
    pub fn may_be_new(&self, workload: &Workload) -> bool {
        let patterns = if workload.is_unit() { &self.sought.units } else { &self.allow };
        patterns.iter().any(|pattern| stands_for(pattern, workload))
    }

    /// Who looks: none is the SSH user.
    pub fn all_logins(&self) -> impl Iterator<Item = Option<&LoginName>> {
        std::iter::once(None).chain(self.logins.iter().map(Some))
    }
}

/// A unit is called by its whole name, and without what most end in.
fn stands_for(pattern: &Pattern, workload: &Workload) -> bool {
    let short = workload.name().strip_suffix(".service").filter(|_| workload.is_unit());
    std::iter::once(workload.name()).chain(short).any(|name| pattern.is_match(name))
}
