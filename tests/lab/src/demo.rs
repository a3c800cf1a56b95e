//! The demonstration: a small cluster, its operator and the bot in an encrypted room, and a conversation played by the
//! independent client. A step whose answer does not come is a panic, like everywhere in the lab.

use std::path::Path;

use crate::bot::Bot;
use crate::host::Host;
use crate::lab::Lab;
use crate::message::{Expected, anything, containing};
use crate::person::Person;
use crate::project::Project;
use crate::room::Room;

/// The people and parts on stage, which stay for as long as the value does.
#[derive(Debug)]
pub struct Stage {
    alice: Person,
    room: Room,
    _host: Host,
    projects: [Project; 3],
    bot: Bot,
}

/// Sets the stage and plays the conversation, printing it as it goes.
#[track_caller]
pub fn play(lab: &Lab, binary: &Path) -> Stage {
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let host = lab.host("spark-1");
    let bridge = host.project("matrix-bridge").healthy();
    let parakeet = host.project("parakeet").crash_loops();
    let kokoro = host.project("kokoro").not_deployed();
    parakeet.wait_for_restarts(3);
    let bot = lab
        .bot()
        .binary(binary)
        .room(&room)
        .operator(&alice)
        .service(&bridge)
        .service(&parakeet)
        .service(&kokoro)
        .start();
    alice.waits_for_member(&room, &bot);

    let stage = Stage { alice, room, _host: host, projects: [bridge, parakeet, kokoro], bot };
    stage.asks("!help", containing("!status"));
    stage.asks("!status", containing("matrix-bridge"));
    stage.asks("!logs parakeet", containing("cannot open the database"));
    stage.asks("!restart matrix-bridge", anything());
    stage.projects[0].push_commit("good morning");
    stage.asks("!update matrix-bridge", containing("good morning").or(containing("✅")));
    stage.asks("!status matrix-bridge", containing("up"));
    stage
}

impl Stage {
    /// Says something, waits for an answer that is as expected, and prints both.
    #[track_caller]
    fn asks(&self, command: &str, expected: Expected) {
        println!("\nalice │ {command}");
        self.alice.says(&self.room, command);
        let answer = self.room.reads(&self.alice).next_from(&self.bot, expected);
        println!("  bot │ {}", answer.text().replace('\n', "\n      │ "));
    }

    /// How anybody with a Matrix client on this machine joins in.
    pub fn invitation(&self) -> String {
        format!(
            "\nThe room stays open. Log in with any Matrix client on this machine:\n  homeserver  {}\n  user        {}\n  \
             password    {}\n  room        {}\nCtrl-C ends everything.",
            self.alice.homeserver().url(),
            crate::person::Speaker::user(&self.alice),
            self.alice.password(),
            self.room.alias(),
        )
    }
}
