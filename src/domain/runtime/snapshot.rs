//! Snapshots of a host: one command line for all its services, however many
//! runtimes and logins they have.

use jiff::Timestamp;

use super::{Runtime, by_runtime};
use crate::domain::{
    inventory::Service,
    names::LoginName,
    observation::{Disk, HostFacts, Observation, SnapshotError, State},
    shell,
};

/// Marks where one group's answers begin: what a login says of a runtime.
const GROUP: &str = "::opsroom-as ";
/// The group in which the host speaks of itself. No login is called like that.
const HOST: &str = ":host";

/// Services that are looked at with one tool by one login.
struct Group<'a> {
    login: Option<&'a LoginName>,
    runtime: &'static dyn Runtime,
    services: Vec<&'a Service>,
}

impl<'a> Group<'a> {
    /// In the order of the config.
    fn all(services: impl IntoIterator<Item = &'a Service>) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for (runtime, services) in by_runtime(services) {
            let first = groups.len();
            for service in services {
                let login = service.run_as.as_ref();
                match groups[first..].iter_mut().find(|group| group.login == login) {
                    Some(group) => group.services.push(service),
                    None => groups.push(Self { login, runtime, services: vec![service] }),
                }
            }
        }
        groups
    }

    fn mark(&self) -> String {
        format!("{GROUP}{} {}", self.runtime.label(), self.login.map_or("", |login| login.as_str()))
    }
}

/// One command line that looks at all the services of a host.
pub fn command<'a>(services: impl IntoIterator<Item = &'a Service>) -> String {
    let ask = |group: &Group<'_>| {
        let command = shell::script(group.login, &group.runtime.snapshot(&group.services));
        format!("echo {}; {command} 2>&1", shell::quote(&group.mark()))
    };
    let groups = Group::all(services);
    let mut parts: Vec<String> = groups.iter().map(ask).collect();
    parts.push(facts(groups.iter().map(|group| group.runtime)));
    parts.join("; ")
}

/// The directories of a host whose disks matter to these, as words of a command.
pub(in crate::domain) fn disks(runtimes: impl Iterator<Item = &'static dyn Runtime>) -> String {
    let mut disks = vec!["/"];
    for disk in runtimes.flat_map(|runtime| runtime.disks()) {
        if !disks.contains(disk) {
            disks.push(disk);
        }
    }
    disks.join(" ")
}

/// What a host says of itself, without asking what runs there.
fn facts(runtimes: impl Iterator<Item = &'static dyn Runtime>) -> String {
    let (mark, disks) = (shell::quote(&format!("{GROUP}{HOST}")), disks(runtimes));
    format!("echo {mark}; cat /proc/sys/kernel/random/boot_id 2>/dev/null; df -P -k {disks} 2>/dev/null; true")
}

/// Reads what [`command`] printed. A service that is neither shown nor named as
/// unknown is [`State::Unknown`] with what was printed instead. When that is so
/// of all services of a runtime, the runtime is to blame; when it is the only
/// one, nothing was seen at all.
pub fn read<'a>(
    output: &str,
    services: impl IntoIterator<Item = &'a Service>,
    at: Timestamp,
) -> (HostFacts, Result<Vec<Observation>, SnapshotError>) {
    let groups = Group::all(services);
    let mut facts = read_facts(output);
    let mut seen: Vec<Observation> = Vec::new();
    // What each runtime shows to any of its logins.
    let mut by_runtime: Vec<(&str, Vec<Observation>)> = Vec::new();
    for group in &groups {
        let lines: Vec<&str> = section(output, &group.mark()).collect();
        let observed = group.runtime.observe(&lines, &group.services, at);
        seen.extend(observed.iter().cloned());
        match by_runtime.iter_mut().find(|(label, _)| *label == group.runtime.label()) {
            Some((_, all)) => all.extend(observed),
            None => by_runtime.push((group.runtime.label(), observed)),
        }
    }
    let down: Vec<String> = by_runtime.iter().filter_map(|(_, observed)| mute(observed)).collect();
    match down.into_iter().next() {
        Some(why) if by_runtime.iter().all(|(_, observed)| mute(observed).is_some()) => {
            (facts, Err(SnapshotError::Engine(why)))
        }
        down => {
            facts.down = down;
            (facts, Ok(seen))
        }
    }
}

