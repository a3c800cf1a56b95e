//! The image, run by the shipped compose file: it serves the room, is shut in, and can be administered as its README says.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use opsroom_lab::{
    BotContainer, Dock, EventId, Lab, Message, Person, Room, bot::BotPlan, containing, message::reply_to,
};

use crate::{OPSROOM, outcome::outcome, verdict::denied};

/// A health check that is quick to judge: 40 s is one long-poll and a little.
const QUICK_HEALTH: &str = "    healthcheck:\n      test: [CMD, /usr/bin/opsroom, healthcheck, --max-age, 40s]\n      \
                            interval: 1s\n      retries: 1\n";

/// Above the age that is allowed, the interval, and what a loaded machine adds.
const JUDGED_WITHIN: Duration = Duration::from_secs(90);

/// A minute to be healthy is what the lab gives a bot to be ready.
const UPDATE: &str = "update = { verify = \"3s\", healthy_within = \"60s\" }";

/// Above twice that time, for a version and for the way back, and what a loaded machine adds.
const UPDATED_WITHIN: Duration = Duration::from_secs(300);

struct Stage {
    lab: Lab,
    dock: Dock,
    alice: Person,
    room: Room,
}

impl Stage {
    fn set() -> Self {
        let lab = Lab::connect();
        let dock = lab.dock(OPSROOM);
        let alice = dock.homeserver().person("alice");
        let room = dock.homeserver().room("ops").encrypted().member(&alice).create();
        Self { lab, dock, alice, room }
    }

    fn bot(&self) -> BotPlan {
        self.lab.bot().room(&self.room).operator(&self.alice)
    }

    /// Alice says it and reads the bot's reply.
    #[track_caller]
    fn ask(&self, command: &str, expected: &str) -> Message {
        let asked: EventId = self.alice.says(&self.room, command);
        self.room.reads(&self.alice).reply_to(&asked, containing(expected))
    }
}

#[test]
fn it_serves_the_room_and_is_shut_in() {
    let mut stage = Stage::set();
    let bridge = stage.dock.host().project("bridge").healthy();
    let bot = stage.bot().service(&bridge).contained(&stage.dock, QUICK_HEALTH, "");

    // The homeserver's certificate is checked against the authorities in the image, and these don't know it.
    let once = |arguments: &str| {
        let script = format!("cd {} && docker compose run --rm -T {arguments}", bot.project().dir().display());
        let output = stage.dock.host().try_run(&script, b"");
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let (code, said) = once("-e SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt opsroom login");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("invalid peer certificate: UnknownIssuer"), "{said}");
    let (code, said) = once("opsroom check");
    assert_eq!((code, said.contains("config ok: 1 room, 1 operator")), (Some(0), true), "{said}");

    bot.start();
    stage.ask("!ping", "pong");
    stage.ask("!status bridge", "bridge — up");
    bot.wait_for_health("healthy", JUDGED_WITHIN);
    assert_eq!(denied(&stage.dock, "opsroom"), [""; 0]);

    // A new container is the same device.
    let devices = stage.alice.sees_devices_of(&bot);
    let first = bot.id();
    bot.compose("up -d --force-recreate");
    bot.wait_until_ready();
    assert_ne!(bot.id(), first);
    stage.ask("!ping", "pong");
    assert_eq!(stage.alice.sees_devices_of(&bot), devices);

    // Stopping is asking: it ends by itself, and says so.
    let since = Instant::now();
    bot.compose("stop");
    assert!(since.elapsed() < Duration::from_secs(40), "{:?}", since.elapsed());
    assert_eq!(bot.project().inspect("{{.State.Status}} {{.State.ExitCode}}").as_deref(), Some("exited 0"));
    assert!(bot.log().contains("SIGTERM: stopping") && bot.log().contains("stopped"), "{}", bot.log());

    // The backup of the README brings the same device back.
    let project = bot.project().dir();
    stage.dock.host().run(&format!(
        "cd {} && umask 077 && docker cp opsroom:/var/lib/opsroom/. - >~/opsroom-state.tar && docker compose down -v &&
         docker compose create 2>&1 && docker cp - opsroom:/var/lib/opsroom <~/opsroom-state.tar",
        project.display()
    ));
    bot.start();
    stage.ask("!ping", "pong");
    assert_eq!(stage.alice.sees_devices_of(&bot), devices);

    // Deaf is unhealthy, and hearing again is healthy again.
    bot.wait_for_health("healthy", JUDGED_WITHIN);
    stage.dock.homeserver_mut().stop();
    bot.wait_for_health("unhealthy", JUDGED_WITHIN);
    assert_eq!(denied(&stage.dock, "opsroom"), ["healthy"]);
    stage.dock.homeserver_mut().start_again();
    bot.wait_for_health("healthy", JUDGED_WITHIN);
    stage.ask("!ping", "pong");
}

