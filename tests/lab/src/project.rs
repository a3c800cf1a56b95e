//! Compose projects: what the services of a small company look like on a host. A bare repository that stands for the remote,
//! a clone of it that is deployed, a Dockerfile, a compose file, and a secret that git ignores.
//!
//! The application in it is a shell script that does what its plan says: it runs, crashes, leaks memory or exits.

use std::path::PathBuf;
use std::time::Duration;

use crate::docker::BASE_IMAGE;
use crate::host::Host;
use crate::machine::{OPS, SVC, User};
use crate::wait::{OrFail as _, PATIENCE, wait_until};

/// The engine starts what crashes again after at most a minute.
const LIMIT: Duration = Duration::from_secs(90);

/// What the application does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    Runs,
    Crashes,
    Exits(u8),
    LeaksMemory,
}

/// A project before it exists. The last word of the sentence creates it: `.healthy()`, `.crash_loops()`, …
#[derive(Debug)]
pub struct ProjectPlan {
    host: Host,
    name: String,
    health_check: bool,
    networked: bool,
    compose_lines: String,
    neighbours: Vec<(String, String, String)>,
    user: User,
}

impl ProjectPlan {
    pub(crate) fn new(host: Host, name: &str) -> Self {
        Self {
            host,
            name: name.to_owned(),
            health_check: false,
            networked: false,
            compose_lines: String::new(),
            neighbours: Vec::new(),
            user: OPS,
        }
    }

    /// With a health check, every second.
    pub fn with_health_check(mut self) -> Self {
        self.health_check = true;
        self
    }

    /// With the network that compose makes for a project; without it, it starts faster.
    pub fn networked(mut self) -> Self {
        self.networked = true;
        self
    }

    /// Belonging to `svc` instead of to the login user, who becomes that one with sudo.
    pub fn of_svc(mut self) -> Self {
        self.user = SVC;
        self
    }

    /// Another line for the service in the compose file, such as `stop_grace_period: 1s`.
    pub fn compose(mut self, line: &str) -> Self {
        self.compose_lines.push_str(&format!("    {line}\n"));
        self
    }

    /// With another container in the project: this shell command, restarted by that policy.
    pub fn neighbour(mut self, name: &str, command: &str, restart: &str) -> Self {
        self.neighbours.push((name.to_owned(), command.to_owned(), restart.to_owned()));
        self
    }

    /// Deployed and running (healthy, when it has a health check).
    #[track_caller]
    pub fn healthy(self) -> Project {
        let health_check = self.health_check;
        let project = self.create(Behaviour::Runs).deployed();
        project.wait_for_state("running");
        if health_check {
            project.wait_for_health("healthy");
        }
        project
    }

    /// Deployed, and its process ends with status 1 at once, again and again.
    #[track_caller]
    pub fn crash_loops(self) -> Project {
        self.create(Behaviour::Crashes).deployed()
    }

    /// Deployed, and killed by the kernel for the memory it wants, again and again.
    #[track_caller]
    pub fn oom(self) -> Project {
        self.create(Behaviour::LeaksMemory).deployed()
    }

    /// Deployed, and ended with this status; it is not started again.
    #[track_caller]
    pub fn exits(self, code: u8) -> Project {
        let project = self.create(Behaviour::Exits(code)).deployed();
        project.wait_for_state("exited");
        project
    }

    /// Cloned, and never started.
    #[track_caller]
    pub fn not_deployed(self) -> Project {
        self.create(Behaviour::Runs)
    }

    #[track_caller]
    fn create(self, behaviour: Behaviour) -> Project {
        let unique = self.host.lab().unique(&self.name);
        let restart = if matches!(behaviour, Behaviour::Exits(_)) { "\"no\"" } else { "unless-stopped" };
        let mut compose = format!(
            "services:\n  app:\n    build: .\n    image: {unique}\n    container_name: {unique}\n    env_file: .env\n    restart: {restart}\n"
        );
        if !self.networked {
            compose.push_str("    network_mode: host\n");
        }
        if behaviour == Behaviour::LeaksMemory {
            compose.push_str("    mem_limit: 16m\n    memswap_limit: 16m\n");
        }
        if self.health_check {
            compose.push_str(
                "    healthcheck:\n      test: [CMD-SHELL, \"test ! -e /tmp/unhealthy\"]\n      \
                 interval: 1s\n      timeout: 2s\n      retries: 2\n",
            );
        }
        compose.push_str(&self.compose_lines);
        for (name, command, restart) in &self.neighbours {
            compose.push_str(&format!(
                "  {name}:\n    image: {BASE_IMAGE}\n    container_name: {unique}-{name}\n    network_mode: host\n    \
                 stop_grace_period: 1s\n    restart: \"{restart}\"\n    command: [sh, -c, \"{command}\"]\n"
            ));
        }
        let dockerfile = format!("FROM {BASE_IMAGE}\nCOPY app.sh greeting /\nCMD [\"/app.sh\"]\n");
        let greeting = format!("hello from {}\n", self.name);
        let project =
            Project { container: unique.clone(), below: "", host: self.host, name: self.name, unique, user: self.user };
        project.make_repositories(&[
            (".gitignore", ".env\n"),
            ("compose.yaml", &compose),
            ("app.sh", &app(behaviour)),
            ("Dockerfile", &dockerfile),
            ("greeting", &greeting),
        ]);
        let env = project.dir().join(".env");
        project.host.run_as(&project.user, &format!("printf 'SECRET=%s\\n' {} >{}", project.secret(), env.display()));
        project
    }
}

