//! SSH keys: pairs of each kind, and an agent that holds them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::lab::Lab;
use crate::process::{Process, command, leashed, run};
use crate::wait::{OrFail as _, PATIENCE};

/// A key pair in a file, OpenSSH's format, readable by its owner only.
#[derive(Debug, Clone)]
pub struct KeyPair {
    path: PathBuf,
    passphrase: String,
}

impl KeyPair {
    /// The pair whose private half is this file.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path, passphrase: String::new() }
    }

    /// Makes a pair.
    #[track_caller]
    pub(crate) fn make(path: &Path, kind: &str, passphrase: &str) -> Self {
        let mut command = command("ssh-keygen");
        command.args(["-q", "-t", kind, "-N", passphrase, "-C", "opsroom-lab", "-f"]).arg(path);
        if kind == "rsa" {
            command.args(["-b", "2048"]);
        }
        run(&mut command);
        Self { path: path.to_owned(), passphrase: passphrase.to_owned() }
    }

    /// A fresh ed25519 pair.
    #[track_caller]
    pub fn ed25519(lab: &Lab) -> Self {
        Self::make(&lab.dir("key").join("id"), "ed25519", "")
    }

    /// A fresh RSA pair.
    #[track_caller]
    pub fn rsa(lab: &Lab) -> Self {
        Self::make(&lab.dir("key").join("id"), "rsa", "")
    }

    /// A fresh ed25519 pair whose file is encrypted.
    #[track_caller]
    pub fn encrypted(lab: &Lab, passphrase: &str) -> Self {
        Self::make(&lab.dir("key").join("id"), "ed25519", passphrase)
    }

    /// The file with the private half.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The passphrase of the file, empty when it has none.
    pub fn passphrase(&self) -> &str {
        &self.passphrase
    }

    /// The public half as a line: type, key, comment.
    #[track_caller]
    pub fn public(&self) -> String {
        let path = self.path.with_extension("pub");
        fs::read_to_string(&path).or_fail(format!("cannot read {}", path.display())).trim().to_owned()
    }
}

/// An ssh-agent, gone when dropped.
#[derive(Debug)]
pub struct Agent {
    socket: PathBuf,
    _process: Process,
}

impl Agent {
    /// Starts an agent that holds `key`.
    #[track_caller]
    pub fn holding(lab: &Lab, key: &KeyPair) -> Self {
        let name = lab.unique("agent");
        let socket = lab.facts().sockets.join(&name);
        let mut agent = leashed("ssh-agent");
        agent.args(["-D", "-a"]).arg(&socket);
        let process = Process::start("ssh-agent", agent, &lab.facts().dir.join(format!("{name}.log")));
        process.wait_for(PATIENCE, "the agent listens", || socket.exists().then_some(()));
        run(command("ssh-add").arg("-q").arg(key.path()).env("SSH_AUTH_SOCK", &socket));
        Self { socket, _process: process }
    }

    /// What `SSH_AUTH_SOCK` should say.
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}