#[test]
fn it_updates_the_container_it_lives_in() {
    let home = Home::set();
    home.push("");
    let (shown, _) = home.update("✅ opsroom updated");
    assert!(shown.text().contains("✅ switch") && shown.text().contains("✅ verify"), "{}", shown.text());
    assert_eq!(home.release(), "2");
    home.is_the_same_device();
    assert_eq!(denied(&home.stage.dock, "opsroom"), [""; 0]);
}

#[test]
fn a_version_of_itself_that_ends_at_once_is_taken_back() {
    let home = Home::set();
    // `opsroom` with an argument that it does not know ends with status 2.
    home.push(r#"CMD ["no-such-command"]"#);
    let (_, told) = home.update("🔴 update of opsroom failed in verify");
    assert!(told.text().contains("it started and died") && told.text().contains("exit 2"), "{}", told.text());
    home.was_taken_back(&told);
}

#[test]
fn a_version_of_itself_that_hears_nobody_is_taken_back() {
    let home = Home::set();
    // It runs and looks for its homeserver where nobody is. The last good sync of the version before does not count for it.
    home.push("ENV HTTPS_PROXY=http://127.0.0.1:1");
    let (_, told) = home.update("🔴 update of opsroom failed in verify");
    assert!(told.text().contains("healthy"), "{}", told.text());
    home.was_taken_back(&told);
}

/// A bot in its first release that is healthy and knows its own container as a service.
struct Home {
    stage: Stage,
    bot: BotContainer,
    devices: HashMap<String, bool>,
    commit: String,
}

impl Home {
    fn set() -> Self {
        let stage = Stage::set();
        let bot = stage.bot().contained(&stage.dock, QUICK_HEALTH, UPDATE);
        bot.compose("build");
        bot.start();
        // What is not healthy before an update is not gone back to.
        bot.wait_for_health("healthy", JUDGED_WITHIN);
        let (devices, commit) = (stage.alice.sees_devices_of(&bot), bot.project().commit());
        let home = Self { stage, bot, devices, commit };
        assert_eq!(home.release(), "1");
        home
    }

    /// The developers push a second release, with this line in its Dockerfile.
    fn push(&self, line: &str) {
        let script = "sed -i s/release=1/release=2/ docker/Dockerfile && cat >>docker/Dockerfile && git commit -qam 'The next release'";
        self.bot.project().push(script, format!("{line}\n").as_bytes());
    }

    /// What is deployed.
    fn release(&self) -> String {
        self.bot.project().inspect("{{index .Config.Labels \"release\"}}").unwrap_or_default()
    }

    /// Alice has it update itself. Gives the message that the old process began and that was edited to the end, and the one
    /// that tells all of the outcome, once: the same, unless it failed or took long.
    #[track_caller]
    fn update(&self, head: &str) -> (Message, Message) {
        let Self { stage, bot, .. } = self;
        let asked = stage.alice.says(&stage.room, "!update opsroom");
        let reads = || stage.room.reads(&stage.alice).within(UPDATED_WITHIN);
        let told = reads().next_from(bot, outcome().and(reply_to(&asked)));
        assert!(told.text().starts_with(head), "expected {head:?}: {}", told.text());
        // What is said after this is said after the result: there is no second one.
        stage.ask("!ping", "pong");
        let mut said = reads().messages_from(bot);
        said.retain(|message| message.reply_to.as_ref() == Some(&asked));
        let whole: Vec<_> = said.iter().filter(|m| outcome().holds(m)).map(|m| &m.id).collect();
        assert_eq!(whole, [&told.id], "{}", reads().transcript());
        let edited = usize::from(told.history().len() == 1);
        assert_eq!(said.len(), 1 + edited, "{}", reads().transcript());
        let shown = said.swap_remove(0);
        assert!(shown.history().len() > 1 && shown.text().starts_with(head), "{}", reads().transcript());
        (shown, told)
    }

    #[track_caller]
    fn is_the_same_device(&self) {
        assert_eq!(self.stage.alice.sees_devices_of(&self.bot), self.devices);
    }

    /// The first release runs again, from its own commit, as if nothing had been.
    #[track_caller]
    fn was_taken_back(&self, told: &Message) {
        let back = format!("↩️ Back at {}: it runs and holds. It was down for", &self.commit[..7]);
        assert!(told.text().contains(&back), "expected {back:?}: {}", told.text());
        assert_eq!((self.release().as_str(), self.bot.project().commit().as_str()), ("1", self.commit.as_str()));
        self.is_the_same_device();
        assert_eq!(denied(&self.stage.dock, "opsroom"), [""; 0]);
    }
}