/// The application. It ends at SIGTERM, and at SIGUSR1 with the status somebody left in /tmp/exit-code. At SIGUSR2 it wants
/// more memory than it may have, and while there is a /tmp/dies-after it ends with status 7 after so many seconds.
fn app(behaviour: Behaviour) -> String {
    let does = match behaviour {
        Behaviour::Runs => "i=0; while :; do sleep 1 & wait $!; i=$((i+1)); \
             [ ! -e /tmp/dies-after ] || [ $i -lt $(cat /tmp/dies-after) ] || { echo 'fatal: lost the database' >&2; exit 7; }; done"
            .to_owned(),
        Behaviour::Crashes => "echo 'fatal: cannot open the database' >&2; exit 1".to_owned(),
        Behaviour::Exits(code) => format!("exit {code}"),
        Behaviour::LeaksMemory => "x=$(head -c 200000000 /dev/zero | tr '\\0' a); echo $?; exit 137".to_owned(),
    };
    format!(
        "#!/bin/sh\ntrap 'echo stopping; exit 0' TERM\ntrap 'exit $(cat /tmp/exit-code)' USR1\n\
         trap 'x=$(head -c 200000000 /dev/zero | tr \"\\0\" a)' USR2\n\
         echo \"$(cat /greeting)\"\n{does}\n"
    )
}

/// A compose project on a host. Its containers go when the value goes.
#[derive(Debug)]
pub struct Project {
    host: Host,
    name: String,
    unique: String,
    container: String,
    /// Where in the clone its compose file is.
    below: &'static str,
    /// Whom it belongs to.
    user: User,
}

impl Project {
    /// A project made of these files, with its compose file `below` the top; nothing is deployed.
    #[track_caller]
    pub(crate) fn of_files(
        host: &Host,
        name: &str,
        container: &str,
        below: &'static str,
        files: &[(&str, &str)],
    ) -> Self {
        let unique = host.lab().unique(name);
        let project = Self {
            host: host.clone(),
            name: name.to_owned(),
            unique,
            container: container.to_owned(),
            below,
            user: OPS,
        };
        project.make_repositories(files);
        project
    }

    // --- what it is ---

    /// The name a test gave it: what people call the service.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its container's name, unique on its engine.
    pub fn container(&self) -> &str {
        &self.container
    }

    /// What Compose calls it: after its directory.
    pub fn compose_name(&self) -> &str {
        &self.unique
    }

    /// The deployed clone, or what of it has the compose file, seen from the host.
    pub fn dir(&self) -> PathBuf {
        match self.below {
            "" => self.clone_dir(),
            below => self.clone_dir().join(below),
        }
    }

