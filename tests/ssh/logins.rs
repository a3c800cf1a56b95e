//! Who we are.

use std::process::{Child, Stdio};

use opsroom::{
    ports::RemoteError,
    ssh::{Auth, SshRemote, Trust},
};
use opsroom_lab::process::command;

use crate::{
    exec, ok, run,
    sshd::{Sshd, eventually, keygen, set_mode, user},
};

fn with(sshd: &Sshd, auth: Auth) -> SshRemote {
    SshRemote::new(sshd.settings_with(auth, Trust::Pinned(vec![sshd.host_key()])))
}

fn key_file(path: std::path::PathBuf, passphrase: Option<&str>) -> Auth {
    Auth::KeyFile { path, passphrase: passphrase.map(Into::into) }
}

async fn login_error(remote: &SshRemote) -> String {
    let error = run(remote, exec("true")).await.unwrap_err();
    assert!(!error.may_have_run());
    let RemoteError::Login(text) = error else { panic!("not a login error: {error:?}") };
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_key_file_logs_in() {
    let sshd = Sshd::start();
    for (name, kind, passphrase) in [
        ("rsa", "rsa", ""),
        ("ecdsa", "ecdsa", ""),
        ("locked", "ed25519", "open sesame"),
        ("rsa-locked", "rsa", "mellon"),
    ] {
        let path = sshd.authorize(name, kind, passphrase);
        let passphrase = (!passphrase.is_empty()).then_some(passphrase);
        assert_eq!(run(&with(&sshd, key_file(path, passphrase)), exec("echo in")).await, ok("in\n"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_authorized_is_named() {
    let sshd = Sshd::start();
    let path = sshd.path("stranger");
    keygen(&path, "ed25519", "");
    let text = login_error(&with(&sshd, key_file(path.clone(), None))).await;
    let user = user();
    assert!(
        text.starts_with(&format!("spark-1 (127.0.0.1:{}) refused the login of {user} with the key", sshd.port)),
        "{text}"
    );
    assert!(text.contains(&path.display().to_string()) && text.contains("ssh-ed25519 SHA256:"), "{text}");
    assert!(text.contains("authorized_keys") && text.contains("(the host takes: publickey)"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn key_files_that_cannot_be_used_say_why() {
    let sshd = Sshd::start();
    let locked = sshd.authorize("locked", "ed25519", "open sesame");
    let text = login_error(&with(&sshd, key_file(locked.clone(), Some("wrong word")))).await;
    assert!(text.ends_with("cannot be decrypted: is the passphrase right?"), "{text}");
    assert!(!text.contains("wrong word"), "{text}");
    let text = login_error(&with(&sshd, key_file(locked, None))).await;
    assert!(text.ends_with("is encrypted, and no passphrase is configured"), "{text}");
    let text = login_error(&with(&sshd, key_file(sshd.path("nothing"), None))).await;
    assert!(text.contains("cannot be read: No such file"), "{text}");
    let text = login_error(&with(&sshd, key_file(sshd.path("id.pub"), None))).await;
    assert!(text.contains("can be read by others") || text.contains("no private key"), "{text}");
    set_mode(&sshd.path("id"), 0o644);
    let text = login_error(&with(&sshd, key_file(sshd.path("id"), None))).await;
    let id = sshd.path("id").display().to_string();
    assert!(text.ends_with(&format!("(mode 0644): run chmod 600 {id}")), "{text}");
    assert_eq!(sshd.logins(), 0);
}

/// An ssh-agent(1) of one's own.
struct Agent(Child, std::path::PathBuf);

impl Agent {
    async fn start(sshd: &Sshd) -> Self {
        let socket = sshd.path("agent");
        let child = command("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .expect("ssh-agent is missing: install it with `apt-get install openssh-client`");
        eventually("the agent listens", || socket.exists()).await;
        Self(child, socket)
    }

    fn add(&self, key: &std::path::Path) {
        let added = command("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", &self.1).output().unwrap();
        assert!(added.status.success(), "{added:?}");
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_tries_its_keys_in_turn() {
    let sshd = Sshd::start();
    let agent = Agent::start(&sshd).await;
    let auth = || Auth::Agent { socket: agent.1.clone() };
    let text = login_error(&with(&sshd, auth())).await;
    assert!(text.contains("holds no key: run ssh-add"), "{text}");
    keygen(&sshd.path("stranger"), "ed25519", "");
    agent.add(&sshd.path("stranger"));
    let text = login_error(&with(&sshd, auth())).await;
    assert!(text.contains("the ssh-agent's keys (ssh-ed25519 SHA256:"), "{text}");
    agent.add(&sshd.authorize("rsa", "rsa", ""));
    assert_eq!(run(&with(&sshd, auth()), exec("echo in")).await, ok("in\n"));
    let text = login_error(&with(&sshd, Auth::Agent { socket: sshd.path("no-agent") })).await;
    assert!(text.contains("does not answer"), "{text}");
}
