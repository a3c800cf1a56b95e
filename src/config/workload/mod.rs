//! What a service is on its host. Each runtime reads its own keys, in a file of
//! its own, and is registered in [`KINDS`].

mod docker;
mod podman;
mod swarm;
mod systemd;

use std::collections::BTreeSet;

use super::{problem::At, section::Section};
use crate::domain::{names::ServiceName, runtime::Workload, suggest::nearest};

/// Reads a workload; none when something about it is wrong, and reported.
type Read = fn(&Section<'_>, Option<&ServiceName>) -> Option<Workload>;

/// A runtime in the config.
struct Kind {
    /// Its name.
    name: &'static str,
    /// The key that names what it runs.
    key: &'static str,
    /// Other keys of a service that mean something with it, and not with every
    /// other.
    others: &'static [&'static str],
    /// How it can be updated; the first is meant when the config does not say.
    strategies: &'static [&'static str],
    read: Read,
    /// Its own as a line of the config.
    write: fn(&Workload) -> Option<String>,
}

/// Every runtime; the first is meant when the config does not say.
const KINDS: &[Kind] = &[docker::KIND, podman::KIND, systemd::KIND, swarm::KIND];

/// What a service is, as a line of the config.
pub(super) fn written(workload: &Workload) -> String {
    let lines = KINDS.iter().filter_map(|kind| (kind.write)(workload));
    lines.collect()
}

/// A workload as far as it could be read.
pub(super) struct WorkloadDraft {
    /// None when something about it is wrong, and reported.
    pub(super) workload: Option<Workload>,
    /// Where it is named, or the service it is named after.
    pub(super) at: usize,
    /// How it can be updated.
    pub(super) strategies: &'static [&'static str],
}

/// Reads what a service is.
pub(super) fn read(section: &Section<'_>, name: Option<&ServiceName>, name_at: Option<usize>) -> WorkloadDraft {
    let kind = match section.text("runtime") {
        None => KINDS.first(),
        Some(At { value, at }) => {
            let kind = KINDS.iter().find(|kind| kind.name == value);
            if kind.is_none() {
                let names = || KINDS.iter().map(|kind| kind.name);
                let known = || names().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
                let advice = nearest(value, names())
                    .map_or_else(|| format!("known: {}", known()), |name| format!("did you mean {name:?}?"));
                section.problems.report(at, format!("`runtime` is not known: {value:?}"), advice);
            }
            kind
        }
    };
    let Some(kind) = kind else {
        // What it names is looked at all the same: all mistakes are reported at once.
        let first = |kind: &&Kind| {
            KINDS.iter().find(|other| other.key == kind.key).is_some_and(|other| other.name == kind.name)
        };
        for kind in KINDS.iter().filter(first).filter(|kind| section.place(kind.key).is_some()) {
            (kind.read)(section, name);
        }
        return WorkloadDraft { workload: None, at: section.at, strategies: KINDS[0].strategies };
    };
    // Several may share a key.
    let foreign: BTreeSet<&'static str> =
        KINDS.iter().flat_map(Kind::keys).filter(|key| !kind.keys().any(|own| own == *key)).collect();
    for key in foreign {
        if let Some(at) = section.place(key) {
            let what = format!("`{key}` means nothing with the runtime {:?}", kind.name);
            section.problems.report(at, what, "drop it, or correct `runtime`");
        }
    }
    let at = section.place(kind.key).or(name_at).unwrap_or(section.at);
    WorkloadDraft { workload: (kind.read)(section, name), at, strategies: kind.strategies }
}

impl Kind {
    fn keys(&self) -> impl Iterator<Item = &'static str> {
        [self.key].into_iter().chain(self.others.iter().copied())
    }
}
