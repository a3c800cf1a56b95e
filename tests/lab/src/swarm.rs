//! A swarm of several nodes, all managers, each with an engine and a host of its own, on a network of their own.

use std::sync::Arc;

use crate::docker::OwnEngine;
use crate::host::{self, Host};
use crate::lab::Lab;
use crate::machine::Machine;
use crate::registry::Registry;
use crate::wait::{PATIENCE, wait_until};

/// What a task does when nothing else is said: it runs, and ends at SIGTERM.
pub const RUNS: &str = "trap 'exit 0' TERM; echo hello; while :; do sleep 0.1; done";

/// A running swarm; it goes when the value goes.
#[derive(Debug)]
pub struct Swarm {
    nodes: Vec<Node>,
    /// What their cables end in.
    _switch: Machine,
}

/// One of its nodes.
#[derive(Debug)]
pub struct Node {
    engine: Option<Arc<OwnEngine>>,
    host: Host,
    name: String,
}

impl Swarm {
    /// Boots so many nodes.
    #[track_caller]
    pub fn of(lab: &Lab, count: u8) -> Self {
        let switch_name = lab.unique("switch");
        let dir = lab.dir(&switch_name);
        let switch = Machine::boot(&switch_name, &dir, "");
        switch.run("ip link add br0 type bridge; ip link set br0 up");
        let nodes: Vec<Node> = (1..=count)
            .map(|number| {
                let engine = Arc::new(lab.own_engine());
                engine.machine().plug_into(&switch, &host::device(lab, lab.number()), &format!("10.88.0.{number}/24"));
                let host = lab.plan_host(&format!("node-{number}")).engine(&engine).boot();
                let name = engine.docker(&["info", "-f", "{{.Name}}"]);
                Node { engine: Some(engine), host, name }
            })
            .collect();
        nodes[0].engine().docker(&["swarm", "init", "--advertise-addr", "10.88.0.1"]);
        let token = nodes[0].engine().docker(&["swarm", "join-token", "-q", "manager"]);
        for (number, node) in (1..).zip(&nodes).skip(1) {
            node.engine().docker(&[
                "swarm",
                "join",
                "--token",
                &token,
                "--advertise-addr",
                &format!("10.88.0.{number}"),
                "10.88.0.1:2377",
            ]);
        }
        Self { nodes, _switch: switch }
    }

    /// One of its nodes, from 0 on.
    pub fn node(&self, place: usize) -> &Node {
        &self.nodes[place]
    }

    /// `docker …` on the first node that lives.
    #[track_caller]
    pub fn docker(&self, args: &[&str]) -> String {
        self.nodes.iter().find_map(|node| node.engine.as_ref()).expect("a node lives").docker(args)
    }

    /// Makes a service of tasks that run `script`, with more arguments.
    #[track_caller]
    pub fn service(&self, name: &str, script: &str, arguments: &[&str]) {
        let image = crate::docker::BASE_IMAGE;
        let create = ["service", "create", "-d", "-q", "--no-resolve-image", "--name", name];
        self.docker(&[&create[..], arguments, &[image, "sh", "-c", script]].concat());
    }

    /// Waits until so many of its tasks run.
    #[track_caller]
    pub fn waits_for(&self, name: &str, replicas: &str) {
        wait_until(PATIENCE, format_args!("{name} to have {replicas}"), || {
            let all = self.docker(&["service", "ls", "--format", "{{.Name}} {{.Replicas}}"]);
            all.lines().any(|line| line == format!("{name} {replicas}")).then_some(())
        });
    }

    /// Cuts the power of a node: its engine and its host are gone at once.
    pub fn kill(&mut self, place: usize) {
        let node = &mut self.nodes[place];
        node.host.power_off();
        // The host knows its engine, too, so that lives on; but nobody hears of it any more.
        let engine = node.engine.take().expect("it has power");
        engine.machine().run("ip link set eth0 down");
        engine.kill_daemon();
    }

    /// Starts a registry that all nodes reach at the same address.
    #[track_caller]
    pub fn registry(&self) {
        let shared = self.nodes[0].engine().dir().join("registry");
        for node in &self.nodes {
            Registry::sharing(node.engine(), &shared);
        }
    }

    /// Leaves whoever pulls waiting, until it goes on.
    #[track_caller]
    pub fn pause_registry(&self) {
        self.nodes.iter().for_each(|node| Registry::of(node.engine()).pause());
    }

    /// Answers whoever waits.
    #[track_caller]
    pub fn registry_goes_on(&self) {
        self.nodes.iter().for_each(|node| Registry::of(node.engine()).go_on());
    }

    /// Ends that registry: nothing can be pulled.
    #[track_caller]
    pub fn stop_registry(&self) {
        for node in &self.nodes {
            Registry::of(node.engine()).stop();
        }
    }
}

impl Node {
    /// Its engine.
    pub fn engine(&self) -> &OwnEngine {
        self.engine.as_ref().expect("it has power")
    }

    /// The host from which its engine is reached.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// What the swarm calls it.
    pub fn name(&self) -> &str {
        &self.name
    }
}
