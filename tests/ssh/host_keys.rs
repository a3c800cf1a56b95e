//! Whom we talk to.

use std::fs;

use opsroom::{
    ports::RemoteError,
    ssh::{Auth, Settings, SshRemote, Trust},
};
use opsroom_lab::process::command;

use crate::{
    exec, ok, run,
    sshd::{Sshd, keygen},
};

fn trusting(sshd: &Sshd, trust: Trust) -> SshRemote {
    SshRemote::new(sshd.settings_with(Auth::KeyFile { path: sshd.path("id"), passphrase: None }, trust))
}

async fn refusal(remote: &SshRemote) -> String {
    let error = run(remote, exec("true")).await.unwrap_err();
    assert!(!error.may_have_run());
    let RemoteError::HostKey(text) = error else { panic!("not a host key error: {error:?}") };
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_nobody_pinned_is_refused_with_the_line_to_pin() {
    let sshd = Sshd::start();
    let text = refusal(&trusting(&sshd, Trust::Pinned(vec![]))).await;
    assert!(text.contains(&format!("host_key = \"{}\"", sshd.host_key())), "{text}");
    assert!(text.contains("ssh-ed25519 SHA256:") && text.contains("spark-1"), "{text}");
    assert_eq!(sshd.logins(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_with_another_key_is_refused_with_both_fingerprints() {
    let sshd = Sshd::start();
    keygen(&sshd.path("other"), "ed25519", "");
    let text = refusal(&trusting(&sshd, Trust::Pinned(vec![sshd.host_key_of("other")]))).await;
    assert_eq!(text.matches("ssh-ed25519 SHA256:").count(), 2, "{text}");
    assert!(!text.contains("host_key ="), "no line to paste for a key that may be an attacker's: {text}");
    let both = Trust::Pinned(vec![sshd.host_key_of("other"), sshd.host_key()]);
    assert_eq!(run(&trusting(&sshd, both), exec("echo in")).await, ok("in\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_pinned_by_one_of_its_keys_is_judged_by_that_one() {
    let mut sshd = Sshd::start_with("HostKey {dir}/host_ed25519\nHostKey {dir}/host_rsa");
    sshd.kill();
    keygen(&sshd.path("host_rsa"), "rsa", "");
    sshd.run();
    let rsa = trusting(&sshd, Trust::Pinned(vec![sshd.host_key_of("host_rsa")]));
    assert_eq!(run(&rsa, exec("echo in")).await, ok("in\n"));
    let probe = rsa.probe().await.unwrap();
    assert!(probe.host_key.unwrap().starts_with("ssh-rsa SHA256:"));
    assert!(probe.software.unwrap().starts_with("OpenSSH_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn known_hosts_files_are_read_as_openssh_reads_them() {
    let sshd = Sshd::start();
    let (key, port) = (sshd.host_key(), sshd.port);
    keygen(&sshd.path("other"), "ed25519", "");
    let other = sshd.host_key_of("other");
    let file = sshd.path("known_hosts");
    let known = || trusting(&sshd, Trust::KnownHosts(file.clone()));

    fs::write(&file, format!("# ours\nelsewhere,[127.0.0.1]:{port} {key} comment\n")).unwrap();
    assert_eq!(run(&known(), exec("echo in")).await, ok("in\n"));

    let hashed = command("ssh-keygen").arg("-H").arg("-f").arg(&file).output().unwrap();
    assert!(hashed.status.success(), "{hashed:?}");
    assert!(fs::read_to_string(&file).unwrap().contains("|1|"));
    assert_eq!(run(&known(), exec("echo in")).await, ok("in\n"));

    // What OpenSSH itself makes of the same file is the measure.
    fs::write(&file, format!("[127.0.0.1]:{port} {key}\n@revoked * {key}\n")).unwrap();
    assert!(refusal(&known()).await.contains("revoked"));
    fs::write(&file, format!("[127.0.0.*]:{port},![127.0.0.1]:{port} {key}\n")).unwrap();
    assert!(refusal(&known()).await.contains("not known yet"));
    fs::write(&file, format!("[127.0.0.*]:* {other}\n")).unwrap();
    let text = refusal(&known()).await;
    assert!(text.contains(&format!("{} line 1", file.display())), "{text}");
    fs::write(&file, format!("127.0.0.1 {key}\n")).unwrap();
    assert!(refusal(&known()).await.contains("not known yet"), "a key for port 22 says nothing of another port");
    fs::write(&file, format!("@cert-authority * {key}\n")).unwrap();
    assert!(refusal(&known()).await.contains("does not check host certificates"));
    fs::write(&file, format!("[127.0.0.1]:{port} {key}\n[127.0.0.1]:{port} ssh-ed25519 AAAAbroken\n")).unwrap();
    let text = refusal(&known()).await;
    assert!(text.contains(&format!("line 2 of {}", file.display())), "{text}");
    fs::remove_file(&file).unwrap();
    assert!(refusal(&known()).await.contains("cannot be read"));
    assert_eq!(sshd.logins(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_host_by_name() {
    let sshd = Sshd::start();
    let file = sshd.path("known_hosts");
    fs::write(&file, format!("[localhost]:{} {}\n", sshd.port, sshd.host_key())).unwrap();
    let auth = Auth::KeyFile { path: sshd.path("id"), passphrase: None };
    let settings = sshd.settings_with(auth, Trust::KnownHosts(file));
    let remote = SshRemote::new(Settings { address: "LocalHost".to_owned(), ..settings });
    assert_eq!(run(&remote, exec("echo in")).await, ok("in\n"));
}
