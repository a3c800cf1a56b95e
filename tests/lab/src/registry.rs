//! An image registry beside an engine, where that engine alone can reach it.

use std::fs;
use std::path::Path;

use crate::docker::OwnEngine;
use crate::wait::{OrFail as _, PATIENCE, wait_until};

/// Where the engine reaches it. Engines trust what is on their own loopback without TLS.
pub const ADDRESS: &str = "127.0.0.1:5000";

/// A running registry. It ends with its engine's machine.
#[derive(Debug)]
pub struct Registry<'a> {
    engine: &'a OwnEngine,
}

impl<'a> Registry<'a> {
    /// Starts it and waits until it answers.
    #[track_caller]
    pub fn start(engine: &'a OwnEngine) -> Self {
        Self::sharing(engine, &engine.dir().join("registry"))
    }

    /// Starts one that has its images where others have theirs.
    #[track_caller]
    pub fn sharing(engine: &'a OwnEngine, data: &Path) -> Self {
        let config = engine.dir().join("registry.yml");
        let text = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {ADDRESS}\n",
            data.display()
        );
        fs::write(&config, text).or_fail("cannot write the registry's configuration");
        let registry = Self { engine };
        registry.start_again();
        registry
    }

    /// The one that was started there.
    pub fn of(engine: &'a OwnEngine) -> Self {
        Self { engine }
    }

    /// The image of that name, as a compose file names it.
    pub fn image(&self, name: &str) -> String {
        format!("{ADDRESS}/{name}:latest")
    }

    /// Starts it after [`Self::stop`].
    #[track_caller]
    pub fn start_again(&self) {
        let dir = self.engine.dir().display();
        self.engine.machine().run(&format!(
            "setsid sh -c 'echo $$ >{dir}/registry.pid; exec docker-registry serve {dir}/registry.yml' </dev/null >>{dir}/registry.log 2>&1 &"
        ));
        wait_until(PATIENCE, format_args!("the registry to answer (its log: {dir}/registry.log)"), || {
            // /dev/tcp would need bash; an engine's own question is the one that counts.
            let output = self.engine.try_docker(&["pull", "-q", &self.image("nothing-of-that-name")]);
            String::from_utf8_lossy(&output.stderr).contains("not found").then_some(())
        });
    }

    /// Leaves whoever asks it waiting, until it goes on.
    #[track_caller]
    pub fn pause(&self) {
        self.engine.machine().run(&format!("kill -STOP {}", self.pid()));
    }

    /// Answers whoever waits.
    #[track_caller]
    pub fn go_on(&self) {
        self.engine.machine().run(&format!("kill -CONT {}", self.pid()));
    }

    /// Ends it: nothing can be pulled.
    #[track_caller]
    pub fn stop(&self) {
        let pid = self.pid();
        self.engine.machine().run(&format!("kill {pid}; while kill -0 {pid} 2>/dev/null; do sleep 0.05; done"));
    }

    fn pid(&self) -> String {
        let pid = fs::read_to_string(self.engine.dir().join("registry.pid")).or_fail("no registry is running");
        pid.trim().to_owned()
    }
}
