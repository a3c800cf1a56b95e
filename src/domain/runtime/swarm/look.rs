//! How services and stacks are: their tasks, each slot by the one that counts.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::printed::{Mode, Printed, ServiceFields, TaskFields};
use crate::domain::{
    inventory::Service,
    member::Member,
    names::MemberName,
    observation::{Death, Observation, Reason, State, Task},
    project::fold,
    runtime::Workload,
    shell,
};

/// Shell functions; `look` prints what [`Printed`] reads.
pub(super) const SCRIPT: &str = include_str!("look.sh");

/// Longer words of the engine are cut.
const NOTE: usize = 160;

/// The names of services and stacks, as the scripts want them.
pub(super) fn names<'a>(services: impl IntoIterator<Item = &'a Service>) -> String {
    let (mut alone, mut stacks) = (Vec::new(), Vec::new());
    for service in services {
        // No name has a character that a shell would read, or a space.
        match &service.workload {
            Workload::Stack(name) => stacks.push(name.as_str()),
            other => alone.push(other.name()),
        }
    }
    format!("services={}\nstacks={}\n", shell::quote(&alone.join(" ")), shell::quote(&stacks.join(" ")))
}

/// Looks at services and stacks.
pub(super) fn snapshot(services: &[&Service]) -> String {
    format!("( {}{}look )", names(services.iter().copied()), shell::terse(SCRIPT))
}

/// Reads how services are from what [`snapshot`] printed about them.
pub(super) fn observe(printed: &[&str], services: &[&Service], at: Timestamp) -> Vec<Observation> {
    let printed = Printed::read(&printed.join("\n"));
    services
        .iter()
        .map(|service| observation(&printed, service, at).unwrap_or_else(|| absent(&printed, service, at)))
        .collect()
}

/// That one is not there is known only where all were listed.
fn absent(printed: &Printed, service: &Service, at: Timestamp) -> Observation {
    let state = if printed.listed {
        State::NotDeployed
    } else {
        let why = printed.complaint.as_deref().unwrap_or("docker service ls printed nothing about it");
        State::Unknown(why.to_owned())
    };
    Observation::bare(service.name.clone(), at, state)
}

/// Reads what a job told of it: what [`snapshot`] prints, on one line.
pub(super) fn seen(line: &str, service: &Service, at: Timestamp) -> Option<Observation> {
    observation(&Printed::read(line), service, at)
}

/// Whether what a job told says that it is not there.
pub(super) fn is_missing(line: &str, service: &Service) -> bool {
    let printed = Printed::read(line);
    printed.listed && observation(&printed, service, Timestamp::UNIX_EPOCH).is_none()
}

/// The part that a service plays: its name, without that of its stack.
pub(super) fn part<'a>(name: &'a str, stack: &str) -> &'a str {
    name.strip_prefix(stack).and_then(|rest| rest.strip_prefix('_')).filter(|_| !stack.is_empty()).unwrap_or(name)
}

fn observation(printed: &Printed, service: &Service, at: Timestamp) -> Option<Observation> {
    let own = |fields: &&ServiceFields| match &service.workload {
        Workload::Stack(stack) => fields.stack == stack.as_str(),
        other => fields.name == other.name(),
    };
    let own = printed.services.iter().filter(own);
    let members: Vec<_> = own
        .flat_map(|fields| {
            let slots = slots(printed, fields, service, at);
            if slots.is_empty() { empty(printed, fields, service, at).into_iter().collect() } else { slots }
        })
        .collect();
    (!members.is_empty()).then(|| fold(service.name.clone(), at, members))
}

/// A service that has no tasks: one that is scaled to nought, or that no node takes,
/// is there and rests; any other is about to have some.
fn empty(printed: &Printed, fields: &ServiceFields, service: &Service, at: Timestamp) -> Option<(Member, Observation)> {
    let part = MemberName::parse(part(&fields.name, &fields.stack)).ok()?;
    let (state, asked) = match fields.mode {
        _ if !printed.tasks_listed => {
            let why = printed.complaint.as_deref().unwrap_or("its tasks were not listed");
            (State::Unknown(why.to_owned()), None)
        }
        Mode::Replicated { replicas: 1.. } | Mode::ReplicatedJob {} => (State::Created, None),
        Mode::Replicated { replicas: 0 } | Mode::Global {} => (State::Exited(Death::exit(0)), Some(true)),
    };
    let id = Some(format!("{}.1", fields.name));
    let seen = Observation { id, asked, kept_up: true, ..Observation::bare(service.name.clone(), at, state) };
    Some((Member { part, number: 1 }, seen))
}

