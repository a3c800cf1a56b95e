//! Discovery: what runs on the host, whether or not anything manages it.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};

use super::HostWorker;
use crate::{
    domain::{
        discovery::Policy,
        names::ServiceName,
        rights::Rights,
        roster::{self, Listing},
        runtime::{EventKind, Runtime, RuntimeEvent, Workload},
    },
    engine::{
        discover::{self, NotShown},
        event::Event,
    },
};

/// How often the host is asked when nothing on it looks new: that something is gone, no event tells for sure.
const EVERY: Duration = Duration::from_secs(10 * 60);
/// How soon it is asked again where a runtime did not answer, at first.
const AGAIN: Duration = Duration::from_secs(60);
/// What comes up seldom does so alone: the others are waited for.
const GATHER: Duration = Duration::from_secs(2);
/// The shortest time from one look to the next.
const APART: Duration = Duration::from_secs(5);
/// What is to be so long there, or away, is looked at a little later than that.
const MARGIN: Duration = Duration::from_secs(1);
/// Things remembered that no service can be made of. Beyond, what is new waits for the next regular look.
const REMEMBERED: usize = 10_000;

/// What looks for services on a host.
#[derive(Debug)]
pub struct Finder {
    policy: Policy,
    /// What was shown, or asked about, since the last regular look.
    known: Mutex<HashSet<Workload>>,
    /// Something happened to what is not known.
    new: Notify,
    /// A service was removed.
    removed: Notify,
}

/// What a look leaves to be looked at once more.
#[derive(Debug, Default, PartialEq, Eq)]
struct Open {
    /// Services that were found and are not shown.
    missing: BTreeSet<ServiceName>,
    /// What may become a service when it stays.
    pending: BTreeSet<Workload>,
    /// What runtimes said that did not answer, and whether the host did.
    unanswered: Vec<String>,
}

impl Finder {
    /// Nothing was asked yet.
    pub fn new(policy: Policy) -> Self {
        Self { policy, known: Mutex::default(), new: Notify::new(), removed: Notify::new() }
    }

    fn known(&self) -> MutexGuard<'_, HashSet<Workload>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HostWorker {
    /// Asks what runs there, at once and whenever something may be new.
    pub(super) async fn discover_regularly(self: Arc<Self>) {
        let Some(finder) = &self.discover else { return };
        let (mut open, mut again, mut regular) = (Open::default(), AGAIN, Instant::now());
        // When what is new has stayed, and what is missing is gone; whatever is looked at meanwhile.
        let (mut stays, mut gone) = (None, None);
        loop {
            if regular <= Instant::now() {
                finder.known().clear();
                regular = Instant::now() + EVERY;
            }
            let before = std::mem::take(&mut open);
            open = self.discover_all(finder).await;
            let now = Instant::now();
            // What is left as it was, another look will not change.
            if !open.pending.is_subset(&before.pending) {
                stays = Some(now + Duration::try_from(roster::STAYS).unwrap_or_default() + MARGIN);
            }
            if !open.missing.is_subset(&before.missing) {
                gone = Some(now + finder.policy.gone_after + MARGIN);
            }
            let retry = (!open.unanswered.is_empty()).then_some(now + again);
            again = if retry.is_none() { AGAIN } else { (again * 2).min(EVERY) };
            let due = [stays, gone, retry].into_iter().flatten().filter(|due| *due > now);
            let mut next = due.fold(regular, Instant::min);
            sleep(APART).await;
            loop {
                tokio::select! {
                    () = sleep_until(next) => break,
                    () = finder.new.notified() => { sleep(GATHER).await; break }
                    // What is deployed anew is removed, too: whether it is gone shows a little later.
                    () = finder.removed.notified() => next = next.min(Instant::now() + finder.policy.gone_after.min(AGAIN)),
                }
            }
        }
    }

    /// Asks each runtime once for each login.
    async fn discover_all(&self, finder: &Finder) -> Open {
        let (mut listings, mut complaints, mut unreached): (Vec<Listing>, _, _) = (Vec::new(), Vec::new(), Vec::new());
        for login in finder.policy.all_logins() {
            let (more, silent) = discover::listings(&*self.remote, &self.host, login, &finder.policy.sought).await;
            listings.extend(more);
            for why in silent {
                match why {
                    NotShown::Refused(said) => complaints.push(said),
                    // The watch tells of a host that is out of reach.
                    NotShown::NotAsked(why) => unreached.push(why),
                }
            }
            if !unreached.is_empty() {
                tracing::info!("not looked for services: {}", unreached.concat());
                break;
            }
        }
        let found = listings.iter().flat_map(|listing| listing.shown.found.iter());
        let shown: HashSet<Workload> = found.map(|found| found.workload.clone()).collect();
        let (policy, services) = (&finder.policy, self.services());
        let found = services.iter().filter(|service| service.rights < Rights::Change);
        let missing = found.filter(|service| !shown.contains(&service.workload)).map(|service| service.name.clone());
        let is_service = |workload: &&Workload| services.iter().any(|service| service.workload == **workload);
        let new = shown.iter().filter(|workload| policy.allows(workload)).filter(|workload| !is_service(workload));
        let open = Open {
            missing: missing.collect(),
            pending: new.cloned().collect(),
            unanswered: unreached.iter().chain(&complaints).cloned().collect(),
        };
        finder.known().extend(shown);
        if unreached.is_empty() || !listings.is_empty() {
            self.send(Event::Discovered { host: self.host.clone(), listings, complaints }).await;
        }
        open
    }

    /// What came up before a stream began, it does not tell.
    pub(super) fn missed(&self) {
        if let Some(finder) = &self.discover {
            finder.new.notify_one();
        }
    }

    /// A service was removed: whether it is gone is to be seen, and it may come back.
    pub(super) fn removed(&self, event: &RuntimeEvent, runtime: &dyn Runtime) {
        let Some(finder) = &self.discover else { return };
        if let Some(workload) = runtime.could_be(event) {
            finder.known().remove(&workload);
        }
        finder.removed.notify_one();
    }

    /// Something happened to what is no service: the host is asked, once, if it may be one.
    pub(super) fn not_known(&self, event: &RuntimeEvent, runtime: &dyn Runtime) {
        let Some(finder) = &self.discover else { return };
        let is_up = matches!(event.kind, EventKind::Started | EventKind::Changed { .. });
        let Some(workload) = Some(event).filter(|_| is_up).and_then(|event| runtime.could_be(event)) else { return };
        if !finder.policy.may_be_new(&workload) {
            return;
        }
        let mut known = finder.known();
        if known.len() < REMEMBERED && known.insert(workload) {
            finder.new.notify_one();
        }
    }
}
