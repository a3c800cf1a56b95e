//! Updates from a registry, and by the operator's own script.

use std::sync::Arc;

use opsroom_lab::{Host, Registry};

use crate::stage::Stage;

/// A service whose image a developer builds elsewhere and pushes.
struct Pulled<'a> {
    host: &'a Host,
    registry: &'a Registry<'a>,
}

impl Pulled<'_> {
    fn push(&self, command: &str) {
        let image = self.registry.image("greeter");
        self.host.run(&format!(
            "mkdir -p /srv/greeter && cd /srv/greeter && printf 'FROM opsroom-lab/base\\nCMD {command}\\n' >Dockerfile \
             && docker build -q -t {image} . && docker push -q {image} && docker rmi -f {image}"
        ));
    }

    fn deploy(&self) {
        let image = self.registry.image("greeter");
        self.host.run(&format!(
            "mkdir -p ~/greeter && cd ~/greeter && printf 'services:\\n  app:\\n    image: {image}\\n    container_name: greeter\\n    \
             network_mode: host\\n    restart: unless-stopped\\n    stop_grace_period: 1s\\n' >compose.yaml && docker compose up -d 2>&1"
        ));
    }

    fn logs(&self) -> String {
        self.host.run("docker logs greeter 2>&1")
    }

    fn config(&self) -> String {
        let (name, home) = (self.host.name(), self.host.run("echo $HOME"));
        format!(
            "[[service]]\nname = \"greeter\"\nhost = {name:?}\ndir = \"{home}/greeter\"\n\
             update = {{ strategy = \"compose-pull\", verify = \"2s\" }}\n"
        )
    }
}

#[test]
fn images_from_a_registry_are_pulled_verified_and_taken_back() {
    let stage = Stage::set();
    let engine = Arc::new(stage.lab.own_engine());
    let registry = Registry::start(&engine);
    let stage = Stage { host: stage.lab.plan_host("spark-1").engine(&engine).boot(), ..stage };
    let greeter = Pulled { host: &stage.host, registry: &registry };
    greeter.push("echo the first; sleep 1000");
    greeter.deploy();
    let bot = stage.bot().host(&stage.host).config(&greeter.config()).start();
    let told = stage.result_of(&bot, "!update greeter", "✅ greeter updated");
    assert!(told.text().contains("nothing new"), "{}", told.text());

    greeter.push("echo the second; sleep 1000");
    let told = stage.result_of(&bot, "!update greeter", "✅ greeter updated");
    assert!(told.text().contains("→") && told.text().contains("down for"), "{}", told.text());
    assert!(greeter.logs().contains("the second"));

    greeter.push("echo the third; exit 4");
    let told = stage.result_of(&bot, "!update greeter", "🔴 update of greeter failed in verify");
    assert!(told.text().contains("exit 4") && told.text().contains("↩️ Back at"), "{}", told.text());
    assert!(greeter.logs().contains("the second"));

    registry.stop();
    let running = stage.host.run("docker inspect -f '{{.Id}}' greeter");
    let told = stage.result_of(&bot, "!update greeter", "🔴 update of greeter failed in pull");
    assert!(told.text().contains("What was running was left alone"), "{}", told.text());
    assert!(told.text().contains("connection refused"), "docker's own words: {}", told.text());
    assert_eq!(stage.host.run("docker inspect -f '{{.Id}}' greeter"), running);
    // Going back needs no registry: the images are kept.
    stage.result_of(&bot, "!rollback greeter", "✅ greeter rolled back");
    assert!(greeter.logs().contains("the first"));
}

#[test]
fn a_script_of_the_operators_own_is_run_with_the_same_phases_around_it() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").compose("stop_grace_period: 1s").healthy();
    let run = "docker rm -f $c >/dev/null; docker run -d --name $c --network host opsroom-lab/base";
    let script = format!(
        "#!/bin/sh\nc={}\necho deploying $1\ncase $1 in\ngood) {run} sleep 1000 ;;\nbad) {run} sh -c 'exit 3' ;;\n*) echo no such version >&2; exit 9 ;;\nesac\n",
        bridge.container()
    );
    stage.host.try_run("cat >~/deploy.sh; chmod +x ~/deploy.sh", script.as_bytes());
    let config = |argument: &str, undo: &str| {
        format!(
            "[[service]]\nname = \"bridge\"\nhost = {:?}\ncontainer = {:?}\n\
             update = {{ strategy = \"command\", deploy = \"./deploy.sh {argument}\", verify = \"3s\"{undo} }}\n",
            stage.host.name(),
            bridge.container()
        )
    };
    let undo = ", undo = \"./deploy.sh good\"";
    let bot = stage.bot().host(&stage.host).config(&config("good", undo)).start();
    stage.result_of(&bot, "!update bridge", "✅ bridge updated");

    let with = |argument: &str, undo: &str| {
        bot.stop();
        bot.change_config(|text| {
            let begin = text.find("[[service]]").expect("a service");
            format!("{}{}", &text[..begin], config(argument, undo))
        });
        bot.start_again();
    };
    with("bad", undo);
    let told = stage.result_of(&bot, "!update bridge", "🔴 update of bridge failed in verify");
    assert!(told.text().contains("↩️ Back at") && bridge.state() == "running", "{}", told.text());
    with("bad", "");
    let told = stage.result_of(&bot, "!update bridge", "🔴 update of bridge failed in verify");
    assert!(
        told.text().contains("the config gives no `undo`") || told.text().contains("gives no undo"),
        "{}",
        told.text()
    );
    let told = stage.ask(&bot, "!rollback bridge");
    assert!(told.text().contains("gives no undo"), "{}", told.text());
    with("ugly", undo);
    let told = stage.result_of(&bot, "!update bridge", "🔴 update of bridge failed in switch");
    assert!(told.text().contains("exit 9") && told.text().contains("no such version"), "{}", told.text());
}
