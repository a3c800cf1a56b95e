//! The heartbeat: a URL that is fetched as long as the bot is well.
//!
//! A bot cannot tell of its own death. Somebody else can, who notices that it
//! does not come any more. So nothing is fetched while the homeserver was not
//! heard: a bot that lives and is deaf counts as dead.

use std::{
    error::Error as _,
    time::{Duration, Instant},
};

use reqwest::{Client, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{sync::watch, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The longest that one beat may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Why there can be no heartbeat.
#[derive(Debug, thiserror::Error)]
pub enum HeartbeatError {
    /// It is not shown: whoever knows it can feign the bot's life.
    #[error("what is given as the heartbeat's URL is none: it begins with https:// or http://")]
    NotAUrl,
    /// The HTTP client cannot be made.
    #[error("no heartbeat: {0}")]
    Client(String),
}

/// Where to, and how often.
#[derive(Debug)]
pub struct Heartbeat {
    client: Client,
    url: reqwest::Url,
    every: Duration,
    fresh: Duration,
}

impl Heartbeat {
    /// One that beats while the homeserver was heard within `fresh`.
    pub fn new(url: &SecretString, every: Duration, fresh: Duration) -> Result<Self, HeartbeatError> {
        let url = reqwest::Url::parse(url.expose_secret().trim()).map_err(|_| HeartbeatError::NotAUrl)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(HeartbeatError::NotAUrl);
        }
        // Where a redirect leads was not agreed upon, and the URL is a secret.
        let client = Client::builder().timeout(LIMIT).redirect(redirect::Policy::none()).build();
        let client = client.map_err(|error| HeartbeatError::Client(why(error)))?;
        Ok(Self { client, url, every, fresh })
    }

    /// Beats until told to stop. A failure is logged when it begins and when it
    /// is over, and harms nobody here.
    pub async fn run(self, last_good_sync: watch::Receiver<Option<Instant>>, stop: CancellationToken) {
        let mut times = tokio::time::interval(self.every);
        times.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = times.tick() => {}
            }
            let heard = *last_good_sync.borrow();
            if heard.is_none_or(|at| at.elapsed() > self.fresh) {
                continue;
            }
            let beat = tokio::select! {
                () = stop.cancelled() => return,
                beat = self.beat() => beat,
            };
            match &beat {
                Ok(()) if failing => info!("the heartbeat is taken again"),
                Ok(()) => {}
                Err(why) if !failing => warn!("the heartbeat is not taken: {why}"),
                Err(_) => {}
            }
            failing = beat.is_err();
        }
    }

    async fn beat(&self) -> Result<(), String> {
        let answer = self.client.get(self.url.clone()).send().await.map_err(why)?;
        if answer.status().is_success() { Ok(()) } else { Err(format!("the answer is {}", answer.status())) }
    }
}

/// Without the URL.
fn why(error: reqwest::Error) -> String {
    let error = error.without_url();
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
        net::TcpListener,
        sync::mpsc,
        task::JoinSet,
    };

    use super::*;

    /// Somebody who listens; tells the first line of each request.
    async fn listener(tasks: &mut JoinSet<()>, answer: &'static str) -> (String, mpsc::Receiver<String>) {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/ping/s3cret", server.local_addr().unwrap());
        let (told, beats) = mpsc::channel(9);
        tasks.spawn(async move {
            loop {
                let (stream, _) = server.accept().await.unwrap();
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
                if told.send(line).await.is_err() {
                    return;
                }
            }
        });
        (url, beats)
    }

    fn heartbeat(url: &str) -> Heartbeat {
        let every = Duration::from_millis(5);
        Heartbeat::new(&SecretString::from(url), every, Duration::from_secs(90)).unwrap()
    }

    const FINE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

    #[tokio::test]
    async fn it_beats_once_the_homeserver_is_heard_and_while_it_is() {
        let mut tasks = JoinSet::new();
        let (url, mut beats) = listener(&mut tasks, FINE).await;
        let (heard, last_good_sync) = watch::channel(None);
        let stop = CancellationToken::new();
        let mut beating = JoinSet::new();
        beating.spawn(heartbeat(&url).run(last_good_sync, stop.clone()));
        let silent = tokio::time::timeout(Duration::from_millis(100), beats.recv()).await;
        assert!(silent.is_err(), "nothing was heard yet");
        heard.send_replace(Some(Instant::now()));
        for _ in 0..2 {
            assert_eq!(beats.recv().await.unwrap(), "GET /ping/s3cret HTTP/1.1\r\n");
        }
        heard.send_replace(Instant::now().checked_sub(Duration::from_secs(91)));
        // Those that were in progress.
        while tokio::time::timeout(Duration::from_millis(200), beats.recv()).await.is_ok() {}
        assert!(beats.try_recv().is_err(), "a deaf bot counts as dead");
        stop.cancel();
        beating.join_next().await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn what_goes_wrong_is_told_without_the_url() {
        let elsewhere = "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n";
        let mut tasks = JoinSet::new();
        let (url, _beats) = listener(&mut tasks, elsewhere).await;
        assert_eq!(heartbeat(&url).beat().await.unwrap_err(), "the answer is 302 Found");
        let nobody = heartbeat("http://127.0.0.1:1/ping/s3cret").beat().await.unwrap_err();
        assert!(!nobody.contains("s3cret") && !nobody.is_empty(), "{nobody}");
        for wrong in ["", "ping/s3cret", "ftp://example.org/s3cret"] {
            let error = Heartbeat::new(&SecretString::from(wrong), LIMIT, LIMIT).unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
