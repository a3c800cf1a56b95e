//! `!status` of one host and of fifty, by the same bot, beside the two ways to
//! do without it: Ansible, and nothing but the work itself on the machine.
//!
//! The fifty hosts are one machine with fifty sshds, and it is the machine that
//! everything else here runs on. What fifty real hosts do side by side is done
//! here one after the other, so the ratio is an upper bound.

use std::{path::PathBuf, process::Command, time::Duration};

use opsroom_lab::{Host, Lab, wait_until};

use crate::{
    fleet::{self, OpenSsh, Sleepers},
    raw::Observer,
    samples::Samples,
    stage,
    table::{Goal, Row},
};

const HOSTS: u16 = 50;
const ROUNDS: usize = 20;
const WARM_UP: usize = 5;
/// Ansible takes seconds each time.
const ANSIBLE_ROUNDS: usize = 8;
const FORMAT: &str = "{{.State.Status}}|{{.State.StartedAt}}|{{.RestartCount}}";

pub(crate) fn measure(lab: &Lab) -> Vec<Row> {
    let homeserver = lab.homeserver();
    let alice = homeserver.person("alice");
    let room = homeserver.room("status").member(&alice).create();
    let observer = Observer::of(&alice, &[&room]);
    let hosts = lab.hosts_on_one_machine(HOSTS);
    let sleepers = Sleepers::start(lab, 1);
    let container = &sleepers.names[0];
    let mut plan = stage::bot(lab, &alice).room(&room);
    for (place, host) in hosts.iter().enumerate() {
        plan = plan.host(host).config(&fleet::service(&format!("s{place}"), host, container));
    }
    let bot = plan.start();
    wait_until(Duration::from_secs(120), "all hosts to be connected", || {
        let answer = stage::answer(&room, &bot, &observer, "!status", stage::complete);
        answer.event.text.contains("nothing needs attention").then_some(())
    });

    let [mut one, mut fifty, mut work] = [const { Samples::new() }; 3];
    // What the hosts do for the answer, as nearly as it can be had without a login.
    let inspect = |format: &str| format!("docker inspect -f '{format}' {container}");
    let one_look = inspect(FORMAT);
    let all_at_once = format!("i=0; while [ $i -lt {HOSTS} ]; do i=$((i+1)); {one_look} >/dev/null & done; wait");
    for round in 0..WARM_UP + ROUNDS {
        if round == WARM_UP {
            [one, fifty, work] = [const { Samples::new() }; 3];
        }
        one.add(stage::status(&room, &bot, &observer, "!status s7"));
        fifty.add(stage::status(&room, &bot, &observer, "!status"));
        work.time(|| hosts[0].run(&all_at_once));
    }

    let ansible = Ansible::over(lab, &hosts);
    // Braces are its own templates' too.
    let for_ansible = inspect(&format!("{{% raw %}}{FORMAT}{{% endraw %}}"));
    let [mut ours, mut theirs] = [const { Samples::new() }; 2];
    for round in 0..=ANSIBLE_ROUNDS {
        let taken = stage::status(&room, &bot, &observer, "!status");
        let mut run = Samples::new();
        run.time(|| ansible.run(&for_ansible));
        // The first makes its connections.
        if round > 0 {
            ours.add(taken);
            theirs.add(run.median());
        }
    }
    let what = format!("`!status` of {HOSTS} hosts on this one machine");
    vec![
        Row::ratio(&format!("{what}, against that of 1"), &fifty, &one, Goal::None),
        Row::ratio(
            &format!("the same, against {HOSTS} `docker inspect` at once, without a network"),
            &fifty,
            &work,
            Goal::None,
        ),
        Row::ratio("the same, against a warm `ansible -m raw`", &ours, &theirs, Goal::Faster(Some(10.0))),
    ]
}

/// Ansible as its documentation says it is fastest: one shared connection to
/// each host that stays open, pipelining, a fork for each host, and `raw`,
/// which needs no Python there.
struct Ansible {
    openssh: OpenSsh,
    program: PathBuf,
}

impl Ansible {
    fn over(lab: &Lab, hosts: &[Host]) -> Self {
        let openssh = OpenSsh::to(lab, hosts);
        let names: String = hosts.iter().map(|host| format!("{}\n", host.name())).collect();
        std::fs::write(openssh.dir().join("inventory"), names).expect("an inventory");
        let config = format!(
            "[defaults]\nforks = {HOSTS}\ninventory = {}\nhome = {}\nlocal_tmp = {1}/tmp\n\
             [ssh_connection]\nssh_args = -F {} -o ControlMaster=auto -o ControlPersist=600\npipelining = True\n\
             control_path_dir = {}\n",
            openssh.dir().join("inventory").display(),
            openssh.dir().display(),
            openssh.config().display(),
            openssh.sockets().display(),
        );
        std::fs::write(openssh.dir().join("ansible.cfg"), config).expect("a configuration");
        Self { program: lab.facts().home.join("venv/bin/ansible"), openssh }
    }

    fn run(&self, command: &str) {
        let output = Command::new(&self.program)
            .args(["all", "-m", "raw", "-a", command])
            .env("ANSIBLE_CONFIG", self.openssh.dir().join("ansible.cfg"))
            .env("LC_ALL", "C.UTF-8")
            .current_dir(self.openssh.dir())
            .output()
            .expect("ansible runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.matches("running|").count() == usize::from(HOSTS), "{said}{output:?}");
    }
}

/// The connections that stay open are nobody's children.
impl Drop for Ansible {
    fn drop(&mut self) {
        for socket in std::fs::read_dir(self.openssh.sockets()).into_iter().flatten().flatten() {
            let control = format!("ControlPath={}", socket.path().display());
            let _ = Command::new("ssh").args(["-O", "exit", "-o", &control, "nobody"]).output();
        }
    }
}
