//! What happens to services of a swarm.

use opsroom_lab::swarm::{RUNS, Swarm};

use super::scene::{MENDED, Scene};
use crate::{stage::Stage, swarm::swarm_of, watching::scene::LIMITS};

/// Dies soon where it is told to.
const LOOPS: &str = "trap 'exit 0' TERM; [ -z \"$DIE\" ] || { sleep 2; echo 'fatal: no database' >&2; exit 3; }; while :; do sleep 0.1; done";

struct Acts {
    scene: Scene,
    swarm: Swarm,
}

impl Acts {
    /// `docker …` of a person on a manager.
    fn docker(&self, words: &str) {
        self.swarm.docker(&words.split(' ').collect::<Vec<_>>());
    }

    /// Kills a task of a service, past the manager.
    fn kills(&self, service: &str) {
        let label = format!("label=com.docker.swarm.service.name={service}");
        let tasks = self.swarm.docker(&["ps", "-q", "--filter", &label]);
        let task = tasks.lines().next().expect("it has a task");
        self.swarm.docker(&["kill", task]);
    }
}

#[test]
fn what_happens_to_services_of_a_swarm_is_told_once_unless_somebody_wanted_it() {
    let (stage, swarm): (Stage, Swarm) = swarm_of(1);
    let rows = [
        ("alfa", "of a service of a swarm: `docker service scale` to none", 0),
        ("bravo", "of a service of a swarm: `!stop`", 0),
        ("charlie", "of a service of a swarm: `docker service scale` to more", 0),
        ("delta", "of a service of a swarm: `!scale`", 0),
        ("echo", "of a service of a swarm: `docker service update --force`", 0),
        ("foxtrot", "of a service of a swarm: `!restart`", 0),
        ("golf", "of a service of a swarm: a task is killed, and the engine starts another", 0),
        ("hotel", "of a service of a swarm: a task is killed, and the engine starts no other", 1),
        ("india", "of a service of a swarm: `docker service update` to a version that dies", 1),
        ("juliett", "of a service of a swarm: it is removed", 1),
        ("kilo", "of a service of a swarm: there is no node for it any more", 1),
    ];
    let mut plan = stage.bot();
    for (name, ..) in rows {
        let (script, arguments): (&str, &[&str]) = match name {
            "hotel" => (RUNS, &["--restart-condition", "none"]),
            "india" => (LOOPS, &["--restart-delay", "1s"]),
            _ => (RUNS, &["--restart-delay", "1s"]),
        };
        swarm.service(name, script, arguments);
        swarm.waits_for(name, "1/1");
        let watch = match name {
            "golf" | "india" => MENDED,
            "kilo" => "watch = { stuck_after = \"10s\" }\n",
            _ => "",
        };
        plan = plan.config(&format!(
            "[[service]]\nname = {name:?}\nhost = {:?}\nruntime = \"swarm\"\n{watch}",
            stage.host.name()
        ));
    }
    let plan = plan.host(&stage.host).config(LIMITS);
    let scene = Scene::begin(stage, plan, "25s", |_| ());
    let acts = Acts { scene, swarm };
    let scene = &acts.scene;

    acts.docker("service scale -d alfa=0");
    scene.changes("!stop bravo", "✅ bravo stopped");
    acts.docker("service scale -d charlie=2");
    scene.changes("!scale delta 2", "✅ delta scaled");
    acts.docker("service update -d --force echo");
    scene.changes("!restart foxtrot", "✅ foxtrot restarted");
    // How long it has to be well in the end depends on how long it ran before it fell, as far as that was seen.
    acts.docker("service update --force golf");
    scene.sees();
    acts.kills("golf");
    scene.told("golf crashed");
    scene.told("golf recovered");
    acts.kills("hotel");
    scene.paged("hotel is down");
    acts.docker("service update -d --force hotel");
    scene.told("hotel recovered");
    acts.docker("service update --force india");
    scene.sees();
    acts.docker("service update -d --env-add DIE=1 india");
    scene.paged("india crash loop");
    acts.docker("service update -d --env-rm DIE india");
    scene.told("india recovered");
    acts.docker("service rm juliett");
    scene.paged("juliett is not deployed any more");
    acts.swarm.service("juliett", RUNS, &["--restart-delay", "1s"]);
    scene.told("juliett recovered");
    acts.docker("service update -d --constraint-add node.labels.disk==fast kilo");
    scene.paged("kilo is stuck");
    acts.docker("service update -d --constraint-rm node.labels.disk==fast kilo");
    scene.told("kilo recovered");
    scene.end(&rows);
}
