//! Commands on a connection that stands.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures_util::{FutureExt as _, future::join_all};
use opsroom::{
    domain::output::Exit,
    ports::{Exec, Output, Remote as _, RemoteError, Stdin, Stream},
    ssh::{Settings, SshRemote},
};
use opsroom_lab::process::command;
use tokio_util::sync::CancellationToken;

use crate::{
    Collected, LONG, exec, ok, run,
    sshd::{Sshd, eventually},
    within,
};

#[tokio::test(flavor = "multi_thread")]
async fn exits_and_streams_are_told_apart() {
    let sshd = Sshd::start();
    let remote = SshRemote::new(sshd.settings());
    let mut collected = Collected::default();
    let exit = remote.exec(exec("echo out; echo err >&2; exit 3"), &mut collected).await;
    assert_eq!(exit, Ok(Exit::Code(3)));
    assert_eq!((&collected.stdout[..], &collected.stderr[..]), (&b"out\n"[..], &b"err\n"[..]));
    assert_eq!(run(&remote, exec("kill -KILL $$")).await, Ok((Exit::Signal("KILL".to_owned()), String::new())));
    assert_eq!(run(&remote, exec("exit 255")).await, Ok((Exit::Code(255), String::new())));
    assert_eq!(run(&remote, exec("no-such-command")).await, Ok((Exit::Code(127), String::new())));
    assert_eq!(sshd.logins(), 1, "all on one connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn quoted_text_passes_untouched() {
    let sshd = Sshd::start();
    let remote = SshRemote::new(sshd.settings());
    for text in
        ["$(reboot)", "`id`", "a'b\"c", "--help", "two  spaces\nand a line", "ümläut 🟢", "\\n $HOME *", ";|&><"]
    {
        let quoted = shlex::try_quote(text).unwrap();
        assert_eq!(run(&remote, exec(&format!("printf %s {quoted}"))).await, ok(text));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_commands_than_sessions_all_run() {
    let sshd = Sshd::start_with("MaxSessions 10");
    let remote = SshRemote::new(sshd.settings());
    let commands = (0..30).map(|n| run(&remote, exec(&format!("echo {n}")).clone()));
    for (n, result) in join_all(commands).await.into_iter().enumerate() {
        assert_eq!(result, ok(&format!("{n}\n")));
    }
    assert_eq!(sshd.logins(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sshd_that_allows_fewer_sessions_is_waited_for() {
    let sshd = Sshd::start_with("MaxSessions 2");
    let remote = SshRemote::new(sshd.settings());
    let commands = (0..8).map(|n| run(&remote, exec(&format!("echo {n}"))));
    for (n, result) in join_all(commands).await.into_iter().enumerate() {
        assert_eq!(result, ok(&format!("{n}\n")));
    }
    let hold = Arc::new(CancellationToken::new());
    let held: Vec<_> = (0..2).map(|_| holding(&sshd, &remote, &hold)).collect();
    let shut = async {
        eventually("both run", || sshd.path("held").exists()).await;
        // On a busy machine the refusal itself takes its time, and without one nobody knows that the host is full.
        let refused = run(&remote, within(Duration::from_secs(3), "true")).await.expect_err("refused");
        let RemoteError::Busy(text) = refused else { panic!("not busy: {refused:?}") };
        assert!(text.contains("MaxSessions") && text.contains("spark-1"), "{text}");
        hold.cancel();
    };
    let (held, ()) = tokio::join!(join_all(held), shut);
    assert!(held.into_iter().all(|result| result == ok("")));
}

/// A command that ends with the token and says that it runs by a file.
async fn holding(sshd: &Sshd, remote: &SshRemote, token: &CancellationToken) -> Result<(Exit, String), RemoteError> {
    let path = sshd.path("held");
    let command = format!("mkdir {0}.1 2>/dev/null || touch {0}; cat", path.display());
    run(remote, Exec { command, limit: LONG, stdin: Stdin::OpenUntil(token.clone()) }).await
}

async fn until_refused(remote: &SshRemote) -> RemoteError {
    run(remote, within(Duration::from_millis(300), "true")).await.expect_err("refused")
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_slot_has_an_end() {
    let sshd = Sshd::start();
    let remote = SshRemote::new(Settings { max_sessions: 1, ..sshd.settings() });
    let (begun, waiting) = tokio::sync::oneshot::channel();
    let mut first = Notify(Some(begun));
    let token = CancellationToken::new();
    let hold = Exec { command: "echo; cat".to_owned(), limit: LONG, stdin: Stdin::OpenUntil(token.clone()) };
    let others = async {
        waiting.await.unwrap();
        let refused = until_refused(&remote).await;
        assert_eq!(
            refused,
            RemoteError::Busy(format!(
                "spark-1 (127.0.0.1:{}) runs 1 commands for opsroom already, and none of them ended within 300ms",
                sshd.port
            ))
        );
        assert!(!refused.may_have_run());
        token.cancel();
    };
    let (held, ()) = tokio::join!(remote.exec(hold, &mut first), others);
    assert_eq!(held, Ok(Exit::Code(0)));
}

/// Tells when the first output arrives.
struct Notify(Option<tokio::sync::oneshot::Sender<()>>);

impl Output for Notify {
    fn chunk(&mut self, _: Stream, _: &[u8]) {
        if let Some(begun) = self.0.take() {
            let _ = begun.send(());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_arrives_whole_and_stalls_nobody() {
    const FLOOD: usize = 200_000_000;
    let sshd = Sshd::start();
    let remote = SshRemote::new(sshd.settings());
    run(&remote, exec("true")).await.unwrap();
    let quiet = median_of_true(&remote).await;
    let flooded = Mutex::new(Vec::new());
    let mut flood = Collected::default();
    {
        let flooding = remote.exec(exec(&format!("head -c {FLOOD} /dev/zero")), &mut flood);
        let others = async {
            loop {
                let begun = Instant::now();
                run(&remote, exec("true")).await.unwrap();
                flooded.lock().unwrap().push(begun.elapsed());
            }
        };
        tokio::select! {
            exit = flooding => assert_eq!(exit, Ok(Exit::Code(0))),
            () = others => unreachable!("endless"),
        }
    }
    assert_eq!(flood.total, FLOOD);
    let mut flooded = flooded.into_inner().unwrap();
    flooded.sort();
    assert!(flooded.len() >= 3, "only {} commands ended during the flood", flooded.len());
    let during = flooded[flooded.len() / 2];
    // An unshared 2 MiB window of one channel is what another waits for at most.
    let ratio = during.as_secs_f64() / quiet.as_secs_f64();
    println!("`true` beside a flood takes {ratio:.1} × as long ({during:?}, {} of them; {quiet:?})", flooded.len());
    assert!(ratio < 100.0, "{during:?} beside the flood, {quiet:?} without");
}

async fn median_of_true(remote: &SshRemote) -> Duration {
    let mut times = Vec::new();
    for _ in 0..20 {
        let begun = Instant::now();
        run(remote, exec("true")).await.unwrap();
        times.push(begun.elapsed());
    }
    times.sort();
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_exchanged_anew_under_load() {
    let sshd = Sshd::start_with("RekeyLimit 1M");
    let remote = SshRemote::new(sshd.settings());
    let (mut a, mut b) = (Collected::default(), Collected::default());
    let (first, second) = tokio::join!(
        remote.exec(exec("head -c 20000000 /dev/zero"), &mut a),
        remote.exec(exec("head -c 20000000 /dev/zero >&2"), &mut b)
    );
    assert_eq!((first, second), (Ok(Exit::Code(0)), Ok(Exit::Code(0))));
    assert_eq!((a.total, b.total), (20_000_000, 20_000_000));
    assert_eq!(run(&remote, exec("echo still here")).await, ok("still here\n"));
    assert_eq!(sshd.logins(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_passes() {
    let sshd = Sshd::start();
    let remote = SshRemote::new(sshd.settings());
    run(&remote, exec("true")).await.unwrap();
    let limit = Duration::from_secs(1);
    let error = run(&remote, within(limit, "echo begun; sleep 1000")).await.unwrap_err();
    assert_eq!(error, RemoteError::TimedOut(limit));
    assert!(error.may_have_run());
    // The exit of the command itself is known, whatever it left behind.
    let limit = Duration::from_secs(3);
    assert_eq!(run(&remote, within(limit, "sleep 1000 & exit 4")).await, Ok((Exit::Code(4), String::new())));
}

#[tokio::test(flavor = "multi_thread")]
async fn hung_commands_do_not_lock_us_out() {
    let sshd = Sshd::start_with("MaxSessions 3");
    let remote = SshRemote::new(Settings { max_sessions: 3, ..sshd.settings() });
    run(&remote, exec("true")).await.unwrap();
    let limit = Duration::from_secs(2);
    let hung = (0..3).map(|_| run(&remote, within(limit, "sleep 1000")));
    for result in join_all(hung).await {
        assert_eq!(result, Err(RemoteError::TimedOut(limit)));
    }
    assert_eq!(run(&remote, exec("echo in again")).await, ok("in again\n"));
    assert_eq!(sshd.logins(), 2, "the slots of the first connection are gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_command_gives_its_slot_back() {
    let sshd = Sshd::start();
    let remote = SshRemote::new(Settings { max_sessions: 1, ..sshd.settings() });
    for _ in 0..20 {
        let (begun, waiting) = tokio::sync::oneshot::channel();
        let mut output = Notify(Some(begun));
        tokio::select! {
            exit = remote.exec(exec("echo; cat /dev/zero"), &mut output) => panic!("{exit:?}"),
            begun = waiting => begun.unwrap(),
        }
        // Dropped before, during and after opening the channel too.
        let _ = run(&remote, exec("true")).now_or_never();
    }
    assert_eq!(run(&remote, exec("echo free")).await, ok("free\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn input_stays_open_until_the_token() {
    let sshd = Sshd::start();
    let remote = SshRemote::new(sshd.settings());
    assert_eq!(run(&remote, exec("cat; echo end")).await, ok("end\n"));
    let token = CancellationToken::new();
    let (begun, waiting) = tokio::sync::oneshot::channel();
    let mut output = Notify(Some(begun));
    let open = Exec { command: "echo; cat; exit 7".to_owned(), limit: LONG, stdin: Stdin::OpenUntil(token.clone()) };
    let cancel = async {
        waiting.await.unwrap();
        token.cancel();
    };
    let (exit, ()) = tokio::join!(remote.exec(open, &mut output), cancel);
    assert_eq!(exit, Ok(Exit::Code(7)));
    let open = Exec { stdin: Stdin::OpenUntil(CancellationToken::new()), ..within(Duration::from_secs(1), "cat") };
    assert_eq!(run(&remote, open).await, Err(RemoteError::TimedOut(Duration::from_secs(1))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_command_costs_less_than_through_ssh_with_a_control_master() {
    let sshd = Sshd::start();
    let remote = SshRemote::new(sshd.settings());
    run(&remote, exec("true")).await.unwrap();
    let socket = sshd.path("control");
    let ssh = |what: &[&str]| {
        let mut ssh = tokio::process::Command::from(command("ssh"));
        ssh.args(["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o"])
            .arg(format!("ControlPath={}", socket.display()))
            .arg("-i")
            .arg(sshd.path("id"))
            .args(["-p", &sshd.port.to_string(), "127.0.0.1"])
            .args(what)
            .kill_on_drop(true);
        ssh
    };
    let _master = ssh(&["-M", "-N"]).spawn().unwrap();
    eventually("the master listens", || socket.exists()).await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // In turn, so that both meet the same load.
    for _ in 0..40 {
        let begun = Instant::now();
        run(&remote, exec("true")).await.unwrap();
        ours.push(begun.elapsed());
        let begun = Instant::now();
        assert!(ssh(&["true"]).output().await.unwrap().status.success());
        theirs.push(begun.elapsed());
    }
    ours.sort();
    theirs.sort();
    let (ours, theirs) = (ours[20], theirs[20]);
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    println!("a warm `true` takes {ratio:.2} × the time of ssh with ControlMaster ({ours:?} and {theirs:?})");
    assert!(ratio < 1.0, "{ours:?}, and ssh {theirs:?}");
}
