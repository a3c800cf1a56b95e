//! The demonstration: a small cluster, its operator and the bot in an encrypted room, and a conversation played by the
//! independent client. A step whose answer does not come is a panic, like everywhere in the lab.

use std::path::Path;
use std::time::Duration;

use crate::bot::Bot;
use crate::host::Host;
use crate::lab::Lab;
use crate::message::{Expected, containing};
use crate::person::Person;
use crate::project::Project;
use crate::room::Room;
use crate::synapse::Account;

/// How long the bot may take for a change: an update holds still for a few seconds before it calls itself done.
const PATIENCE: Duration = Duration::from_secs(120);

/// The people and parts on stage, which stay for as long as the value does.
#[derive(Debug)]
pub struct Stage {
    alice: Person,
    room: Room,
    /// For whoever watches: without a client yet, so that the first one they log in with becomes their own.
    guest: Account,
    _host: Host,
    projects: [Project; 4],
    _bot: Bot,
}

/// Sets the stage and plays the conversation, printing it as it goes.
#[track_caller]
pub fn play(lab: &Lab, binary: &Path) -> Stage {
    let alice = lab.person("alice");
    let guest = lab.homeserver().register("you");
    let room = lab.room("ops").encrypted().member(&alice).invite(&guest.user).create();
    let host = lab.host("spark-1");
    let bridge = host.project("matrix-bridge").healthy();
    let parakeet = host.project("parakeet").crash_loops();
    let kokoro = host.project("kokoro").not_deployed();
    let cloud = host.project("nextcloud").compose("stop_grace_period: 1s");
    let cloud = cloud.neighbour("db", "echo ready; sleep 100000", "unless-stopped");
    let cloud = cloud.neighbour("setup", "echo set up", "no").healthy();
    parakeet.wait_for_restarts(3);
    let bot = lab
        .bot()
        .binary(binary)
        .room(&room)
        .operator(&alice)
        .operator(&guest)
        .service(&bridge)
        .service(&parakeet)
        .service(&kokoro)
        .whole(&cloud, "")
        .start();
    alice.waits_for_member(&room, &bot);

    let stage = Stage { alice, room, guest, _host: host, projects: [bridge, parakeet, kokoro, cloud], _bot: bot };
    stage.asks("!help", containing("!status"));
    stage.asks("!status", containing("matrix-bridge"));
    stage.asks("!logs parakeet", containing("cannot open the database"));
    stage.asks("!status nextcloud", containing("🟢 nextcloud — 2 of 2 up, 1 done"));
    stage.asks("!restart nextcloud/db", containing("✅ nextcloud/db restarted"));
    stage.asks("!restart matrix-bridge", containing("✅ matrix-bridge restarted"));
    stage.projects[0].push_commit("good morning");
    stage.asks("!update matrix-bridge", containing("✅ matrix-bridge updated"));
    stage.asks("!status matrix-bridge", containing("🟢 matrix-bridge"));
    stage
}

impl Stage {
    /// Says something, waits for the reply to become as expected (a change tells its progress by edits), and prints both.
    #[track_caller]
    fn asks(&self, command: &str, expected: Expected) {
        println!("\nalice │ {command}");
        let asked = self.alice.says(&self.room, command);
        let answer = self.room.reads(&self.alice).within(PATIENCE).reply_to(&asked, expected);
        for said in answer.history() {
            println!("  bot │ {}", said.replace('\n', "\n      │ "));
        }
    }

    /// How anybody with a Matrix client on this machine joins in.
    pub fn invitation(&self) -> String {
        format!(
            "\nThe room stays open. Log in with any Matrix client on this machine:\n  homeserver  {}\n  user        {}\n  \
             password    {}\n  room        {}\nCtrl-C ends everything.",
            self.alice.homeserver().url(),
            self.guest.user,
            self.guest.password,
            self.room.alias(),
        )
    }
}
