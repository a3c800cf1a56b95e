//! The life of the process, in paused time: nothing here waits for real.

use super::*;
use tokio::{sync::mpsc, time::Instant};

/// A person with a keyboard: signals are sent by hand.
fn keyboard() -> (mpsc::UnboundedSender<&'static str>, impl Stream<Item = &'static str>) {
    let (press, mut keys) = mpsc::unbounded_channel();
    (press, stream::poll_fn(move |cx| keys.poll_recv(cx)))
}

#[tokio::test(start_paused = true)]
async fn the_first_signal_lets_work_finish() {
    let (life, (press, signals)) = (Lifecycle::new(), keyboard());
    let (soft, hard) = (life.soft(), life.hard());
    life.spawn("worker", async move {
        soft.cancelled().await;
        sleep(Duration::from_secs(20)).await;
        assert!(!hard.is_cancelled(), "within the grace period nothing is cut");
        Ok(())
    });
    press.send("SIGTERM").unwrap();
    let start = Instant::now();
    life.run(signals, GRACE).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn a_second_signal_or_the_end_of_grace_cuts() {
    for (second, after) in [(true, 0), (false, 30)] {
        let (life, (press, signals)) = (Lifecycle::new(), keyboard());
        let hard = life.hard();
        life.spawn("worker", async move {
            hard.cancelled().await;
            Ok(())
        });
        press.send("SIGINT").unwrap();
        if second {
            press.send("SIGINT").unwrap();
        }
        let start = Instant::now();
        life.run(signals, GRACE).await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(after));
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_that_do_not_stop_are_named() {
    let (life, (press, signals)) = (Lifecycle::new(), keyboard());
    life.spawn("deaf", std::future::pending());
    life.spawn("deaf too", std::future::pending());
    press.send("SIGTERM").unwrap();
    let failure = life.run(signals, GRACE).await.unwrap_err();
    assert_eq!(failure.to_string(), "these tasks did not stop: deaf, deaf too");
}

#[tokio::test(start_paused = true)]
async fn a_forever_task_that_returns_stops_the_rest_and_is_named() {
    let (life, (_press, signals)) = (Lifecycle::new(), keyboard());
    let soft = life.soft();
    life.spawn("bystander", async move {
        soft.cancelled().await;
        Ok(())
    });
    life.spawn("matrix sync", async { Ok(()) });
    let failure = life.run(signals, GRACE).await.unwrap_err();
    assert_eq!(failure.to_string(), "the task `matrix sync` ended, though it is meant to run as long as the bot does");
}

#[tokio::test(start_paused = true)]
async fn errors_and_panics_in_tasks_stop_the_process() {
    let (life, (_press, signals)) = (Lifecycle::new(), keyboard());
    life.spawn_once("migration", async { Err(io::Error::other("disk full").into()) });
    assert_eq!(life.run(signals, GRACE).await.unwrap_err().to_string(), "the task `migration` failed: disk full");

    let (life, (_press, signals)) = (Lifecycle::new(), keyboard());
    life.spawn("watcher", async { panic!("index {} out of range", 7) });
    assert_eq!(
        life.run(signals, GRACE).await.unwrap_err().to_string(),
        "the task `watcher` panicked: index 7 out of range"
    );
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_is_the_one_reported() {
    let (life, (_press, signals)) = (Lifecycle::new(), keyboard());
    let soft = life.soft();
    life.spawn("second", async move {
        soft.cancelled().await;
        Err("because of the first".into())
    });
    life.spawn("first", async { Err("the cause".into()) });
    assert_eq!(life.run(signals, GRACE).await.unwrap_err().to_string(), "the task `first` failed: the cause");
}

#[tokio::test(start_paused = true)]
async fn a_task_with_an_end_may_end() {
    let (life, (press, signals)) = (Lifecycle::new(), keyboard());
    life.spawn_once("greeting", async { Ok(()) });
    let stop = life.clone();
    life.spawn_once("later", async move {
        sleep(Duration::from_secs(60)).await;
        stop.stop();
        Ok(())
    });
    let start = Instant::now();
    life.run(signals, GRACE).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(60), "it ran until it was asked to stop");
    drop(press);
}

#[tokio::test]
async fn real_signals_arrive_by_name() {
    let mut signals = signals().unwrap();
    for name in ["TERM", "INT"] {
        let kill = std::process::Command::new("kill").args(["-s", name, &std::process::id().to_string()]).status();
        assert!(kill.unwrap().success());
        assert_eq!(signals.next().await, Some(if name == "TERM" { "SIGTERM" } else { "SIGINT" }));
    }
}

#[test]
fn causes_are_told_once() {
    #[derive(Debug, thiserror::Error)]
    #[error("could not save")]
    struct Outer(#[source] io::Error);
    #[derive(Debug, thiserror::Error)]
    #[error("could not save: {0}")]
    struct Telling(#[source] io::Error);
    let disk = || io::Error::other("disk full");
    assert_eq!(with_causes(&Outer(disk())), "could not save: disk full");
    assert_eq!(with_causes(&Telling(disk())), "could not save: disk full");
}