    /// Whom it belongs to, where that is not the login user.
    pub fn run_as(&self) -> Option<&'static str> {
        (self.user != OPS).then_some(self.user.name)
    }

    fn clone_dir(&self) -> PathBuf {
        self.user.home().join(&self.unique)
    }

    /// The branch it follows.
    pub fn branch(&self) -> &'static str {
        "master"
    }

    /// The host it is on.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The secret in the file git ignores.
    pub fn secret(&self) -> String {
        format!("secret-of-{}", self.unique)
    }

    // --- what is seen of it ---

    /// `docker inspect -f`, or nothing when there is no such container.
    #[track_caller]
    pub fn inspect(&self, format: &str) -> Option<String> {
        let output = self.host.engine().try_docker(&["inspect", "-f", format, self.container()]);
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// `running`, `exited`, `restarting`, …; `none` when there is no such container.
    #[track_caller]
    pub fn state(&self) -> String {
        self.inspect("{{.State.Status}}").unwrap_or_else(|| "none".to_owned())
    }

    /// Waits for that state.
    #[track_caller]
    pub fn wait_for_state(&self, state: &str) {
        wait_until(PATIENCE, format_args!("{} to be {state}", self.unique), || (self.state() == state).then_some(()));
    }

    /// Waits for that health.
    #[track_caller]
    pub fn wait_for_health(&self, health: &str) {
        let format = "{{if .State.Health}}{{.State.Health.Status}}{{end}}";
        wait_until(PATIENCE, format_args!("{} to be {health}", self.unique), || {
            (self.inspect(format).as_deref() == Some(health)).then_some(())
        });
    }

    /// Waits until it was restarted by policy this often.
    #[track_caller]
    pub fn wait_for_restarts(&self, count: u32) {
        wait_until(PATIENCE, format_args!("{} to have restarted {count} times", self.unique), || {
            let restarts: u32 = self.inspect("{{.RestartCount}}")?.parse().ok()?;
            (restarts >= count).then_some(())
        });
    }

    /// What it wrote, both streams.
    #[track_caller]
    pub fn logs(&self) -> String {
        let output = self.host.engine().try_docker(&["logs", self.container()]);
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// The commit that is checked out where it is deployed.
    #[track_caller]
    pub fn commit(&self) -> String {
        self.host.run_as(&self.user, &format!("git -C {} rev-parse HEAD", self.dir().display()))
    }

    /// The newest commit of the remote.
    #[track_caller]
    pub fn remote_commit(&self) -> String {
        self.host.run_as(&self.user, &format!("git -C {} rev-parse HEAD", self.workshop()))
    }

    // --- what happens to it ---

    /// `docker compose up -d --build`, as its owner would by hand.
    #[track_caller]
    pub fn deploy(&self) {
        self.host.run_as(
            &self.user,
            &format!("cd {} && docker compose --progress plain up -d --build 2>&1", self.dir().display()),
        );
    }

    #[track_caller]
    fn deployed(self) -> Self {
        self.deploy();
        self
    }

    /// Its process ends by itself with this status. (`docker kill` would look like somebody's intent. Detached,
    /// because the engine kills an exec whose container ends, and then reports that as the exec's failure.)
    #[track_caller]
    pub fn crash_now(&self, code: u8) {
        let script = format!("echo {code} >/tmp/exit-code; kill -USR1 1");
        self.host.engine().docker(&["exec", "--detach", self.container(), "sh", "-c", &script]);
    }

    /// Its process ends by itself now, and again after each so many seconds.
    #[track_caller]
    pub fn crash_every(&self, seconds: u32) {
        let script = format!("echo {seconds} >/tmp/dies-after; echo 7 >/tmp/exit-code; kill -USR1 1");
        self.host.engine().docker(&["exec", "--detach", self.container(), "sh", "-c", &script]);
    }

    /// Ends [`Self::crash_every`], between two crashes.
    #[track_caller]
    pub fn stop_crashing(&self) {
        wait_until(LIMIT, format_args!("{} to run and be told to go on", self.unique), || {
            let args = ["exec", self.container(), "rm", "-f", "/tmp/dies-after"];
            self.host.engine().try_docker(&args).status.success().then_some(())
        });
    }

    /// It wants more memory than its `mem_limit`, for which the kernel kills it.
    #[track_caller]
    pub fn leak_memory(&self) {
        self.host.engine().docker(&["exec", "--detach", self.container(), "kill", "-USR2", "1"]);
    }

    /// Somebody outside of the container kills its process, past the engine: a real SIGKILL, as from the kernel.
    #[track_caller]
    pub fn sigkill(&self) {
        let process = self.inspect("{{.State.Pid}}").unwrap_or_default();
        let beside = ["run", "--rm", "--pid", "host", "--network", "host", BASE_IMAGE];
        self.host.engine().docker(&[&beside[..], &["kill", "-9", &process]].concat());
    }

    /// Its health check fails from now on.
    #[track_caller]
    pub fn become_unhealthy(&self) {
        self.host.engine().docker(&["exec", self.container(), "touch", "/tmp/unhealthy"]);
    }

    /// Its health check succeeds again.
    #[track_caller]
    pub fn become_healthy(&self) {
        self.host.engine().docker(&["exec", self.container(), "rm", "-f", "/tmp/unhealthy"]);
    }

    /// Its container is gone, as after `docker compose down`.
    #[track_caller]
    pub fn remove(&self) {
        self.host.engine().docker(&["rm", "-f", self.container()]);
    }

    // --- what its developers do ---

    /// A new commit on the remote, after which it greets differently. Gives the commit.
    #[track_caller]
    pub fn push_commit(&self, greeting: &str) -> String {
        self.push(&format!("cat >greeting && git commit -qam {}", quoted(greeting)), greeting.as_bytes())
    }

    /// A new commit on the remote whose image does not build.
    #[track_caller]
    pub fn break_build(&self) -> String {
        self.push(
            "echo 'RUN echo this step fails >&2; exit 7' >>Dockerfile && git commit -qam 'A step that fails'",
            b"",
        )
    }

    /// A new commit on the remote whose image takes this many seconds to build, a line of output each.
    #[track_caller]
    pub fn slow_build(&self, seconds: u32) -> String {
        // The name makes the step unlike any other test's: the engine would take that one's result.
        let step = format!(
            "RUN i=0; while [ $i -lt {seconds} ]; do i=$((i+1)); echo {} slow step $i of {seconds}; sleep 1; done",
            self.container()
        );
        self.push(&format!("printf '%s\\n' {} >>Dockerfile && git commit -qam 'A slow step'", quoted(&step)), b"")
    }

    /// A new commit on the remote with which it crashes as soon as it starts.
    #[track_caller]
    pub fn push_crashing(&self) -> String {
        self.push("cat >app.sh && git commit -qam 'Crash at start'", app(Behaviour::Crashes).as_bytes())
    }

    /// A new commit on the remote with which it runs (again).
    #[track_caller]
    pub fn push_running(&self) -> String {
        self.push("cat >app.sh && git commit -qam 'Run'", app(Behaviour::Runs).as_bytes())
    }

    /// Any change to the sources (sh, in a clone of them, `input` on standard input), committed by the script; pushed.
    #[track_caller]
    pub fn push(&self, script: &str, input: &[u8]) -> String {
        let script =
            format!("set -e; cd {}; {script}; git push -q origin HEAD:master; git rev-parse HEAD", self.workshop());
        let output = self.host.try_run_as(&self.user, &script, input);
        assert!(
            output.status.success(),
            "lab: cannot push to {}: {}",
            self.unique,
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).lines().last().or_fail("git gave no commit").trim().to_owned()
    }

    /// The remote is gone, as with a server that is down.
    #[track_caller]
    pub fn break_remote(&self) {
        self.host.run_as(&self.user, &format!("mv {0} {0}.away", self.remote()));
    }

    /// The remote is back.
    #[track_caller]
    pub fn mend_remote(&self) {
        self.host.run_as(&self.user, &format!("mv {0}.away {0}", self.remote()));
    }

    /// The remote repository, seen from the host.
    pub fn remote(&self) -> String {
        format!("{}/git/{}.git", self.grounds(), self.unique)
    }

    /// Where its developers work.
    fn workshop(&self) -> String {
        format!("{}/dev/{}", self.grounds(), self.unique)
    }

    /// Where its user may make directories.
    fn grounds(&self) -> String {
        if self.user == OPS { "/srv".to_owned() } else { self.user.home().display().to_string() }
    }

    #[track_caller]
    fn make_repositories(&self, files: &[(&str, &str)]) {
        let (remote, workshop, clone) = (self.remote(), self.workshop(), self.clone_dir());
        let mut script = format!(
            "set -e
             [ -e ~/.gitconfig ] || {{ git config --global user.name Lab; git config --global user.email lab@lab.test; \
               git config --global init.defaultBranch master; }}
             git init -q --bare {remote}
             git init -q {workshop} && cd {workshop}\n"
        );
        for (path, text) in files {
            let mode = if path.ends_with(".sh") { 755 } else { 644 };
            script.push_str(&format!(
                "mkdir -p $(dirname {path}) && printf %s {} >{path} && chmod {mode} {path}\n",
                quoted(text)
            ));
        }
        script.push_str(&format!(
            "git add . && git commit -qm 'The first version'
             git remote add origin {remote} && git push -q origin HEAD:master
             git clone -q {remote} {}",
            clone.display()
        ));
        self.host.run_as(&self.user, &script);
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // When the engine or the host is gone already, so is the container.
        drop(self.host.engine().command().args(["rm", "-f", self.container()]).output());
        let of_project = format!("label=com.docker.compose.project={}", self.unique);
        let found = self.host.engine().command().args(["ps", "-aq", "--filter", &of_project]).output();
        let found = found.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        for neighbour in found.split_whitespace() {
            drop(self.host.engine().command().args(["rm", "-f", neighbour]).output());
        }
    }
}

/// Quoted for sh.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
