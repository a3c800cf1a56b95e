//! What the doctor asks about a swarm, and what it makes of it.

use super::{
    look,
    nodes::{self, Node},
};
use crate::domain::{
    doctor::answers::{AboutService, Answers},
    inventory::Service,
    message::{code, escape},
    runtime::{Doctor, RuntimeCheck},
};

/// See the module.
#[derive(Debug)]
pub(super) struct SwarmDoctor;

/// What is asked of a login, and behind it of the nodes.
const ASK_LOGIN: &str = "\
v=$(limited 15 docker version -f '{{.Server.Version}}' 2>&1)
say swarm-engine - $? \"$v\"
v=$(limited 15 docker info -f '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}' 2>&1)
say swarm-state - $? \"$v\"
";

/// Status for a command that is not there.
const NO_COMMAND: u32 = 127;

impl Doctor for SwarmDoctor {
    fn ask_login(&self, _: &[&Service]) -> String {
        format!(
            "{ASK_LOGIN}v=$(limited 15 {} 2>&1)\nsay swarm-nodes - $? \"$(printf '%s' \"$v\" | tr '\\n' ';')\"\n",
            nodes::LIST
        )
    }

    fn ask_service(&self, number: usize, service: &Service) -> String {
        let names = look::names([service]).replace('\n', "; ");
        format!(
            "{names} v=$([ -z \"$services\" ] || limited 15 docker service ls --filter \"name=$services\" --format '{{{{.Name}}}} {{{{.Replicas}}}}' 2>&1; \
             [ -z \"$stacks\" ] || limited 15 docker service ls --filter \"label=com.docker.stack.namespace=$stacks\" --format '{{{{.Name}}}} {{{{.Replicas}}}}' 2>&1); \
             say swarm-service {number} $? \"$(printf '%s' \"$v\" | tr '\\n' ';')\""
        )
    }

    fn read_login(&self, answers: &Answers<'_>) -> Vec<RuntimeCheck> {
        let Some(engine) = answers.own("swarm-engine") else { return Vec::new() };
        if !engine.is_good() {
            let (says, next) = if engine.code == NO_COMMAND {
                (
                    "there is no docker command".to_owned(),
                    "install Docker, or correct `runtime` in the config".to_owned(),
                )
            } else {
                (
                    format!("docker does not answer this login: {}", code(&engine.words())),
                    "give the login access to the engine, or start it".to_owned(),
                )
            };
            return vec![RuntimeCheck::wrong("swarm", says, next)];
        }
        let state = answers.own("swarm-state").map(|answer| answer.words()).unwrap_or_default();
        match state.as_str() {
            "active true" => of_nodes(answers),
            "active false" => vec![RuntimeCheck::wrong(
                "swarm",
                "this node is a worker: only managers can be asked".to_owned(),
                format!("name a manager as the host of its services, or {} on one", code("docker node promote")),
            )],
            other => vec![RuntimeCheck::wrong(
                "swarm",
                format!("the engine is in no swarm: {}", code(other)),
                format!(
                    "{} or {}, or correct {} in the config",
                    code("docker swarm init"),
                    code("docker swarm join"),
                    code("runtime")
                ),
            )],
        }
    }

    fn read_service(&self, asked: &AboutService<'_, '_>, service: &Service) -> Vec<RuntimeCheck> {
        let Some(answer) = asked.get("swarm-service") else { return Vec::new() };
        let name = service.workload.name();
        let all = answer.words();
        // The engine also finds what only begins like that.
        let is_own = |line: &&str| service.workload.noun() == "stack" || line.split(' ').next() == Some(name);
        let own: Vec<&str> = all.split(';').map(str::trim).filter(|line| !line.is_empty()).filter(is_own).collect();
        let noun = service.workload.noun();
        vec![match own[..] {
            [] => RuntimeCheck::wrong(
                "swarm",
                format!("there is no {noun} {}", code(name)),
                format!(
                    "deploy it, or correct its name: {} lists them",
                    code(if noun == "stack" { "docker stack ls" } else { "docker service ls" })
                ),
            ),
            _ => RuntimeCheck::fine("swarm", format!("{noun} {}: {}", code(name), escape(&own.join(", ")))),
        }]
    }
}

/// A swarm whose managers are fewer than three is lost with one of them.
fn of_nodes(answers: &Answers<'_>) -> Vec<RuntimeCheck> {
    let said = answers.own("swarm-nodes").map(|answer| answer.words()).unwrap_or_default();
    let nodes: Vec<Node<'_>> = said.split(';').filter_map(Node::read).collect();
    let managers = nodes.iter().filter(|node| node.is_manager()).count();
    let mut found = vec![RuntimeCheck::fine("swarm", format!("{} nodes, {managers} of them managers", nodes.len()))];
    found.extend(nodes.iter().filter(|node| !node.is_ready()).map(|node| {
        RuntimeCheck::wrong(
            "swarm",
            format!("its node {} is away", code(node.name)),
            "start it, or take it out: `docker node rm`",
        )
    }));
    if managers == 2 {
        let says = "with 2 managers, it cannot be changed any more once one is away";
        found.push(RuntimeCheck::doubtful("swarm", says, "have 1, 3 or 5"));
    }
    found
}
