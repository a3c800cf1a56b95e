//! What a swarm runs: its stacks, and services of none.

use std::collections::BTreeMap;

use crate::domain::{
    discovery::{Found, Shown, Sought},
    names::StackName,
    runtime::{Workload, container},
    shell,
};

/// One service as JSON: its name and its stack.
const FORMAT: &str = "[{{json .Spec.Name}},{{json (index .Spec.Labels \"com.docker.stack.namespace\")}}]";

/// A command that prints each service on a line; nothing where there is no swarm,
/// or where another node manages it.
pub(super) fn list(sought: &Sought) -> String {
    format!(
        "command -v docker >/dev/null || exit 0\n\
         [ \"$(docker info -f '{{{{.Swarm.ControlAvailable}}}}' 2>/dev/null)\" = true ] || exit 0\n\
         s=$(docker service ls -q{}) || exit\n\
         [ -z \"$s\" ] || docker service inspect -f {} $s",
        container::labelled(sought),
        shell::quote(FORMAT)
    )
}

/// Reads what [`list`] printed.
pub(super) fn read(printed: &str) -> Shown {
    let mut shown = Shown::default();
    let mut stacks: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in printed.lines().filter(|line| !line.trim().is_empty()) {
        match serde_json::from_str::<[String; 2]>(line) {
            Ok([name, stack]) if stack.is_empty() => takes(&mut shown, &name, 1, Workload::Swarm),
            Ok([name, stack]) => stacks.entry(stack).or_default().push(name),
            Err(_) => shown.refused.push(line.to_owned()),
        }
    }
    for (stack, services) in stacks {
        takes(&mut shown, &stack, services.len(), Workload::Stack);
    }
    shown
}

fn takes(shown: &mut Shown, name: &str, services: usize, of: fn(StackName) -> Workload) {
    let state = format!("{services} {}", if services == 1 { "service" } else { "services" });
    match StackName::parse(name) {
        Ok(name) => shown.found.push(Found { workload: of(name), parts: Vec::new(), dir: None, state }),
        Err(_) => shown.refused.push(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_and_lone_services_are_found() {
        let shown =
            read("[\"shop_web\",\"shop\"]\n[\"shop_db\",\"shop\"]\n[\"proxy\",\"\"]\n[\"x\",\"a b\"]\nno swarm\n");
        let told: Vec<_> = shown.found.iter().map(|found| (found.workload.name(), found.state.as_str())).collect();
        assert_eq!(told, [("proxy", "1 service"), ("shop", "2 services")]);
        assert_eq!(shown.refused, ["no swarm", "a b"]);
    }
}
