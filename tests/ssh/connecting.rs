//! Getting a connection, losing it, and getting another.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use opsroom::{
    domain::{names::HostName, output::Exit},
    ports::{Exec, Output, Remote as _, RemoteError, Stdin, Stream},
    ssh::{LinkState, Settings, SshRemote},
};
use opsroom_lab::port::free_port;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    LONG, exec, ok, run,
    sshd::{Sshd, eventually},
    within,
};

fn unreachable(error: RemoteError) -> String {
    assert!(!error.may_have_run());
    let RemoteError::Unreachable(text) = error else { panic!("not unreachable: {error:?}") };
    text
}

/// Tells when the first output arrives.
struct Begun(Option<tokio::sync::oneshot::Sender<()>>);

impl Output for Begun {
    fn chunk(&mut self, _: Stream, _: &[u8]) {
        if let Some(begun) = self.0.take() {
            let _ = begun.send(());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_sshd_and_one_that_is_back() {
    let mut sshd = Sshd::start();
    let remote = SshRemote::new(sshd.settings());
    assert_eq!(remote.state(), LinkState::Idle);
    sshd.kill();
    let text = unreachable(run(&remote, exec("true")).await.unwrap_err());
    assert_eq!(text, format!("spark-1 (127.0.0.1:{}) refused the connection: is sshd running there?", sshd.port));
    let LinkState::Down { cause, .. } = remote.state() else { panic!("{:?}", remote.state()) };
    assert_eq!(cause, text);
    sshd.run();
    assert_eq!(run(&remote, exec("echo back")).await, ok("back\n"), "a fresh question gets a fresh answer");
    assert!(matches!(remote.state(), LinkState::Up { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_does_not_exist() {
    let sshd = Sshd::start();
    let remote = SshRemote::new(Settings { address: "no-such-host.invalid".to_owned(), ..sshd.settings() });
    let text = unreachable(run(&remote, exec("true")).await.unwrap_err());
    assert!(text.contains("the name cannot be resolved"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_says_nothing_is_asked_once_for_all() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    tasks.spawn({
        let asked = Arc::clone(&asked);
        async move {
            let mut open = Vec::new();
            loop {
                open.push(listener.accept().await.unwrap());
                asked.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    let sshd = Sshd::start();
    let limit = Duration::from_millis(500);
    let remote = SshRemote::new(Settings { port, connect_limit: limit, ..sshd.settings() });
    let begun = Instant::now();
    for result in join_all((0..10).map(|_| run(&remote, exec("true")))).await {
        let text = unreachable(result.unwrap_err());
        assert_eq!(
            text,
            format!("spark-1 (127.0.0.1:{port}) took the connection but did not finish the SSH handshake within 500ms")
        );
    }
    assert!(begun.elapsed() < 10 * limit, "{:?}", begun.elapsed());
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // The next question asks the host again, at most once a second.
    for _ in 0..2 {
        join_all((0..3).map(|_| run(&remote, exec("true")))).await;
    }
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    assert!(begun.elapsed() > Duration::from_secs(2));
    // A caller in a hurry leaves the attempt to the others.
    let (hasty, target) =
        tokio::join!(run(&remote, within(Duration::from_millis(50), "true")), run(&remote, exec("true")));
    assert!(unreachable(hasty.unwrap_err()).contains("was not reached in time"));
    assert!(unreachable(target.unwrap_err()).contains("did not finish the SSH handshake"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_says_instead_of_ssh_is_passed_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.writable().await.unwrap();
            stream.try_write(b"Not allowed at this time\r\n").unwrap();
        }
    });
    let sshd = Sshd::start();
    let remote = SshRemote::new(Settings { port, ..sshd.settings() });
    let text = unreachable(run(&remote, exec("true")).await.unwrap_err());
    assert_eq!(text, format!("spark-1 (127.0.0.1:{port}) closed the connection, saying: Not allowed at this time"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_loses_what_ran_and_comes_back() {
    let mut sshd = Sshd::start();
    let remote = SshRemote::new(sshd.settings());
    let (begun, waiting) = tokio::sync::oneshot::channel();
    let mut output = Begun(Some(begun));
    let lost = {
        let running = remote.exec(exec("echo; sleep 1000"), &mut output);
        let kill = async {
            waiting.await.unwrap();
            sshd.kill();
        };
        tokio::join!(running, kill).0.unwrap_err()
    };
    assert!(matches!(lost, RemoteError::Lost(_)), "{lost:?}");
    assert!(lost.may_have_run());
    sshd.run();
    assert_eq!(run(&remote, exec("echo back")).await, ok("back\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_died_unnoticed_costs_the_next_command_nothing() {
    let mut sshd = Sshd::start();
    let remote = SshRemote::new(sshd.settings());
    run(&remote, exec("true")).await.unwrap();
    sshd.kill();
    sshd.run();
    assert_eq!(run(&remote, exec("echo back")).await, ok("back\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_freezes_is_noticed() {
    let sshd = Sshd::start();
    let keepalive = Duration::from_millis(500);
    let remote = SshRemote::new(Settings { keepalive_interval: keepalive, keepalive_max: 2, ..sshd.settings() });
    let (begun, waiting) = tokio::sync::oneshot::channel();
    let mut output = Begun(Some(begun));
    let running = remote.exec(exec("echo; sleep 1000"), &mut output);
    let freeze = async {
        waiting.await.unwrap();
        sshd.freeze();
    };
    let lost = tokio::join!(running, freeze).0.unwrap_err();
    assert_eq!(lost, RemoteError::Lost("the host gives no sign of life".to_owned()));
    assert_eq!(run(&remote, exec("echo again")).await, ok("again\n"), "on a new connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_not_opened_in_time_is_asked_for_elsewhere() {
    let sshd = Sshd::start();
    let remote = SshRemote::new(Settings { connect_limit: Duration::from_secs(5), ..sshd.settings() });
    run(&remote, exec("true")).await.unwrap();
    sshd.freeze();
    assert_eq!(run(&remote, exec("echo elsewhere")).await, ok("elsewhere\n"));
    sshd.freeze();
    let text = unreachable(run(&remote, within(Duration::from_millis(300), "true")).await.unwrap_err());
    assert!(text.contains("did not open a session within 300ms"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_connection_is_replaced_and_finishes_what_runs_on_it() {
    let sshd = Sshd::start();
    let remote = SshRemote::new(Settings { recycle_after: Duration::from_millis(300), ..sshd.settings() });
    let token = CancellationToken::new();
    let (begun, waiting) = tokio::sync::oneshot::channel();
    let mut output = Begun(Some(begun));
    let old = Exec { command: "echo; cat; exit 9".to_owned(), limit: LONG, stdin: Stdin::OpenUntil(token.clone()) };
    let later = async {
        waiting.await.unwrap();
        eventually("it is old", || remote.state() == LinkState::Idle).await;
        assert_eq!(run(&remote, exec("echo new")).await, ok("new\n"));
        assert_eq!(sshd.logins(), 2);
        token.cancel();
    };
    let (exit, ()) = tokio::join!(remote.exec(old, &mut output), later);
    assert_eq!(exit, Ok(Exit::Code(9)));
    eventually("the old one is closed", || sshd.log().contains("Disconnected") || sshd.log().contains("closed by"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_closed() {
    let sshd = Sshd::start();
    let remote = SshRemote::new(Settings { idle_limit: Duration::from_millis(200), ..sshd.settings() });
    run(&remote, exec("sleep 0.5")).await.unwrap();
    assert!(matches!(remote.state(), LinkState::Up { .. }), "not while something ran");
    eventually("it is closed", || remote.state() == LinkState::Idle).await;
    eventually("sshd knows", || sshd.log().contains("Disconnected") || sshd.log().contains("closed by")).await;
    assert_eq!(run(&remote, exec("echo on demand")).await, ok("on demand\n"));
    assert_eq!(sshd.logins(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_behind_a_jump_host() {
    let mut bastion = Sshd::start();
    let inner = Sshd::start();
    let jump = |settings: Settings| {
        let name = HostName::parse("bastion").unwrap();
        Arc::new(SshRemote::new(Settings { name, ..settings }))
    };
    let via = jump(bastion.settings());
    let remote = SshRemote::behind(Arc::clone(&via), inner.settings());
    assert_eq!(run(&remote, exec("echo inside")).await, ok("inside\n"));
    assert_eq!((bastion.logins(), inner.logins()), (1, 1));
    // Both die unnoticed.
    bastion.kill();
    bastion.run();
    assert_eq!(run(&remote, exec("echo inside again")).await, ok("inside again\n"));

    let nobody = Settings { port: free_port(), ..inner.settings() };
    let port = nobody.port;
    let text = unreachable(run(&SshRemote::behind(Arc::clone(&via), nobody), exec("true")).await.unwrap_err());
    assert_eq!(
        text,
        format!(
            "spark-1: jump host bastion: it cannot connect to 127.0.0.1:{port}: is the host up, and sshd running there?"
        )
    );

    let mut closed = Sshd::start_with("AllowTcpForwarding no");
    let via = jump(closed.settings());
    let remote = SshRemote::behind(Arc::clone(&via), inner.settings());
    let text = unreachable(run(&remote, exec("true")).await.unwrap_err());
    assert!(text.contains("does not allow forwarding") && text.contains("AllowTcpForwarding"), "{text}");

    closed.kill();
    let text = unreachable(run(&remote, exec("true")).await.unwrap_err());
    assert!(text.starts_with("spark-1: jump host bastion: bastion (127.0.0.1:"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_once_is_not_sent_again() {
    // The connection dies by the command itself.
    let sshd = Sshd::start_with("ForceCommand kill -KILL $(ps -o ppid= -p $PPID) $PPID");
    let remote = SshRemote::new(sshd.settings());
    let lost = run(&remote, exec("true")).await.unwrap_err();
    assert!(matches!(lost, RemoteError::Lost(_)), "what was sent may have run: {lost:?}");
    assert_eq!(sshd.logins(), 1, "and is not sent again");
}
