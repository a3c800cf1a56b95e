//! The lab tried on itself: each part does what tests will rely on. Run through `opsroom-lab run -- cargo test -p opsroom-lab`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use opsroom_lab::message::reply_to;
use opsroom_lab::{Lab, Speaker as _, anything, containing, wait_until, where_};

/// Prints how long a part took: `cargo test … -- --nocapture` shows it.
fn timed<T>(what: &str, act: impl FnOnce() -> T) -> T {
    let since = Instant::now();
    let value = act();
    eprintln!("timing: {what}: {} ms", since.elapsed().as_millis());
    value
}

#[test]
fn two_people_talk_in_an_encrypted_room() {
    let lab = Lab::connect();
    let alice = timed("a person", || lab.person("alice"));
    let bob = lab.person("bob");
    let room = timed("a room with two", || lab.room("ops").encrypted().member(&alice).member(&bob).create());

    let hello = timed("a first encrypted message", || alice.says(&room, "hello"));
    let heard = timed("hearing it", || room.reads(&bob).next_from(&alice, containing("hello")));
    assert_eq!(heard.id, hello);
    assert!(heard.encrypted && heard.device_signed, "{heard:?}");
    assert_eq!(heard.device.as_deref(), Some(alice.device()));

    bob.replies_to(&room, &hello, "hi yourself");
    let answer = room.reads(&alice).next_from(&bob, reply_to(&hello));

    alice.edits(&room, &hello, "hello, world");
    alice.reacts(&room, &answer.id, "👍");
    let edited = room.reads(&bob).until(&hello, containing("world"));
    assert_eq!(edited.history(), ["hello", "hello, world"]);
    room.reads(&bob).until(&answer.id, where_("with a reaction", |message| !message.reactions.is_empty()));

    let mentioned = alice.says_mentioning(&room, &bob, "are you there?");
    assert_eq!(room.reads(&bob).until(&mentioned, anything()).mentions(), [bob.user()]);

    let clear = alice.says_unencrypted(&room, "psst");
    assert!(!room.reads(&bob).until(&clear, containing("psst")).encrypted);

    alice.redacts(&room, &clear);
    room.reads(&bob).until(&clear, where_("that is redacted", |message| message.redacted));

    let file = alice.sends_file(&room, "log.txt", b"a line of log\n");
    let seen = room.reads(&bob).until(&file, where_("with a file", |message| message.is_file()));
    assert!(seen.encrypted);
    assert_eq!(bob.downloads(&seen), b"a line of log\n");
    assert_eq!(room.reads(&bob).messages_from(&alice).len(), 4, "{}", room.reads(&bob).transcript());
}

#[test]
fn a_key_may_come_late_and_a_device_may_be_unsigned() {
    let lab = Lab::connect();
    let (alice, bob) = (lab.person("alice"), lab.person("bob"));
    let room = lab.room("ops").encrypted().member(&alice).member(&bob).create();

    let late = alice.says_key_late(&room, "!status");
    let sealed = room.reads(&bob).until(&late, where_("that is sealed", |message| message.undecryptable));
    assert_eq!(sealed.text(), "");
    alice.shares_key(&room);
    let opened = room.reads(&bob).until(&late, containing("!status"));
    assert!(opened.late && !opened.undecryptable);

    let thief = alice.unsigned_device();
    let command = thief.says(&room, "!restart all");
    let seen = room.reads(&bob).until(&command, containing("!restart"));
    assert!(seen.encrypted && !seen.device_signed);
    assert_eq!(bob.sees_devices_of(&alice).values().filter(|signed| **signed).count(), 1);

    let phone = alice.second_device();
    let command = phone.says(&room, "!ping");
    assert!(room.reads(&bob).until(&command, containing("!ping")).device_signed);
    // The new device reads what is said from now on, though the room's session is older than the device.
    let reply = bob.says(&room, "welcome");
    room.reads(&phone).until(&reply, containing("welcome"));
}

