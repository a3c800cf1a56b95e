//! What the doctor asks about Docker and Compose, and what it makes of it.

mod compose;

use crate::domain::{
    doctor::answers::{AboutService, Answer, Answers},
    inventory::{Service, Strategy},
    message::{code, escape},
    runtime::{Doctor, RuntimeCheck},
    shell,
};

/// Shell functions. Shown as a file of its own, so that an administrator can
/// read it in a minute.
const FUNCTIONS: &str = include_str!("doctor.sh");

/// See the module.
#[derive(Debug)]
pub(super) struct DockerDoctor;

impl Doctor for DockerDoctor {
    fn functions(&self) -> &'static str {
        FUNCTIONS
    }

    fn ask_login(&self, services: &[&Service]) -> String {
        let compose = services.iter().any(|service| needs_compose(service));
        format!("docker_engine\ndocker=$?\n{}", if compose { "compose_itself\n" } else { "" })
    }

    fn ask_directory(&self, number: usize, service: &Service) -> String {
        if needs_compose(service) { format!("compose_file {number}") } else { String::new() }
    }

    fn ask_service(&self, number: usize, service: &Service) -> String {
        let name = shell::quote(service.workload.name());
        let (ask, place) =
            if service.workload.is_project() { ("project", format!("+{name}")) } else { ("container", name.clone()) };
        let kept = match service.dir {
            Some(_) => format!("; kept {number} {place} {}", service.update.strategy.name()),
            None => String::new(),
        };
        format!("{ask} {number} {name}{kept}")
    }

    fn read_login(&self, answers: &Answers<'_>) -> Vec<RuntimeCheck> {
        let Some(docker) = answers.own("docker") else { return Vec::new() };
        let mut found = vec![engine(answers, docker)];
        if docker.code != NO_COMMAND {
            found.extend(answers.own("compose").map(compose_itself));
        }
        found
    }

    fn read_service(&self, asked: &AboutService<'_, '_>, service: &Service) -> Vec<RuntimeCheck> {
        compose::read(asked, service)
    }
}

/// The shell's status for a command that is not there.
const NO_COMMAND: u32 = 127;
/// timeout(1)'s status when the time was over.
const TIMED_OUT: u32 = 124;

/// Whether its changes go through Compose.
fn needs_compose(service: &Service) -> bool {
    service.dir.is_some()
        && match service.update.strategy {
            Strategy::ComposeGit | Strategy::ComposePull => true,
            Strategy::Git { .. } | Strategy::Pull | Strategy::Command { .. } => false,
        }
}

fn engine(answers: &Answers<'_>, docker: Answer<'_>) -> RuntimeCheck {
    let said = docker.words();
    if docker.is_good() {
        return RuntimeCheck::fine("docker", format!("the engine answers, {}", escape(&said)));
    }
    if docker.code == NO_COMMAND {
        return RuntimeCheck::wrong(
            "docker",
            "there is no docker command, or not in the PATH of a login without a terminal",
            "install Docker, or put its directory into the PATH in /etc/environment",
        );
    }
    let lower = said.to_lowercase();
    if lower.contains("permission denied") {
        return forbidden(answers);
    }
    if ["is the docker daemon running", "failed to connect to the docker api"].iter().any(|s| lower.contains(s)) {
        return RuntimeCheck::wrong(
            "docker",
            format!("the engine does not run{}", instead(&said)),
            format!("{} as root on {}", code("systemctl start docker"), escape(answers.host)),
        );
    }
    let said = if docker.code == TIMED_OUT { "no answer within 15 s".to_owned() } else { said };
    RuntimeCheck::wrong(
        "docker",
        format!("docker fails{}", instead(&said)),
        format!("run {} there as that login", code("docker version")),
    )
}

/// The login may not use the engine.
fn forbidden(answers: &Answers<'_>) -> RuntimeCheck {
    // The group's name is the socket's; where that cannot be seen, Docker's own.
    let socket = answers.own("socket").map(Answer::words).filter(|group| !group.is_empty());
    let group = socket.unwrap_or_else(|| "docker".to_owned());
    let groups = answers.own("groups").map(Answer::words).unwrap_or_default();
    let login = answers.own("login").map(Answer::words).unwrap_or_default();
    if groups.split(' ').any(|member| member == group) {
        return RuntimeCheck::wrong(
            "docker",
            format!("{} is in the group {}, but has been logged in for longer", escape(&login), escape(&group)),
            "restart the bot: it counts from the next login",
        );
    }
    RuntimeCheck::wrong(
        "docker",
        format!("{} may not use the engine: not in the group {}", escape(&login), escape(&group)),
        format!(
            "{} as root on {}, then restart the bot: it counts from the next login",
            code(&format!("usermod -aG {group} {login}")),
            escape(answers.host)
        ),
    )
}

fn compose_itself(compose: Answer<'_>) -> RuntimeCheck {
    if compose.is_good() {
        return RuntimeCheck::fine("compose", escape(&compose.words()));
    }
    RuntimeCheck::wrong(
        "compose",
        format!("there is no Compose v2{}", instead(&compose.words())),
        format!("install it: {} or {}", code("docker-compose-plugin"), code("docker-compose-v2")),
    )
}

/// What a tool said instead of what was asked for.
fn instead(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {}", code(said)) }
}
