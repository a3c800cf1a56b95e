//! Updates of a swarm's services and stacks from a registry, and back.

use opsroom_lab::{Bot, Lab, containing, docker::BASE_IMAGE, host::Host, swarm::Swarm, wait::wait_until};

use crate::stage::{LIMIT, Stage};

/// What a version of the application does.
const GOOD: &str = "trap 'exit 0' TERM; while :; do sleep 0.1; done";

/// An ops room and a swarm of two that runs version 1 of `app`, with two replicas.
struct App {
    stage: Stage,
    swarm: Swarm,
}

impl App {
    fn deployed() -> Self {
        let mut made = None;
        let stage = Stage::on(|lab: &Lab| -> Host {
            let swarm = Swarm::of(lab, 2);
            let host = swarm.node(0).host().clone();
            made = Some(swarm);
            host
        });
        let app = Self { stage, swarm: made.expect("it was made") };
        app.swarm.registry();
        app.push("version 1", GOOD);
        app.deploys("app", &["--replicas", "2"]);
        app
    }

    /// Makes an application that says which version it is, and pushes it.
    fn push(&self, version: &str, script: &str) {
        let image = self.image();
        let script = format!("FROM {BASE_IMAGE}\nLABEL version=\"{version}\"\nCMD echo '{version}'; {script}\n");
        let build = format!("docker build -q -t {image} - >/dev/null && docker push -q {image}");
        let out = self.stage.host.try_run(&build, script.as_bytes());
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }

    fn image(&self) -> &'static str {
        "127.0.0.1:5000/app:latest"
    }

    fn deploys(&self, name: &str, arguments: &[&str]) {
        let create =
            ["service", "create", "-d", "-q", "--name", name, "--update-monitor", "1s", "--restart-delay", "1s"];
        self.swarm.docker(&[&create[..], arguments, &[self.image()]].concat());
        self.swarm.waits_for(name, "2/2");
    }

    /// The versions that its tasks run.
    fn runs(&self, service: &str) -> Vec<String> {
        let running = ["service", "ps", "-q", "--no-trunc", "--filter", "desired-state=running", service];
        let tasks = self.swarm.docker(&running);
        let format = "{{.Spec.ContainerSpec.Image}}";
        let image = |task: &str| self.swarm.docker(&["inspect", "--type", "task", "-f", format, task]);
        let version = |image: String| {
            let pull = ["pull", "-q", &image];
            self.swarm.node(0).engine().try_docker(&pull);
            self.swarm.docker(&["image", "inspect", "-f", "{{.Config.Labels.version}}", &image])
        };
        tasks.lines().map(|task| version(image(task))).collect()
    }

    /// Waits until the newest job has got that far. Perhaps it is beyond that when it is looked at.
    fn reaches(&self, phase: &str) {
        let newest = "cd ~/.local/state/opsroom/jobs && cat \"$(ls -t | head -n 1)/log\" || true";
        wait_until(LIMIT, format_args!("the job to be in {phase}"), || {
            self.stage.host.run(newest).contains(&format!(" phase {phase} ")).then_some(())
        });
    }

    fn bot(&self) -> Bot {
        let host = &self.stage.host;
        let service = |name: &str, lines: &str| {
            format!(
                "[[service]]\nname = {name:?}\nhost = {:?}\nruntime = \"swarm\"\n{lines}\nupdate = {{ verify = \"2s\" }}\n",
                host.name()
            )
        };
        let config = service("app", "") + &service("shop", "stack = \"shop\"");
        self.stage.bot().host(host).config(&config).start()
    }
}

#[test]
fn an_update_of_a_swarm_is_pulled_rolled_out_verified_and_taken_back() {
    let app = App::deployed();
    let (stage, bot) = (&app.stage, app.bot());
    let told = stage.result_of(&bot, "!update app", "✅ app updated");
    assert!(told.text().contains("nothing new"), "{}", told.text());

    app.push("version 2", GOOD);
    assert!(stage.ask(&bot, "!diff app").text().contains(app.image()));
    stage.result_of(&bot, "!update app", "✅ app updated");
    assert_eq!(app.runs("app"), ["version 2", "version 2"]);

    app.push("version 3", "echo cannot open the database; exit 7");
    let told = stage.result_of(&bot, "!update app", "🔴 update of app failed");
    let text = told.text();
    assert!(text.contains("exit 7") && text.contains("cannot open the database") && text.contains("Back at"), "{text}");
    assert_eq!(app.runs("app"), ["version 2", "version 2"]);
    app.swarm.waits_for("app", "2/2");

    app.swarm.stop_registry();
    let told = stage.result_of(&bot, "!update app", "🔴 update of app failed in pull");
    assert!(told.text().contains("127.0.0.1:5000") && told.text().contains("left alone"), "{}", told.text());
    assert_eq!(app.runs("app"), ["version 2", "version 2"]);
    // Going back needs no registry where the nodes have the image still.
    stage.result_of(&bot, "!rollback app", "✅ app rolled back");
    assert_eq!(app.runs("app"), ["version 1", "version 1"]);
    let told = stage.result_of(&bot, "!rollback app", "✋ rollback of app was not begun");
    assert!(told.text().contains("no earlier version"), "{}", told.text());
}

#[test]
fn a_stack_is_updated_as_one_and_a_killed_bot_follows_on() {
    let app = App::deployed();
    let (stage, bot) = (&app.stage, app.bot());
    let label = ["--label", "com.docker.stack.namespace=shop", "--replicas", "2"];
    app.deploys("shop_web", &label);
    app.deploys("shop_worker", &label);
    assert!(stage.ask(&bot, "!status shop").text().contains("4 of 4 up"));
    let both = |version: &str| ["shop_web", "shop_worker"].iter().all(|one| app.runs(one) == [version, version]);
    for (phase, version) in [("pull", "version 2"), ("switch", "version 3"), ("verify", "version 4")] {
        app.push(version, GOOD);
        if phase == "pull" {
            app.swarm.pause_registry();
        }
        let asked = stage.alice.says(&stage.room, "!update shop");
        app.reaches(phase);
        bot.kill();
        if phase == "pull" {
            app.swarm.registry_goes_on();
        }
        bot.start_again();
        stage.room.reads(&stage.alice).within(LIMIT).reply_to(&asked, containing("✅ shop updated"));
        assert!(both(version), "{phase}");
    }
    // One service that does not come up takes the other one back with it.
    app.push("version 5", "exit 7");
    let asked = stage.alice.says(&stage.room, "!update shop");
    app.reaches("rollback");
    bot.kill();
    bot.start_again();
    let told = stage.room.reads(&stage.alice).within(LIMIT).reply_to(&asked, containing("🔴 update of shop failed"));
    assert!(told.text().contains("Back at"), "{}", told.text());
    assert!(both("version 4"));
    stage.result_of(&bot, "!restart shop/web", "✅ shop/web restarted");
}
