//! Machines with a systemd of their own, each with as many services of one
//! runtime: what a look at them costs is compared.

use std::fmt::Write as _;

use opsroom_lab::{Host, Lab, machine::OPS};

use crate::fleet::Sleepers;

/// The suite whose software most machines have.
const SUITE: &str = "bookworm";

/// What does nothing, of one runtime, on a host that has nothing else.
pub(crate) struct Machine {
    pub(crate) what: String,
    pub(crate) host: Host,
    /// The bot's configuration of it.
    pub(crate) config: String,
    _containers: Option<Sleepers>,
}

impl Machine {
    /// One of each runtime.
    pub(crate) fn all(lab: &Lab, count: usize) -> Vec<Self> {
        let containers = Sleepers::start(lab, count);
        let names: Vec<String> = containers.names.clone();
        let project = lab.unique("sleepers");
        let members = Sleepers::of_project(lab, count, &project);
        let units: Vec<String> = (0..count).map(|number| format!("sleeper@{number}.service")).collect();
        let pods: Vec<String> = (0..count).map(|number| format!("sleeper-{number}")).collect();
        let machines = [
            Self::new(lab, format!("{count} Docker containers"), "docker", "container", &names, Some(containers)),
            Self::new(lab, format!("a project of {count} containers"), "docker", "project", &[project], Some(members)),
            Self::new(lab, format!("{count} units"), "systemd", "unit", &units, None),
            Self::new(lab, format!("{count} Podman containers"), "podman", "container", &pods, None),
        ];
        let [_, _, of_units, of_podman] = &machines;
        of_units.host.run_as_root(&format!(
            "usermod -aG systemd-journal {}
             printf '[Service]\\nExecStart=/bin/sleep infinity\\n' >/etc/systemd/system/sleeper@.service
             systemctl daemon-reload; systemctl start {}",
            OPS.name,
            units.join(" "),
        ));
        of_podman.host.run_as_root(&format!("loginctl enable-linger {}; systemctl start user@{}", OPS.name, OPS.uid));
        of_podman.host.run(&format!(
            "export PODMAN_IGNORE_CGROUPSV1_WARNING=1 XDG_RUNTIME_DIR=/run/user/$(id -u)
             mkdir -p image/bin; cp /bin/busybox image/bin; ln -s busybox image/bin/sleep
             tar c -C image . | podman import - base 2>/dev/null
             for name in {}; do podman run -d --name $name --network none base sleep 100000; done",
            pods.join(" "),
        ));
        machines.into()
    }

    fn new(lab: &Lab, what: String, runtime: &str, key: &str, names: &[String], containers: Option<Sleepers>) -> Self {
        let host = lab.plan_host("metal").debian(SUITE).boot();
        let mut config = String::new();
        for (number, name) in names.iter().enumerate() {
            let _ = write!(
                config,
                "[[service]]\nname = \"s{number}\"\nhost = {:?}\nruntime = {runtime:?}\n{key} = {name:?}\n\n",
                host.name()
            );
        }
        Self { what, host, config, _containers: containers }
    }

    /// How many commands were begun over SSH.
    pub(crate) fn commands(&self) -> usize {
        self.host.sshd_log().lines().filter(|line| line.contains("Starting session: command")).count()
    }

    /// What went over its cable in both directions, in bytes.
    pub(crate) fn traffic(&self) -> u64 {
        let counted = self.host.run_as_root("sed -n 's/^ *eth0: *//p' /proc/net/dev");
        let fields: Vec<u64> = counted.split_whitespace().filter_map(|field| field.parse().ok()).collect();
        // Received and sent (proc(5)).
        fields[0] + fields[8]
    }

    /// What a command of the login takes on it: processes and threads, and seconds of processor time.
    pub(crate) fn takes(&self, command: &str, times: usize) -> (f64, f64) {
        // The last process ID of the machine counts both; nothing else happens on it. Processes of which the shell is no
        // parent are not in its times.
        let script = format!(
            "read -r _ _ _ _ before </proc/loadavg; i=0
             while [ $i -lt {times} ]; do i=$((i+1)); {{ {command}; }} >/dev/null 2>&1; done
             read -r _ _ _ _ after </proc/loadavg; echo $before $after; times"
        );
        let said = self.host.run(&script);
        let mut lines = said.lines();
        let ids: Vec<f64> =
            lines.next().into_iter().flat_map(str::split_whitespace).filter_map(|id| id.parse().ok()).collect();
        let seconds = |time: &str| {
            let (minutes, seconds) = time.trim_end_matches('s').split_once('m')?;
            Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
        };
        let children = lines.nth(1).expect("the times of the shell's children");
        let used: f64 = children.split_whitespace().filter_map(seconds).sum();
        let each = |all: f64| all / times as f64;
        (each(ids[1] - ids[0]), each(used))
    }
}
