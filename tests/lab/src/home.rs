//! A home of its own and a `sh` of the wanted kind: where the scripts that go to a host are tried without one.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use crate::process;

/// A directory that is gone when this is dropped. Its `bin` comes first in the `PATH`.
pub struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    /// One with each shell that a host may have; where that is busybox, `tools` (names, with spaces between) are its too.
    pub fn each(tools: &str) -> Vec<Self> {
        let found = |name: &str| {
            let path = ["/bin", "/usr/bin"].iter().map(|dir| Path::new(dir).join(name)).find(|path| path.exists());
            path.unwrap_or_else(|| panic!("{name} is missing: apt-get install dash busybox-static"))
        };
        [found("dash"), found("busybox")].iter().map(|shell| Self::with(shell, tools)).collect()
    }

    /// Another home with the same shell and none of its tools.
    #[must_use]
    pub fn beside(&self) -> Self {
        let shell = fs::read_link(self.bin().join("sh")).expect("a home has a shell");
        Self::with(&shell, "")
    }

    fn with(shell: &Path, tools: &str) -> Self {
        let home = Self { directory: tempfile::tempdir().expect("a temporary directory can be made") };
        fs::create_dir(home.bin()).expect("a new directory is empty");
        let tools = tools.split_whitespace().filter(|_| shell.ends_with("busybox"));
        for tool in ["sh"].into_iter().chain(tools) {
            symlink(shell, home.bin().join(tool)).expect("a new directory is empty");
        }
        home
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    fn bin(&self) -> PathBuf {
        self.path().join("bin")
    }

    /// Puts a script in the `PATH`. A process of its own writes it: a child that another test forks meanwhile would keep
    /// a file of ours open for writing, and such a one cannot be run.
    pub fn tool(&self, name: &str, script: &str) {
        fs::write(self.path().join("tool"), script).expect("a home can be written");
        process::run(&mut self.command(&format!("cp tool bin/{name} && chmod 755 bin/{name} && rm tool")));
    }

    /// What sshd does with a command: the login shell reads it.
    pub fn command(&self, script: &str) -> Command {
        let mut command = process::command("/bin/sh");
        command
            .args(["-c", script])
            .env("PATH", format!("{}:/usr/bin:/bin", self.bin().display()))
            .env("HOME", self.path())
            .current_dir(self.path());
        command
    }
}
