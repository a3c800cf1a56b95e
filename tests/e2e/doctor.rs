//! `opsroom doctor` on real parts: what is set up, and what is not.

use opsroom_lab::{Bot, Lab};
use std::process::Output;

use crate::stage::Stage;

/// What it said and how it ended.
fn ended(output: &Output) -> (Option<i32>, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&[&output.stdout[..], &output.stderr].concat()))
}

#[track_caller]
fn fails(bot: &Bot, expected: &[&str]) {
    let (code, said) = ended(&bot.tool(&["doctor"]));
    assert_eq!(code, Some(1), "{said}");
    for expected in expected {
        assert!(said.contains(expected), "no {expected:?} in:\n{said}");
    }
    assert!(said.contains("not everything is set up"), "{said}");
}

#[test]
fn a_good_set_up_is_fine_before_and_while_the_bot_runs() {
    let stage = Stage::set();
    let inner = stage.lab.plan_host("inner").behind(&stage.host).boot();
    let bridge = stage.host.project("bridge").networked().healthy();
    let theirs = stage.host.project("theirs").of_svc().healthy();
    let far = inner.project("far").healthy();
    let bot = stage.bot().service(&bridge).service(&theirs).service(&far).prepare();
    let (code, said) = ended(&bot.tool(&["doctor"]));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("! session — there is none yet"), "{said}");
    for service in ["bridge", "theirs", "far"] {
        let of = said.split_once(&format!("\n{service} (on ")).expect(service).1;
        let lines: Vec<&str> = of.lines().skip(1).take_while(|line| line.starts_with("  ")).collect();
        assert!(lines.iter().all(|line| line.starts_with("  ✓")), "{said}");
        let checks: Vec<&str> = lines.iter().filter_map(|line| line.split(' ').nth(3)).collect();
        assert_eq!(checks, ["clone", "remote", "secrets", "compose", "container"], "{said}");
    }
    assert!(!said.contains(&bridge.secret()), "{said}");

    bot.launch();
    bot.wait_until_ready();
    stage.ask(&bot, "!ping");
    let devices = stage.alice.sees_devices_of(&bot);
    let (code, said) = ended(&bot.tool(&["doctor"]));
    assert_eq!(code, Some(0), "{said}");
    for expected in ["✓ session — ", "— joined, encrypted, private", "✓ bot — it runs, and heard the homeserver"]
    {
        assert!(said.contains(expected), "no {expected:?} in:\n{said}");
    }
    assert_eq!(stage.alice.sees_devices_of(&bot), devices, "no device was made for it");
    stage.ask(&bot, "!ping");
}

#[test]
fn what_is_wrong_with_a_host_is_told_with_its_next_step() {
    let lab = Lab::connect();
    let engine = std::sync::Arc::new(lab.own_engine());
    let host = |name: &str| lab.plan_host(name);
    let (down, closed) = (host("down").engine(&engine).boot(), host("closed").boot());
    let (other, talking) = (host("other").boot(), host("talking").boot());
    let (sudo, away) = (host("sudo").boot(), host("away").boot());
    let projects = [
        down.project("a").not_deployed(),
        closed.project("b").not_deployed(),
        other.project("c").not_deployed(),
        talking.project("d").not_deployed(),
        sudo.project("e").of_svc().not_deployed(),
        away.project("f").not_deployed(),
    ];
    let stage = Stage::set();
    let mut plan = stage.bot();
    for project in &projects {
        plan = plan.service(project);
    }
    let bot = plan.prepare();
    engine.stop_daemon();
    // Who logs in now is in no group; bind mounts can be written, not replaced.
    closed.run_as_root("sed 's/^docker:.*/docker:x:61235:svc/' /etc/group >/tmp/group; cat /tmp/group >/etc/group");
    other.change_host_key();
    talking.run("echo 'echo welcome to talking' >.bashrc");
    sudo.run_as_root("cat /dev/null >/etc/sudoers");
    away.kill_sshd();
    fails(
        &bot,
        &[
            "✗ docker — the engine does not run",
            "✗ docker — ops may not use the engine: not in the group docker",
            "→ usermod -aG docker ops as root on closed-",
            "shows another host key than the known one",
            "✗ profile — the login's profile prints before each command: welcome to talking",
            "✗ sudo — cannot become svc: ",
            "ops ALL=(svc) NOPASSWD: ALL",
            "refused the connection: is sshd running there?",
        ],
    );
}

#[test]
fn what_is_wrong_with_a_service_is_told_with_its_next_step() {
    let stage = Stage::set();
    let host = &stage.host;
    let names = ["gone", "mine", "remote", "plain", "broken", "leaky"];
    let projects = names.map(|name| host.project(name).not_deployed());
    let [gone, mine, remote, plain, broken, leaky] = &projects;
    let by_hand = host.project("by-hand").not_deployed();
    let mut plan = stage.bot().service(&by_hand);
    for project in &projects {
        plan = plan.service(project);
    }
    let bot = plan.prepare();
    let dir = |project: &opsroom_lab::Project| project.dir().display().to_string();
    host.run(&format!("rm -rf {}", dir(gone)));
    host.run_as_root(&format!("chown -R svc {}", dir(mine)));
    remote.break_remote();
    host.run(&format!("rm -rf {}/.git", dir(plain)));
    host.run(&format!("rm {}/.env", dir(broken)));
    leaky.push("git rm -q .gitignore; git commit -qm 'Nothing is ignored'", b"");
    host.run(&format!("cd {} && git pull -q", dir(leaky)));
    host.run(&format!("docker run -d --name {} --network host {} sleep 1000", by_hand.container(), "opsroom-lab/base"));
    fails(
        &bot,
        &[
            "✗ directory — ",
            "belongs to another login, and git refuses it (“dubious ownership”)",
            &format!("git config --global --add safe.directory {}", dir(mine)),
            "✗ remote — there is no repository at origin's address",
            "is no git clone, so there is no update",
            "✗ compose — compose cannot use the file: ",
            "✗ secrets — git does not ignore .env",
            "was not made by Compose, which cannot replace it then",
        ],
    );
    // Asked about one, it looks at that one alone.
    let (code, said) = ended(&bot.tool(&["doctor", "by-hand"]));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("by-hand (on") && !said.contains("homeserver") && !said.contains("leaky"), "{said}");
    let (code, said) = ended(&bot.tool(&["doctor", "by-hnad"]));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("did you mean \"by-hand\"?"), "{said}");
}
