//! The bot in a container: deployed on a host from a clone with the shipped compose file, as its administrator would.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use crate::bot::{BotPlan, Outlook, READY_LIMIT};
use crate::dock::{BUILT_IMAGE, Dock, docker_files};
use crate::host::Host;
use crate::person::Speaker;
use crate::project::Project;
use crate::synapse::Account;
use crate::wait::{OrFail as _, wait_or, wait_until};

/// The user that the image's bot runs as.
const USER: u32 = 10_001;

/// Where the config is, seen from inside.
const CONFIG: &str = "/etc/opsroom";

/// A bot in a container.
#[derive(Debug)]
pub struct BotContainer {
    account: Account,
    project: Project,
    /// What is mounted at [`CONFIG`].
    config: PathBuf,
    ready: String,
}

impl Speaker for BotContainer {
    fn user(&self) -> &str {
        &self.account.user
    }
}

impl BotPlan {
    /// Registers the bot, has it invited, and puts its deployment on the dock's host; nothing is started.
    ///
    /// `more` is the service's part of `compose.override.yaml`, indented by four; `lines` are TOML for the service in the
    /// bot's config that the bot itself is.
    #[track_caller]
    pub fn contained(mut self, dock: &Dock, more: &str, lines: &str) -> BotContainer {
        let account = dock.homeserver().register("opsroom");
        let project = deployment(dock.host());
        // A bot that may update itself knows its own container as a service.
        self = self.service_with(&project, lines);
        let config = dock.lab().dir("etc-opsroom");
        let inside = Path::new(CONFIG);
        let text = self.config_text(
            &account.user,
            &Outlook {
                homeserver: dock.homeserver().secure_url(),
                password: inside.join("matrix-password"),
                recovery_key: PathBuf::from("/var/lib/opsroom/recovery-key"),
                key: inside.join("id_ed25519"),
                state: PathBuf::from("/var/lib/opsroom"),
                wired: true,
            },
        );
        let key = fs::read_to_string(dock.lab().key().path()).or_fail("cannot read the lab's key");
        let authority = fs::read_to_string(dock.authority().file()).or_fail("cannot read the authority's certificate");
        for (name, text) in [
            ("config.toml", &text),
            ("matrix-password", &account.password),
            ("id_ed25519", &key),
            ("ca.pem", &authority),
        ] {
            let path = config.join(name);
            fs::write(&path, text).or_fail(format!("cannot write {name}"));
            fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).or_fail("cannot set a mode");
            chown(&path, Some(USER), Some(USER)).or_fail("cannot give a file to the bot");
        }
        let overrides = format!(
            "services:\n  opsroom:\n    dns: [{}]\n    environment: {{ SSL_CERT_FILE: {CONFIG}/ca.pem }}\n{more}",
            dock.name_server()
        );
        let bot = BotContainer { account, config, ready: self.ready_line(), project };
        bot.write("compose.override.yaml", &overrides);
        bot.write(".env", &format!("OPSROOM_ETC={}\n", bot.config.display()));
        self.send_invites(&bot);
        bot
    }
}

/// A repository like the shipped one, whose image takes no compiling, cloned on the host.
#[track_caller]
fn deployment(host: &Host) -> Project {
    let shipped = |name: &str| fs::read_to_string(docker_files().join(name)).or_fail(format!("cannot read {name}"));
    let dockerfile = format!("FROM {BUILT_IMAGE}\nLABEL release=1\n");
    Project::of_files(
        host,
        "opsroom",
        "opsroom",
        "docker",
        &[
            ("docker/compose.yaml", &shipped("compose.yaml")),
            ("docker/.gitignore", &shipped(".gitignore")),
            ("docker/Dockerfile", &dockerfile),
        ],
    )
}

impl BotContainer {
    /// Its deployment: a service like others, which it can update itself.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// What is mounted as its config.
    pub fn config_dir(&self) -> &Path {
        &self.config
    }

    /// `docker compose …` on the host, in its directory; fails when it fails.
    #[track_caller]
    pub fn compose(&self, arguments: &str) -> String {
        self.project.host().run(&format!("cd {} && docker compose {arguments} 2>&1", self.project.dir().display()))
    }

    /// `docker compose up -d`, and waits until it serves its rooms.
    #[track_caller]
    pub fn start(&self) {
        self.compose("up -d");
        self.wait_until_ready();
    }

    /// Waits until the process that runs now serves its rooms.
    #[track_caller]
    pub fn wait_until_ready(&self) {
        let ready = || {
            let state = self.project.state();
            assert!(
                matches!(state.as_str(), "running" | "created"),
                "lab: the bot is {state}; it logged:\n{}",
                self.log()
            );
            self.log().contains(&self.ready).then_some(())
        };
        wait_or(READY_LIMIT, ready, || format!("the bot to be ready; it logged:\n{}", self.log()));
    }

    /// What the process that runs now, or ran last, logged.
    #[track_caller]
    pub fn log(&self) -> String {
        let Some(since) = self.project.inspect("{{.State.StartedAt}}") else { return String::new() };
        let engine = self.project.host().engine();
        let output = engine.try_docker(&["logs", "--since", &since, self.project.container()]);
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// Its container's ID.
    #[track_caller]
    pub fn id(&self) -> String {
        self.project.inspect("{{.Id}}").or_fail("the bot has no container")
    }

    /// Waits for that health.
    #[track_caller]
    pub fn wait_for_health(&self, health: &str, limit: Duration) {
        wait_until(limit, format_args!("the bot to be {health}"), || {
            (self.project.inspect("{{.State.Health.Status}}")? == health).then_some(())
        });
    }

    /// Runs `docker/verify.sh` beside the engine: all that it says about a container of the dock.
    #[track_caller]
    pub fn verified(dock: &Dock, container: &str) -> Output {
        let script = docker_files().join("verify.sh");
        dock.engine().try_run_beside(&format!("{} {container}", script.display()))
    }

    #[track_caller]
    fn write(&self, name: &str, text: &str) {
        let path = self.project.dir().join(name);
        let output = self.project.host().try_run(&format!("cat >{}", path.display()), text.as_bytes());
        assert!(output.status.success(), "lab: cannot write {name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
