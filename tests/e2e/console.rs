//! The commands that are typed on the bot's own machine: `opsroom console`, `opsroom login`.

use opsroom_lab::{Lab, Speaker as _, containing};
use std::fs;

use crate::stage::{LIMIT, OPSROOM, Stage};

#[test]
fn the_console_changes_a_service_while_the_homeserver_is_away() {
    let lab = Lab::connect();
    let mut synapse = lab.own_homeserver().start();
    let alice = synapse.person("alice");
    let room = synapse.room("ops").encrypted().member(&alice).create();
    let host = lab.host("spark-1");
    let stage = Stage { lab, alice, room, host };
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).start();
    stage.ask(&bot, "!ping");

    // While the bot runs, the state is its own.
    let refused = bot.console();
    assert!(!refused.leave().success());
    assert!(refused.log().contains("state"), "{}", refused.log());

    synapse.kill();
    assert!(bot.stop().success());
    let console = bot.console();
    console.types("!status");
    let status = console.prints("bridge — up", LIMIT);
    assert!(status.starts_with("🟢"), "{status}");
    console.types("!restrat bridge");
    console.prints("did you mean !restart?", LIMIT);
    let before = bridge.inspect("{{.State.StartedAt}}");
    console.types("!restart bridge");
    console.prints("✅ bridge restarted", LIMIT);
    assert_ne!(bridge.inspect("{{.State.StartedAt}}"), before);
    assert_eq!(bridge.state(), "running");
    console.types("!whoami");
    console.prints("You are console, admin here", LIMIT);
    assert!(console.leave().success(), "{}", console.log());

    // The room learns of it by asking, and of nothing by itself.
    synapse.start_again();
    bot.start_again();
    let history = stage.ask(&bot, "!history bridge");
    assert!(history.text().contains("restart") && history.text().contains("console"), "{}", history.text());
    assert_eq!(stage.room.reads(&stage.alice).messages_from(&bot).len(), 2);
    let verified = bot.tool(&["audit", "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    assert!(String::from_utf8_lossy(&bot.tool(&["audit", "tail"]).stdout).contains("@console:localhost"));
}

#[test]
fn a_login_from_files_is_what_the_bot_goes_on_with_also_without_the_password() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let bot = lab.bot().binary(OPSROOM).room(&room).operator(&alice).prepare();
    let login = || {
        let output = bot.tool(&["login"]);
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{said}");
        said
    };
    let said = login();
    assert!(said.contains("logged in; start it with `opsroom run`"), "{said}");
    assert!(!said.contains(bot.password()), "{said}");
    assert!(!said.contains("ERROR"), "a first login is no failure: {said}");
    let devices = alice.sees_devices_of(&bot);
    assert!(devices.len() == 1 && devices.values().all(|signed| *signed), "{devices:?}");
    let key = fs::read_to_string(bot.dir().join("recovery-key")).expect("the recovery key");
    assert!(key.split_whitespace().count() >= 12, "groups of four letters");
    login();
    assert_eq!(alice.sees_devices_of(&bot), devices, "once is enough");

    bot.change_config(|text| {
        text.lines().filter(|line| !line.starts_with("password_file")).collect::<Vec<_>>().join("\n")
    });
    bot.start_again();
    let asked = alice.says(&room, "!whoami");
    room.reads(&alice).reply_to(&asked, containing(alice.user()));
    assert_eq!(alice.sees_devices_of(&bot), devices);

    // Nobody can heal a session without the password: it says so and ends.
    let device = devices.keys().next().expect("a device");
    let homeserver = lab.homeserver();
    let token = homeserver.admin_token();
    let path = format!("/_synapse/admin/v2/users/{}/devices/{device}", bot.user());
    homeserver.call("DELETE", &path, Some(&token), &serde_json::Value::Null).expect("the device is deleted");
    let status = opsroom_lab::wait_until(LIMIT, "the bot to end", || bot.ended());
    assert!(!status.success());
    assert!(bot.log().contains("password"), "{}", bot.log());
}
