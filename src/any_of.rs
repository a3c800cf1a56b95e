//! One of several hosts, whichever answers: the port [`Remote`] over others.
//!
//! For what any of them can be asked about, like the managers of a cluster. What
//! was sent to one is never sent to another: only where a command certainly did
//! not start is the next one tried.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;

use crate::{
    domain::{names::HostName, output::Exit},
    ports::{Exec, Output, Remote, RemoteError},
};

/// See the module.
pub struct AnyOf {
    hosts: Vec<(HostName, Arc<dyn Remote>)>,
    /// The one that answered last: it is asked first.
    now: AtomicUsize,
}

impl AnyOf {
    /// One of these, which are at least one.
    pub fn new(hosts: Vec<(HostName, Arc<dyn Remote>)>) -> Self {
        Self { hosts, now: AtomicUsize::new(0) }
    }

    /// The places of all, the one that answered last first.
    fn order(&self) -> impl Iterator<Item = usize> {
        let (now, count) = (self.now.load(Ordering::Relaxed), self.hosts.len());
        (0..count).map(move |step| (now + step) % count)
    }
}

impl Remote for AnyOf {
    fn exec<'a>(&'a self, exec: Exec, output: &'a mut dyn Output) -> BoxFuture<'a, Result<Exit, RemoteError>> {
        Box::pin(async move {
            let mut troubles = Vec::new();
            for place in self.order() {
                let (host, remote) = &self.hosts[place];
                match remote.exec(exec.clone(), &mut *output).await {
                    // Too much is asked of it, which says nothing about it.
                    Err(RemoteError::Busy(why)) => return Err(RemoteError::Busy(why)),
                    Err(error) if !error.may_have_run() => {
                        tracing::warn!(%host, "passed over: {error}");
                        troubles.push(format!("{host}: {error}"));
                    }
                    ended => {
                        self.now.store(place, Ordering::Relaxed);
                        return ended;
                    }
                }
            }
            Err(RemoteError::Unreachable(format!("none of them answers: {}", troubles.join("; "))))
        })
    }

    fn answering(&self) -> Option<HostName> {
        self.hosts.get(self.now.load(Ordering::Relaxed)).map(|(host, _)| host.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ports::{Stdin, Stream};

    /// Answers as it was told to, and counts how often it was asked.
    struct Told(Result<Exit, RemoteError>, AtomicUsize);

    impl Remote for Told {
        fn exec<'a>(&'a self, _: Exec, _: &'a mut dyn Output) -> BoxFuture<'a, Result<Exit, RemoteError>> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::ready(self.0.clone()))
        }
    }

    struct Nowhere;

    impl Output for Nowhere {
        fn chunk(&mut self, _: Stream, _: &[u8]) {}
    }

    fn told(answer: Result<Exit, RemoteError>) -> Arc<Told> {
        Arc::new(Told(answer, AtomicUsize::new(0)))
    }

    fn any_of(hosts: &[&Arc<Told>]) -> AnyOf {
        let host = |(number, told): (usize, &&Arc<Told>)| {
            (HostName::parse(&format!("m{number}")).unwrap(), Arc::clone(told) as Arc<dyn Remote>)
        };
        AnyOf::new(hosts.iter().enumerate().map(host).collect())
    }

    async fn run(remote: &AnyOf) -> Result<Exit, RemoteError> {
        let exec = Exec { command: "true".into(), limit: Duration::from_secs(1), stdin: Stdin::Empty };
        remote.exec(exec, &mut Nowhere).await
    }

    #[tokio::test]
    async fn the_next_is_asked_where_one_is_away_and_stays_the_one() {
        let (away, good) = (told(Err(RemoteError::Unreachable("no route".into()))), told(Ok(Exit::Code(0))));
        let remote = any_of(&[&away, &good]);
        for _ in 0..2 {
            assert_eq!(run(&remote).await, Ok(Exit::Code(0)));
            assert_eq!(remote.answering().unwrap().as_str(), "m1");
        }
        assert_eq!((away.1.load(Ordering::Relaxed), good.1.load(Ordering::Relaxed)), (1, 2));
        let both = any_of(&[&away, &away]);
        let error = run(&both).await.unwrap_err();
        assert_eq!(error.to_string(), "none of them answers: m0: no route; m1: no route");
    }

    #[tokio::test]
    async fn what_may_have_run_is_sent_to_no_other() {
        for lost in [RemoteError::Lost("reset".into()), RemoteError::TimedOut(Duration::from_secs(1))] {
            let (first, other) = (told(Err(lost.clone())), told(Ok(Exit::Code(0))));
            assert_eq!(run(&any_of(&[&first, &other])).await, Err(lost));
            assert_eq!(other.1.load(Ordering::Relaxed), 0);
        }
    }
}
