//! When a worker looks for services, in a time of its own.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{Finder, HostWorker};
use crate::{
    domain::{
        discovery::{Policy, Sought},
        inventory::Service,
        names::{ContainerName, HostName, ServiceName},
        output::Exit,
        pattern::Pattern,
        rights::Rights,
        runtime::Workload,
    },
    engine::event::Event,
    ports::{Exec, Output, Remote, RemoteError, Stream},
};

/// A host on which containers come and go.
#[derive(Default)]
struct Fake {
    running: Mutex<Vec<String>>,
    /// When each look began.
    looks: Mutex<Vec<Instant>>,
    /// Lines that the event stream prints, once.
    events: Mutex<Vec<String>>,
}

impl Remote for Fake {
    fn exec<'a>(&'a self, exec: Exec, output: &'a mut dyn Output) -> BoxFuture<'a, Result<Exit, RemoteError>> {
        Box::pin(async move {
            if exec.command.contains("docker events") {
                let end = Instant::now() + exec.limit;
                while Instant::now() < end {
                    for line in std::mem::take(&mut *self.events.lock().unwrap()) {
                        output.chunk(Stream::Stdout, format!("{line}\n").as_bytes());
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                return Err(RemoteError::TimedOut(exec.limit));
            }
            if exec.command.contains("docker ps") {
                self.looks.lock().unwrap().push(Instant::now());
                for name in &*self.running.lock().unwrap() {
                    output.chunk(Stream::Stdout, format!("[\"{name}\",\"running\",\"\",\"\",\"\",\"\"]\n").as_bytes());
                }
            }
            Ok(Exit::Code(0))
        })
    }
}

struct Scene {
    host: Arc<Fake>,
    events: mpsc::Receiver<Event>,
    _manage: watch::Sender<Arc<[Service]>>,
    _requests: mpsc::Sender<super::HostRequest>,
    _tasks: JoinSet<()>,
    began: Instant,
}

/// A worker that knows one service, and looks for all others.
fn scene(running: &[&str]) -> Scene {
    let service = Service::new(
        ServiceName::parse("known").unwrap(),
        HostName::parse("spark").unwrap(),
        Workload::Docker(ContainerName::parse("known").unwrap()),
    );
    let policy = Policy {
        allow: vec![Pattern::parse("*").unwrap()],
        sought: Sought::default(),
        rights: Rights::Read,
        gone_after: Duration::from_secs(600),
        logins: vec![],
    };
    let host = Arc::new(Fake::default());
    host.runs(running);
    let (sender, events) = mpsc::channel(1_000);
    let (manage, services) = watch::channel(Arc::from(vec![service]));
    let worker = HostWorker {
        host: HostName::parse("spark").unwrap(),
        services,
        discover: Some(Finder::new(policy)),
        remote: Arc::clone(&host) as Arc<dyn Remote>,
        events: sender,
        snapshot_every: Duration::from_secs(30),
    };
    let (requests, inbox) = mpsc::channel(8);
    let mut tasks = JoinSet::new();
    tasks.spawn(worker.run(inbox, CancellationToken::new()));
    Scene { host, events, _manage: manage, _requests: requests, _tasks: tasks, began: Instant::now() }
}

impl Fake {
    fn runs(&self, names: &[&str]) {
        *self.running.lock().unwrap() = names.iter().map(|name| (*name).to_owned()).collect();
    }

    /// The engine tells that it started a container.
    fn tells(&self, name: &str) {
        let line = format!(
            "{{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{{\"ID\":\"x\",\"Attributes\":{{\"name\":\"{name}\"}}}},\"timeNano\":1800000000000000000}}"
        );
        self.events.lock().unwrap().push(line);
    }
}

impl Scene {
    /// How many seconds after the beginning the worker looked, within so many.
    async fn looks_within(&mut self, seconds: u64) -> Vec<u64> {
        let until = tokio::time::sleep_until(self.began + Duration::from_secs(seconds));
        tokio::pin!(until);
        loop {
            tokio::select! {
                () = &mut until => break,
                _ = self.events.recv() => {}
            }
        }
        self.host.looks.lock().unwrap().iter().map(|at| at.duration_since(self.began).as_secs()).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn what_came_up_before_the_stream_was_heard_is_looked_for_once_more() {
    let mut scene = scene(&["known"]);
    scene.looks_within(1).await;
    // No event tells of it: it came up while the stream was on its way.
    scene.host.runs(&["known", "web"]);
    let looks = scene.looks_within(60).await;
    // At once, when the stream has begun, and when what is new has stayed.
    assert_eq!(looks, [0, 7, 18]);
}

#[tokio::test(start_paused = true)]
async fn what_is_new_is_looked_at_when_it_has_stayed_whatever_is_looked_at_before() {
    let mut scene = scene(&["known"]);
    scene.looks_within(100).await;
    scene.host.runs(&["known", "web"]);
    scene.host.tells("web");
    scene.looks_within(104).await;
    // Over before anybody could look.
    scene.host.tells("job");
    let looks = scene.looks_within(200).await;
    assert_eq!(looks[2..], [102, 109, 114], "{looks:?}");
}

#[tokio::test(start_paused = true)]
async fn what_comes_up_is_looked_for_once_and_not_each_time() {
    let mut scene = scene(&["known"]);
    let quiet = scene.looks_within(100).await;
    assert_eq!(quiet, [0, 7]);
    // It is over before anybody could look, again and again.
    for _ in 0..200 {
        scene.host.tells("job");
        scene.looks_within(scene.began.elapsed().as_secs() + 2).await;
    }
    let looks = scene.looks_within(599).await;
    assert_eq!(looks.len() - quiet.len(), 1, "{looks:?}");
    assert!((100..110).contains(&looks[2]), "{looks:?}");
}

#[tokio::test(start_paused = true)]
async fn a_host_on_which_nothing_happens_is_asked_every_ten_minutes() {
    let mut scene = scene(&["known", "web"]);
    let looks = scene.looks_within(2_000).await;
    assert_eq!(looks, [0, 7, 12, 600, 1_200, 1_800]);
}