/// Why none of these could be seen, if none could.
fn mute(observed: &[Observation]) -> Option<String> {
    let unknown = |observation: &Observation| match &observation.state {
        State::Unknown(why) => Some(why.clone()),
        State::Running
        | State::Restarting { .. }
        | State::Exited(_)
        | State::Paused
        | State::Created
        | State::Removing
        | State::NotDeployed => None,
    };
    let why = observed.iter().map(unknown).collect::<Option<Vec<String>>>()?;
    why.into_iter().next()
}

fn section<'a>(output: &'a str, mark: &str) -> impl Iterator<Item = &'a str> {
    let mark = mark.to_owned();
    output.lines().skip_while(move |line| *line != mark).skip(1).take_while(|line| !line.starts_with(GROUP))
}

/// Reads what a host says of itself.
fn read_facts(output: &str) -> HostFacts {
    let mut facts = HostFacts::default();
    for line in section(output, &format!("{GROUP}{HOST}")) {
        match line.trim() {
            boot if boot.len() == 36 && !boot.contains(' ') => facts.boot = Some(boot.to_owned()),
            line => facts.disks.extend(Disk::read(line)),
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::{
        names::{ContainerName, HostName, ProjectName, ServiceName, UnitName},
        observation::Death,
        runtime::{Workload, systemd::Unit},
    };

    #[test]
    fn what_a_host_says_of_itself_stands_behind_its_services() {
        let output = "::opsroom-as Docker \n/web|c1|running|2027-01-15T07:00:00Z|0001-01-01T00:00:00Z|0|0|false||always\n\
                      ::opsroom-as :host\n2f0c2f9e-6b1d-4b52-9f3e-0a8a1c1f7a55\n\
                      Filesystem 1024-blocks Used Available Capacity Mounted on\n\
                      /dev/vda1 264212084 66060288 29360128 70% /\n";
        let facts = read_facts(output);
        assert_eq!(facts.boot.as_deref(), Some("2f0c2f9e-6b1d-4b52-9f3e-0a8a1c1f7a55"));
        assert_eq!(facts.disks, [Disk { mount: "/".into(), percent: 70, free: 28_672 }]);
        assert_eq!(read_facts("::opsroom-as Docker \nCannot connect to the Docker daemon\n"), HostFacts::default());
    }

    fn service(name: &str, workload: Workload, login: Option<&str>) -> Service {
        Service {
            run_as: login.map(|login| LoginName::parse(login).unwrap()),
            ..Service::new(ServiceName::parse(name).unwrap(), HostName::parse("spark").unwrap(), workload)
        }
    }

    #[test]
    fn a_host_of_several_runtimes_and_logins_is_one_command_and_one_of_them_may_be_down() {
        let web = service("web", Workload::Docker(ContainerName::parse("web").unwrap()), None);
        let own = service("own", Workload::Docker(ContainerName::parse("own").unwrap()), Some("bridge"));
        let ntp = service("ntp", Workload::Systemd(Unit::of_system(UnitName::parse("ntp.service").unwrap())), None);
        let all = [web, ntp, own];
        let command = command(&all);
        let marks: Vec<&str> = command.split(GROUP).skip(1).map(|part| part.split('\'').next().unwrap()).collect();
        assert_eq!(marks, ["Docker ", "Docker bridge", "systemd ", ":host"]);

        let at = Timestamp::UNIX_EPOCH;
        let up =
            |name: &str| format!("/{name}|c1|running|2027-01-15T07:00:00Z|0001-01-01T00:00:00Z|0|0|false||always\n");
        let unit = "Id=ntp.service\nNames=ntp.service\nLoadState=loaded\nActiveState=active\nSubState=running\n";
        let printed = |web: &str, own: &str, ntp: &str| {
            format!("{GROUP}Docker \n{web}{GROUP}Docker bridge\n{own}{GROUP}systemd \n{ntp}{GROUP}:host\n")
        };
        let states = |output: &str| {
            let (facts, seen) = read(output, &all, at);
            let seen = seen.map(|seen| seen.iter().map(|o| o.state == State::Running).collect::<Vec<_>>());
            (facts.down, seen)
        };
        let dead = "Cannot connect to the Docker daemon\n";
        assert_eq!(states(&printed(&up("web"), &up("own"), unit)), (None, Ok(vec![true; 3])));
        let down = Some("Cannot connect to the Docker daemon".to_owned());
        assert_eq!(states(&printed(dead, dead, unit)), (down, Ok(vec![false, false, true])), "the unit is seen");
        let forbidden = "permission denied\n";
        assert_eq!(
            states(&printed(&up("web"), forbidden, unit)),
            (None, Ok(vec![true, false, true])),
            "it answers others"
        );
        let why = SnapshotError::Engine("Cannot connect to the Docker daemon".to_owned());
        assert_eq!(states(&printed(dead, dead, "systemctl: not found\n")), (None, Err(why)));
    }

    #[test]
    fn of_many_each_is_seen_by_its_own_lines_alone() {
        let named = |name: &str| Workload::Docker(ContainerName::parse(name).unwrap());
        let project = |name: &str| Workload::Project(ProjectName::parse(name).unwrap());
        let unit = |name: &str| Workload::Systemd(Unit::of_system(UnitName::parse(name).unwrap()));
        let own = Workload::Podman(ContainerName::parse("web").unwrap());
        let workloads = [
            ("web", named("web")),
            // The beginning of another's ID is no name.
            ("c0", named("c0")),
            ("gone", named("gone")),
            ("cloud", project("cloud")),
            ("shop", project("shop")),
            ("none", project("none")),
            ("ntp", unit("ntp.service")),
            ("alias", unit("chrony.service")),
            ("app", unit("app.service")),
            ("own", own),
        ];
        let all = workloads.map(|(name, workload)| service(name, workload, None));
        let line = |name: &str, id: &str, state: &str, labels: &str| {
            format!("{name}|{id}|{state}|2027-01-15T07:00:00Z|2027-01-15T07:00:00Z|0|3|false||no{labels}\n")
        };
        let none = "|\"\"|\"\"|\"\"";
        let of = |project: &str, part: &str| format!("|\"{project}\"|\"{part}\"|\"1\"");
        let block = |names: &str, state: &str| {
            let first = names.split(' ').next().unwrap();
            format!(
                "Id={first}\nNames={names}\nLoadState=loaded\nActiveState={state}\nExecMainCode=1\nExecMainStatus=3\n\n"
            )
        };
        let output = [
            format!("{GROUP}Docker \n::opsroom-listed\n"),
            line("/other", "c0ffee", "running", none),
            line("/cloud-db-1", "c1", "running", &of("cloud", "db")),
            line("/shop-db-1", "c2", "running", &of("shop", "db")),
            line("/cloud-app-1", "c3", "exited", &of("cloud", "app")),
            line("/web", "c4", "running", none),
            "Error: No such object: gone\n".to_owned(),
            format!("{GROUP}systemd \n"),
            block("app.service", "failed"),
            block("ntp.service chrony.service", "active"),
            format!("{GROUP}Podman \n{}stopped=false\n", line("web", "c5", "exited", "")),
        ];
        let (_, seen) = read(&output.concat(), &all, Timestamp::UNIX_EPOCH);
        let seen = seen.unwrap();
        let states: BTreeMap<&str, (String, usize)> =
            seen.iter().map(|o| (o.service.as_str(), (format!("{:?}", o.state), o.members.len()))).collect();
        let died = format!("{:?}", State::Exited(Death::exit(3)));
        for (name, state, members) in [
            ("web", "Running", 0),
            ("c0", "NotDeployed", 0),
            ("gone", "NotDeployed", 0),
            ("cloud", &died, 2),
            ("shop", "Running", 1),
            ("none", "NotDeployed", 0),
            ("ntp", "Running", 0),
            ("alias", "Running", 0),
            ("app", &died, 0),
            ("own", &died, 0),
        ] {
            assert_eq!(states[name], (state.to_owned(), members), "{name}");
        }
    }
}
