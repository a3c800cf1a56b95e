//! Discovery: what runs on the host, whether or not anything manages it.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use super::HostWorker;
use crate::{
    domain::{
        discovery::Policy,
        inventory::Service,
        roster::Listing,
        runtime::{self, EventKind, Runtime, RuntimeEvent, Workload},
    },
    engine::{
        discover::{NotShown, discover},
        event::Event,
    },
};

/// How often the host is asked when nothing on it looks new: that something is gone, no event tells for sure.
const EVERY: Duration = Duration::from_secs(10 * 60);
/// How soon it is asked again where a runtime did not answer.
const AGAIN: Duration = Duration::from_secs(60);
/// What comes up seldom does so alone: the others are waited for.
const GATHER: Duration = Duration::from_secs(2);
/// The shortest time from one look to the next.
const APART: Duration = Duration::from_secs(5);

/// What looks for services on a host.
#[derive(Debug)]
pub struct Finder {
    policy: Policy,
    /// What was shown when the host was last asked, allowed or not.
    shown: Mutex<HashSet<Workload>>,
    /// Something happened to what was not.
    unknown: Notify,
}

impl Finder {
    /// Nothing was asked yet.
    pub fn new(policy: Policy) -> Self {
        Self { policy, shown: Mutex::default(), unknown: Notify::new() }
    }
}

impl HostWorker {
    /// Asks what runs there, at once and whenever something may be new.
    pub(super) async fn discover_regularly(self: Arc<Self>) {
        let Some(finder) = &self.discover else { return };
        loop {
            let pause = self.discover_all(finder).await;
            tokio::time::sleep(APART).await;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = finder.unknown.notified() => tokio::time::sleep(GATHER).await,
            }
        }
    }

    /// Asks each runtime once for each login. When to ask again.
    async fn discover_all(&self, finder: &Finder) -> Duration {
        let (mut listings, mut complaints) = (Vec::new(), Vec::new());
        let mut is_reached = true;
        'host: for login in finder.policy.all_logins() {
            for runtime in runtime::ALL {
                match discover(&*self.remote, &self.host, login, *runtime, &finder.policy.sought).await {
                    Ok(shown) => {
                        listings.push(Listing { login: login.cloned(), runtime: runtime.label(), shown });
                    }
                    Err(NotShown::Refused(said)) => complaints.push(said),
                    // The watch tells of a host that is out of reach.
                    Err(NotShown::NotAsked(why)) => {
                        tracing::info!("not looked for services: {why}");
                        is_reached = false;
                        break 'host;
                    }
                }
            }
        }
        if !is_reached && listings.is_empty() {
            return AGAIN;
        }
        let found = listings.iter().flat_map(|listing| listing.shown.found.iter());
        let shown: HashSet<Workload> = found.map(|found| found.workload.clone()).collect();
        let policy = &finder.policy;
        let is_missing = |service: &Service| policy.allows(&service.workload) && !shown.contains(&service.workload);
        let pause = match self.services().iter().any(is_missing) {
            _ if !is_reached || !complaints.is_empty() => AGAIN,
            true => EVERY.min(policy.gone_after),
            false => EVERY,
        };
        *finder.shown.lock().unwrap_or_else(PoisonError::into_inner) = shown;
        self.send(Event::Discovered { host: self.host.clone(), listings, complaints }).await;
        pause
    }

    /// A service was removed: whether it is gone is to be seen.
    pub(super) fn removed(&self) {
        if let Some(finder) = &self.discover {
            finder.unknown.notify_one();
        }
    }

    /// Something happened to what is no service: the host is asked, if it may be one.
    pub(super) fn not_known(&self, event: &RuntimeEvent, runtime: &dyn Runtime) {
        let Some(finder) = &self.discover else { return };
        let is_up = matches!(event.kind, EventKind::Started | EventKind::Changed);
        let Some(workload) = Some(event).filter(|_| is_up).and_then(|event| runtime.could_be(event)) else { return };
        let is_new = || !finder.shown.lock().unwrap_or_else(PoisonError::into_inner).contains(&workload);
        if finder.policy.may_be_new(&workload) && is_new() {
            finder.unknown.notify_one();
        }
    }
}
