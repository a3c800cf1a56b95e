//! Text that is not what it seems to be: what is typed on a phone, and what comes out of containers and commits.

use opsroom_lab::{containing, where_};

use crate::stage::{LIMIT, Stage};

#[test]
fn what_a_phone_keyboard_makes_of_a_command_is_understood_or_asked_back() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).start();
    for command in
        ["！status", "！ＳＴＡＴＵＳ", "!Status.", "!status, bridge…", "!status\u{3000}bridge please", "!status?"]
    {
        let answer = stage.ask(&bot, command);
        assert!(answer.text().contains("bridge — up"), "{command}: {}", answer.text());
    }
    let before = bridge.inspect("{{.State.StartedAt}}");
    let asked = stage.alice.says(&stage.room, "!Restart the bridge, please.");
    stage.room.reads(&stage.alice).within(LIMIT).reply_to(&asked, containing("✅ bridge restarted"));
    assert_ne!(bridge.inspect("{{.State.StartedAt}}"), before);
    // Seen as "bridge", written as something else: nothing is run, and it is asked which one is meant.
    let answer = stage.ask(&bot, "!restart \u{202e}egdirb");
    assert!(answer.text().starts_with("Nothing here is called <U+202E>egdirb"), "{}", answer.text());
    let answer = stage.ask(&bot, &format!("!status {}", "x".repeat(30_000)));
    assert!(answer.text().contains("xxx…") && answer.text().len() < 200, "{}", answer.text());
}

#[test]
fn what_nobody_would_see_in_a_log_or_a_commit_is_shown() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let hidden = "login from \u{202e}1.0.0.721\u{202c} as ro\u{200b}ot \u{1b}[31mred\u{1b}[0m";
    let shown = "login from <U+202E>1.0.0.721<U+202C> as ro<U+200B>ot red";
    let prints = |text: &str| format!("docker exec {} sh -c 'echo \"{text}\" >/proc/1/fd/1'", bridge.container());
    stage.host.run(&prints(hidden));
    bridge.push_commit("Greet \u{2067}kindly\u{2069}");
    let bot = stage.bot().service(&bridge).start();

    let answer = stage.ask(&bot, "!logs bridge 1");
    assert!(answer.text().contains(shown), "{}", answer.text());
    assert!(answer.html().contains("&lt;U+202E&gt;1.0.0.721"), "{}", answer.html());
    let answer = stage.ask(&bot, "!diff bridge");
    assert!(answer.text().contains("Greet <U+2067>kindly<U+2069>"), "{}", answer.text());

    stage.host.run(&format!(
        "docker exec {} sh -c 'i=0; while [ $i -lt 60 ]; do echo line $i; i=$((i+1)); done >/proc/1/fd/1'",
        bridge.container()
    ));
    stage.ask(&bot, "!logs bridge 61");
    let file = stage.room.reads(&stage.alice).next_from(&bot, where_("with a file", |m| m.is_file()));
    let log = String::from_utf8(stage.alice.downloads(&file)).unwrap_or_default();
    assert!(log.starts_with(shown), "{log}");
}