/// The slots of a service that something is wanted in, or was.
fn slots(printed: &Printed, fields: &ServiceFields, service: &Service, at: Timestamp) -> Vec<(Member, Observation)> {
    let mut slots: BTreeMap<(u32, &str), Vec<&TaskFields>> = BTreeMap::new();
    for task in printed.tasks.iter().filter(|task| task.service == fields.id) {
        // Where each node runs one, it is known by that.
        let node = if task.slot == 0 { task.node.as_str() } else { "" };
        slots.entry((task.slot, node)).or_default().push(task);
    }
    let wanted = match fields.mode {
        Mode::Replicated { replicas } => Some(replicas),
        Mode::Global {} | Mode::ReplicatedJob {} => None,
    };
    // Of what was scaled down, tasks are left for a while; of what a node was lost with, until others are made.
    let has_wanted = |tasks: &[&TaskFields]| tasks.iter().any(|task| is_wanted(task));
    let there = slots.values().filter(|tasks| has_wanted(tasks)).count();
    let mut lacking = wanted.map_or(0, |wanted| usize::try_from(wanted).unwrap_or(usize::MAX).saturating_sub(there));
    let mut members = Vec::new();
    for ((slot, node), tasks) in slots {
        let is_lacking = !has_wanted(&tasks) && lacking > 0;
        if wanted == Some(0) && !has_wanted(&tasks) {
            continue;
        }
        lacking -= usize::from(is_lacking);
        let part = part(&fields.name, &fields.stack);
        let host = printed.nodes.get(node).map_or(node, String::as_str);
        let part = if slot == 0 { format!("{part}.{host}") } else { part.to_owned() };
        let id = format!("{}.{}", fields.name, if slot == 0 { node.to_owned() } else { slot.to_string() });
        let seen = slot_observation(
            printed,
            fields,
            &tasks,
            is_lacking,
            Observation::bare(service.name.clone(), at, State::Created),
        );
        if let (Ok(part), Some(seen)) = (MemberName::parse(&part), seen) {
            members.push((Member { part, number: slot.max(1) }, Observation { id: Some(id), ..seen }));
        }
    }
    members
}

/// Whether a task is to run, or to run to its end.
fn is_wanted(task: &TaskFields) -> bool {
    !matches!(task.desired.as_str(), "shutdown" | "remove")
}

/// Whether it ended as it should not have. What is to run for ever should not end well either.
fn has_failed(task: &TaskFields, fields: &ServiceFields) -> bool {
    match task.status.state.as_str() {
        "failed" | "rejected" => true,
        "complete" => fields.kept_up && fields.mode != Mode::ReplicatedJob {} && !is_wanted(task),
        _ => false,
    }
}

/// How a slot is, beside its name: as the task that is wanted there, and as the last that failed
/// while that does not run.
fn slot_observation(
    printed: &Printed,
    fields: &ServiceFields,
    tasks: &[&TaskFields],
    is_lacking: bool,
    bare: Observation,
) -> Option<Observation> {
    let runs = |task: &TaskFields| task.status.state == "running";
    let counts = |task: &&&TaskFields| (is_wanted(task), runs(task), task.status.at);
    let task = *tasks.iter().max_by_key(counts)?;
    // What ran there just before tells why it is started, and nothing older.
    let before = tasks.iter().filter(|other| !std::ptr::eq(**other, task)).max_by_key(|other| other.status.at);
    let failed = before.copied().filter(|before| has_failed(before, fields));
    let (state, from) = match task.status.state.as_str() {
        "running" if is_wanted(task) => (State::Running, task),
        // The manager has not seen yet that it has to replace it.
        "complete" | "failed" | "rejected" if fields.kept_up && fields.mode != Mode::ReplicatedJob {} => {
            (State::Restarting { last: death(task) }, task)
        }
        "complete" | "failed" | "rejected" => (State::Exited(death(task)), task),
        _ if is_lacking => (State::Created, task),
        // Nothing is wanted there any more.
        _ if !is_wanted(task) => return None,
        _starting => match failed {
            Some(last) => (State::Restarting { last: death(last) }, last),
            None => (State::Created, task),
        },
    };
    let restarts = tasks.iter().filter(|task| has_failed(task, fields)).count();
    Some(Observation {
        restarts: u32::try_from(restarts).unwrap_or(u32::MAX),
        since: from.status.at,
        kept_up: fields.kept_up,
        task: (fields.mode == Mode::ReplicatedJob {}).then_some(Task { next: None }),
        note: note(printed, fields, task, from),
        state,
        ..bare
    })
}

