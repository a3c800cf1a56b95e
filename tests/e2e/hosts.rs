//! How the machines are.

use opsroom_lab::containing;

use crate::stage::{LIMIT, Stage};

#[test]
fn each_host_is_a_line_and_one_of_them_a_card() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let gone = stage.lab.host("gone");
    let bot = stage.bot().service(&bridge).host(&gone).start();
    stage.ask(&bot, "!ping");
    gone.power_off();

    let asked = stage.alice.says(&stage.room, "!hosts");
    // After a moment with what is there, and then with the host that does not answer.
    let reads = stage.room.reads(&stage.alice).within(LIMIT);
    let told = reads.reply_to(&asked, containing(&format!("🔴 {} — ", gone.name())));
    let text = told.text();
    assert!(text.starts_with("⚠️ 1 of 2 hosts needs attention"), "{text}");
    let line = text.lines().find(|line| line.contains(stage.host.name())).unwrap_or_default();
    assert!(
        line.contains("up ") && line.contains("load ") && line.contains("memory ") && line.contains("% full"),
        "{text}"
    );

    let card = stage.ask(&bot, &format!("!hosts {}", stage.host.name()));
    for part in ["kernel ", "Docker 2", "1 service"] {
        assert!(card.text().contains(part), "no {part:?} in {}", card.text());
    }
    let unknown = stage.ask(&bot, "!hosts spork");
    assert!(unknown.text().contains("No host here is called spork"), "{}", unknown.text());
}