#[test]
fn two_people_verify_each_other() {
    let lab = Lab::connect();
    let (alice, bob) = (lab.person("alice"), lab.person("bob"));
    let room = lab.room("ops").encrypted().member(&alice).member(&bob).create();
    let keys = thread::scope(|scope| {
        scope.spawn(|| bob.accepts_verification());
        alice.verifies(&room, &bob)
    });
    assert_eq!(keys.len(), 2, "the device and the master key: {keys:?}");
}

#[test]
fn a_homeserver_goes_away_and_comes_back() {
    let lab = Lab::connect();
    let mut synapse = timed("a homeserver of one's own", || lab.own_homeserver().default_message_limits().start());
    let (alice, bob) = (synapse.person("alice"), synapse.person("bob"));
    let room = synapse.room("ops").encrypted().member(&alice).member(&bob).create();
    alice.says(&room, "before");
    room.reads(&bob).next_from(&alice, containing("before"));

    timed("a homeserver's restart", || {
        synapse.stop();
        synapse.start_again();
    });
    alice.says(&room, "after");
    room.reads(&bob).next_from(&alice, containing("after"));

    synapse.stall();
    synapse.go_on();
    alice.says(&room, "again");
    room.reads(&bob).next_from(&alice, containing("again"));
    assert!(!synapse.admin_token().is_empty());
}

#[test]
fn services_are_what_their_plans_say() {
    let lab = Lab::connect();
    let host = timed("a host", || lab.host("spark-1"));
    let bridge = timed("a healthy project", || host.project("bridge").with_health_check().healthy());
    let looping = host.project("parakeet").crash_loops();
    let absent = host.project("kokoro").not_deployed();
    let exited = host.project("batch").exits(3);
    let oom = host.project("llm").oom();

    looping.wait_for_restarts(2);
    assert!(looping.logs().contains("fatal: cannot open the database"));
    assert_eq!(absent.state(), "none");
    assert_eq!(exited.inspect("{{.State.ExitCode}}").as_deref(), Some("3"));
    wait_until(Duration::from_secs(30), "an OOM kill", || {
        (oom.inspect("{{.State.OOMKilled}}|{{.State.ExitCode}}")? == "true|137").then_some(())
    });

    let old = bridge.commit();
    let new = bridge.push_commit("good morning");
    assert_ne!(old, new);
    let dir = bridge.dir();
    let update = format!(
        "cd {} && git fetch origin && git reset --hard origin/master && docker compose up -d --build",
        dir.display()
    );
    let output = timed("an update over ssh", || host.ssh(&update));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(bridge.commit(), new);
    wait_until(Duration::from_secs(10), "the new greeting", || bridge.logs().contains("good morning").then_some(()));
    assert!(host.run(&format!("cat {}/.env", dir.display())).contains(&bridge.secret()), "the secret survives");

    bridge.break_build();
    let output = host.ssh(&update);
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("this step fails")
            || String::from_utf8_lossy(&output.stdout).contains("this step fails")
    );

    bridge.break_remote();
    assert!(!host.ssh(&format!("git -C {} ls-remote origin", dir.display())).status.success());
    bridge.mend_remote();
    assert!(host.ssh(&format!("git -C {} ls-remote origin", dir.display())).status.success());

    bridge.become_unhealthy();
    bridge.wait_for_health("unhealthy");
    bridge.crash_now(9);
    wait_until(Duration::from_secs(10), "a restart", || (bridge.inspect("{{.RestartCount}}")? == "1").then_some(()));
}