/// Where it runs or ran, and what the engine says of why it does not.
fn note(printed: &Printed, fields: &ServiceFields, task: &TaskFields, from: &TaskFields) -> Option<String> {
    let node = printed.nodes.get(&from.node).map(|host| format!("on {host}"));
    let why = [&task.status.error, &from.status.error].into_iter().find(|why| !why.is_empty());
    // The status of its end is told already.
    let why = why.filter(|why| !why.starts_with("task: non-zero exit")).map(|why| why.chars().take(NOTE).collect());
    // Half of its tasks may be of the old version then.
    let paused = fields.update.as_ref().filter(|update| update.state.ends_with("paused"));
    let paused = paused.map(|update| format!("its update is paused ({})", update.message));
    let parts: Vec<String> = node.into_iter().chain(why).chain(paused).collect();
    (!parts.is_empty()).then(|| parts.join(": "))
}

/// How a task ended; one that no node could start has no status.
fn death(task: &TaskFields) -> Death {
    match task.status.code() {
        _ if task.status.state == "complete" => Death::exit(0),
        Some(code) if task.status.state == "failed" => Death::exit(code),
        Some(_) | None => Death { reason: Some(Reason::NotSetUp), ..Death::exit(125) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::names::{HostName, ServiceName, StackName};

    fn service(workload: Workload) -> Service {
        Service::new(ServiceName::parse("app").unwrap(), HostName::parse("prod").unwrap(), workload)
    }

    fn swarm(name: &str) -> Service {
        service(Workload::Swarm(StackName::parse(name).unwrap()))
    }

    /// As 20.10.24 prints it.
    const PRINTED: &str = r#"["node","irhd","m1","Ready","Active","Leader"]
["node","tg3s","m2","Ready","Active","Reachable"]
["node","jfv5","m3","Down","Active","Unreachable"]
["service","ffe5","web","",{"Replicated":{"Replicas":2}},{"Condition":"any","Delay":5000000000,"MaxAttempts":0},null]
["service","uchv","shop_crash","shop",{"Replicated":{"Replicas":1}},{"Condition":"any","MaxAttempts":0},{"State":"paused","StartedAt":"2026-11-27T08:20:00Z","Message":"update paused due to failure or early termination of task x"}]
["service","qzqb","shop_agent","shop",{"Global":{}},null,null]
["service","v5gl","nowhere","",{"Replicated":{"Replicas":1}},null,null]
["service","tmdg","once","",{"ReplicatedJob":{"MaxConcurrent":1,"TotalCompletions":1}},null,null]
["service","hiyt","noimage","",{"Replicated":{"Replicas":1}},null,null]
["service","zero","off","",{"Replicated":{"Replicas":0}},null,null]
["task","vbz8","uchv",1,"irhd","ready","{"Timestamp":"broken"}]
["task","vbz8","uchv",1,"irhd","ready",{"Timestamp":"2026-11-27T08:22:57.341625881Z","State":"ready","Message":"preparing","PortStatus":{}}]
["task","v7uk","uchv",1,"irhd","shutdown",{"Timestamp":"2026-11-27T08:22:36.429514648Z","State":"failed","Message":"started","Err":"task: non-zero exit (7)","ContainerStatus":{"ContainerID":"50f0","PID":0,"ExitCode":7},"PortStatus":{}}]
["task","xs0g","uchv",1,"tg3s","shutdown",{"Timestamp":"2026-11-27T08:22:06.009030857Z","State":"failed","Message":"started","Err":"task: non-zero exit (7)","ContainerStatus":{"ContainerID":"1510","PID":0,"ExitCode":7},"PortStatus":{}}]
["task","uw2y","qzqb",0,"irhd","running",{"Timestamp":"2026-11-27T08:22:03.719982521Z","State":"running","Message":"started","ContainerStatus":{"ContainerID":"ae76","PID":9,"ExitCode":0},"PortStatus":{}}]
["task","r3zs","qzqb",0,"tg3s","running",{"Timestamp":"2026-11-27T08:21:53.905859126Z","State":"running","Message":"started","ContainerStatus":{"ContainerID":"5244","PID":8,"ExitCode":0},"PortStatus":{}}]
["task","nb80","ffe5",1,"tg3s","running",{"Timestamp":"2026-11-27T08:21:13.76818163Z","State":"running","Message":"started","ContainerStatus":{"ContainerID":"6f7e","PID":7,"ExitCode":0},"PortStatus":{}}]
["task","xouw","ffe5",2,"jfv5","shutdown",{"Timestamp":"2026-11-27T08:21:13.745455173Z","State":"running","Message":"started","ContainerStatus":{"ContainerID":"187c","PID":6,"ExitCode":0},"PortStatus":{}}]
["task","saiu","ffe5",2,"irhd","running",{"Timestamp":"2026-11-27T08:24:23.651255379Z","State":"running","Message":"started","ContainerStatus":{"ContainerID":"797e","PID":5,"ExitCode":0},"PortStatus":{}}]
["task","pmxf","v5gl",1,"","running",{"Timestamp":"2026-11-27T08:21:53.271295516Z","State":"pending","Message":"pending task scheduling","Err":"no suitable node (scheduling constraints not satisfied on 3 nodes)","PortStatus":{}}]
["task","h7td","tmdg",0,"jfv5","complete",{"Timestamp":"2026-11-27T08:22:45.198118271Z","State":"complete","Message":"finished","ContainerStatus":{"ContainerID":"79ff","PID":0,"ExitCode":0},"PortStatus":{}}]
["task","lqpb","hiyt",1,"tg3s","ready",{"Timestamp":"2026-11-27T08:22:54.170823252Z","State":"preparing","Message":"preparing","PortStatus":{}}]
["task","5m7t","hiyt",1,"tg3s","shutdown",{"Timestamp":"2026-11-27T08:22:53.885331867Z","State":"rejected","Message":"preparing","Err":"No such image: nosuch:1","ContainerStatus":{"ContainerID":"","PID":0,"ExitCode":0},"PortStatus":{}}]
["tasks"]
["listed"]"#;

    fn look(service: &Service) -> Observation {
        one(&PRINTED.lines().collect::<Vec<_>>(), service)
    }

    fn one(printed: &[&str], service: &Service) -> Observation {
        observe(printed, &[service], Timestamp::UNIX_EPOCH).remove(0)
    }

    fn members(seen: &Observation) -> Vec<(String, State, &str)> {
        let named = |(member, one): &'_ (Member, Observation)| (member.shown([member]), one.state.clone());
        seen.members.iter().map(|one| (named(one).0, named(one).1, one.1.note.as_deref().unwrap_or_default())).collect()
    }

    #[test]
    fn each_slot_is_as_the_task_that_counts() {
        let web = look(&swarm("web"));
        assert_eq!(web.state, State::Running);
        assert_eq!(
            members(&web),
            [("web".into(), State::Running, "on m2"), ("web-2".into(), State::Running, "on m1")],
            "what a lost node is thought to run is not what counts"
        );
        let nowhere = look(&swarm("nowhere"));
        let why = "no suitable node (scheduling constraints not satisfied on 3 nodes)";
        assert_eq!(members(&nowhere), [("nowhere".into(), State::Created, why)]);
        let noimage = look(&swarm("noimage"));
        let death = Death { reason: Some(Reason::NotSetUp), ..Death::exit(125) };
        assert_eq!(
            members(&noimage),
            [("noimage".into(), State::Restarting { last: death }, "on m2: No such image: nosuch:1")]
        );
        let once = look(&swarm("once"));
        assert!(once.state.is_done() && once.task.is_some());
        let off = look(&swarm("off"));
        assert_eq!((off.state, off.asked), (State::Exited(Death::exit(0)), Some(true)), "scaled to nought");
        assert_eq!(look(&swarm("gone")).state, State::NotDeployed);
    }

    #[test]
    fn a_stack_is_all_its_services_each_without_its_name() {
        let shop = look(&service(Workload::Stack(StackName::parse("shop").unwrap())));
        assert_eq!(shop.state, State::Restarting { last: Death::exit(7) });
        let named: Vec<String> = members(&shop).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(named, ["agent.m1", "agent.m2", "crash"]);
        let crash = &shop.members[2].1;
        assert_eq!((crash.restarts, crash.id.as_deref()), (2, Some("shop_crash.1")));
        assert!(crash.kept_up);
        let note = crash.note.as_deref().unwrap();
        assert_eq!(note, "on m1: its update is paused (update paused due to failure or early termination of task x)");
    }

    #[test]
    fn only_what_ended_just_before_tells_why_one_is_started() {
        let service_line = |replicas: u8| {
            format!(
                r#"["service","ffe5","web","",{{"Replicated":{{"Replicas":{replicas}}}}},{{"Condition":"any"}},null]"#
            )
        };
        let task = |id: &str, desired: &str, state: &str, second: u8, code: u8| {
            format!(
                r#"["task","{id}","ffe5",1,"","{desired}",{{"Timestamp":"2026-11-27T08:00:{second:02}Z","State":"{state}","ContainerStatus":{{"ExitCode":{code}}}}}]"#
            )
        };
        let seen = |tasks: &[String]| {
            let lines = [&[service_line(1)], tasks, &[r#"["tasks"]"#.to_owned(), r#"["listed"]"#.to_owned()]].concat();
            one(&lines.iter().map(String::as_str).collect::<Vec<_>>(), &swarm("web"))
        };
        let (old, starts) = (task("a", "shutdown", "failed", 1, 7), task("c", "running", "starting", 9, 0));
        let deployed = seen(&[old.clone(), task("b", "shutdown", "shutdown", 5, 0), starts.clone()]);
        assert_eq!(deployed.state, State::Created, "another version took the place of one that ran well");
        // What should run for ever, and ends well again and again.
        let ends = seen(&[task("b", "shutdown", "complete", 5, 0), starts]);
        assert_eq!((ends.state, ends.restarts), (State::Restarting { last: Death::exit(0) }, 1));
        assert_eq!(seen(&[]).state, State::Created, "wanted, and not there yet");
        let unnoticed = seen(&[task("a", "running", "failed", 1, 7)]);
        let lost = seen(&[task("a", "shutdown", "running", 1, 0)]);
        assert_eq!(lost.state, State::Created, "its node is lost, and no other has it yet");
        assert_eq!(unnoticed.state, State::Restarting { last: Death::exit(7) }, "it is about to be replaced");
        let unlisted = one(&[&service_line(3), r#"["listed"]"#], &swarm("web"));
        assert!(matches!(unlisted.state, State::Unknown(_)), "{:?}", unlisted.state);
    }

    #[test]
    fn where_nothing_was_listed_nothing_is_gone() {
        let worker = "Error response from daemon: This node is not a swarm manager.";
        let seen = one(&[worker], &swarm("web"));
        assert_eq!(seen.state, State::Unknown(worker.into()));
        let odd = one(&[r#"["service","ffe5"]"#], &swarm("web"));
        assert_eq!(odd.state, State::Unknown(r#"["service","ffe5"]"#.into()), "what is not understood is shown");
    }

    #[test]
    fn a_job_tells_it_on_one_line() {
        let line = PRINTED.lines().filter(|line| !line.contains("broken")).collect::<Vec<_>>().join(" ");
        let seen = seen(&line, &swarm("web"), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(seen.members.len(), 2);
        assert!(is_missing(&line, &swarm("gone")) && !is_missing(&line, &swarm("web")));
    }
}