#[test]
fn a_host_can_be_cut_off_restarted_and_changed() {
    let lab = Lab::connect();
    let host = lab.host("spark-1");
    let says = |host: &opsroom_lab::Host| {
        String::from_utf8_lossy(&host.ssh("hostname; id -un; sudo -niu svc id -un").stdout).into_owned()
    };
    let expected = format!("{}\nops\nsvc\n", host.name());
    assert_eq!(timed("an ssh command", || says(&host)), expected, "{}", host.sshd_log());

    host.link_down();
    assert!(!host.ssh("true").status.success());
    host.link_up();
    assert_eq!(says(&host), expected);

    host.drop_packets();
    assert!(!host.ssh("true").status.success());
    host.pass_packets();
    assert_eq!(says(&host), expected);

    host.restart_sshd();
    assert_eq!(says(&host), expected);

    let before = host.host_key();
    host.change_host_key();
    assert_ne!(host.host_key(), before);
    assert_eq!(says(&host), expected);

    assert!(host.ssh("echo kept >~/note; nohup sleep 1000 >/dev/null 2>&1 </dev/null &").status.success());
    timed("a power cut and a boot", || {
        host.power_off();
        host.power_on();
    });
    assert_eq!(host.run("cat ~/note; pgrep -c sleep"), "kept\n1", "only the first process sleeps");

    let inner = lab.plan_host("inner").behind(&host).boot();
    assert_eq!(says(&inner), format!("{}\nops\nsvc\n", inner.name()));
    assert!(
        !Command::new("ping")
            .args(["-c1", "-W1", inner.address()])
            .output()
            .is_ok_and(|output| output.status.success())
    );
}

#[test]
fn an_engine_of_ones_own_restarts() {
    let lab = Lab::connect();
    let engine = Arc::new(timed("an engine of one's own", || lab.own_engine()));
    let host = lab.plan_host("spark-1").engine(&engine).boot();
    let bridge = host.project("bridge").networked().healthy();
    let state = |host: &opsroom_lab::Host| {
        let output = host.ssh(&format!("docker inspect -f '{{{{.State.Status}}}}' {}", bridge.container()));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    assert_eq!(state(&host), "running");

    timed("an engine's restart", || engine.restart_daemon());
    // The engine brings back what was running; the host finds its new socket.
    bridge.wait_for_state("running");
    assert_eq!(state(&host), "running");

    engine.kill_daemon();
    assert_eq!(state(&host), "");
    engine.start_daemon();
    // What a killed engine does with its containers when it is back is its own affair (20.10 leaves them stopped).
    assert_ne!(state(&host), "");
    assert!(!lab.engine().docker(&["ps", "-a"]).contains(bridge.container()), "the shared engine knows nothing of it");
}

#[test]
fn many_hosts_fit_on_one_machine() {
    let lab = Lab::connect();
    let hosts = timed("50 hosts on one machine", || lab.hosts_on_one_machine(50));
    assert_eq!(hosts.len(), 50);
    for host in [&hosts[0], &hosts[49]] {
        assert!(host.ssh("true").status.success(), "{}", host.sshd_log());
    }
    hosts[0].kill_sshd();
    assert!(!hosts[0].ssh("true").status.success());
    assert!(hosts[49].ssh("true").status.success());
}

/// A stand-in that does what the harness asks of the binary: it says that it is ready, and ends when told to.
const STAND_IN: &str = "#!/bin/sh\ncat \"$3\"\necho \"ready: in 1 of 1\"\ntrap 'echo bye; exit 0' TERM\nwhile :; do sleep 1 & wait $!; done\n";

#[test]
fn a_bot_is_configured_started_stopped_and_killed() {
    let lab = Lab::connect();
    let binary = lab.dir("stand-in").join("opsroom");
    fs::write(&binary, STAND_IN).unwrap();
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let host = lab.host("spark-1");
    let inner = lab.plan_host("inner").behind(&host).boot();
    let kokoro = inner.project("kokoro").not_deployed();

    let bot = lab.bot().binary(&binary).room(&room).operator(&alice).service(&kokoro).start();
    let config = bot.log();
    for part in [room.alias(), alice.user(), host.name(), inner.name(), kokoro.container(), &host.host_key(), "jump = "]
    {
        assert!(config.contains(part), "{part} is missing in:\n{config}");
    }
    assert_eq!(alice.membership(&room, &bot), "invite");
    assert!(bot.memory().0 > 0);
    assert!(bot.stop().success());
    bot.start_again();
    bot.kill();
    assert!(bot.ended().is_some());
}
