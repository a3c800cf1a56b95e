//! What an update refuses, takes back, and goes back to: with what the
//! containers and the clone show.

use opsroom_lab::{Project, Speaker as _, containing, message::reply_to};

use crate::stage::{LIMIT, Stage};

fn runs(project: &Project) -> Option<String> {
    project.inspect("{{.Id}} {{.State.StartedAt}}")
}

#[test]
fn a_version_that_dies_is_taken_back_and_the_room_told_how_long_it_was_down() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").compose("stop_grace_period: 1s").healthy();
    let bot = stage.bot().service_with(&bridge, "update = { verify = \"2s\" }").start();
    let (good, image, secret) = (bridge.commit(), bridge.inspect("{{.Image}}"), bridge.secret());
    bridge.push_crashing();
    let told = stage.result_of(&bot, "!update bridge", "🔴 update of bridge failed in verify");
    assert!(told.text().contains("it started and died"), "{}", told.text());
    assert!(
        told.text().contains(&format!("↩️ Back at {}: it runs and holds. It was down for", &good[..7])),
        "{}",
        told.text()
    );
    assert!(told.text().contains("fatal: cannot open the database"), "its last words: {}", told.text());
    assert_eq!((bridge.commit(), bridge.inspect("{{.Image}}"), bridge.secret()), (good, image, secret));
    assert_eq!(bridge.state(), "running");
}

#[test]
fn a_version_that_is_unhealthy_is_taken_back() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").compose("stop_grace_period: 1s").with_health_check().healthy();
    let bot = stage.bot().service_with(&bridge, "update = { verify = \"2s\" }").start();
    let good = bridge.commit();
    bridge.push("sed -i 's|^trap|touch /tmp/unhealthy; trap|' app.sh && git commit -qam 'Sick from the start'", b"");
    let told = stage.result_of(&bot, "!update bridge", "🔴 update of bridge failed in verify");
    assert!(told.text().contains("its health check fails") && told.text().contains("↩️ Back at"), "{}", told.text());
    assert_eq!(bridge.commit(), good);
    bridge.wait_for_health("healthy");
}

#[test]
fn a_neighbour_that_dies_with_an_update_fails_it_and_is_named() {
    let stage = Stage::set();
    let bridge = stage
        .host
        .project("bridge")
        .compose("stop_grace_period: 1s")
        .neighbour("db", "echo the old; sleep 1000", "unless-stopped")
        .neighbour("setup", "true", "no")
        .healthy();
    let bot = stage.bot().service_with(&bridge, "update = { verify = \"3s\" }").start();
    let db = format!("{}-db", bridge.container());
    let log_of_db = || stage.host.run(&format!("docker logs {db} 2>&1"));
    let (good, running) = (bridge.commit(), runs(&bridge));
    // It is seen to run, and dies a second later.
    bridge.push(
        "sed -i 's|echo the old; sleep 1000|sleep 1; echo no disk; exit 3|' compose.yaml && git commit -qam New",
        b"",
    );
    let told = stage.result_of(&bot, "!update bridge", "🔴 update of bridge failed in verify");
    assert!(
        told.text().contains(&format!("{db}, in the same project: it started and died: exit 3")),
        "{}",
        told.text()
    );
    assert!(told.text().contains("no disk") && told.text().contains("↩️ Back at"), "{}", told.text());
    assert_eq!((bridge.commit(), runs(&bridge)), (good, running));
    assert!(log_of_db().contains("the old"), "{}", log_of_db());
    // What only the bad version has goes with it.
    let added = format!(
        "  added:\\n    image: opsroom-lab/base\\n    container_name: {db}-2\\n    network_mode: host\\n    restart: always\\n    command: [sh, -c, \"exit 5\"]\\n"
    );
    bridge.push(&format!("git revert -n HEAD && printf '{added}' >>compose.yaml && git commit -qam 'One more'"), b"");
    let told = stage.result_of(&bot, "!update bridge", "🔴 update of bridge failed in verify");
    assert!(
        told.text().contains(&format!("{db}-2, in the same project: it started and died: exit 5")),
        "{}",
        told.text()
    );
    assert!(told.text().contains("↩️ Back at"), "{}", told.text());
    assert_eq!(stage.host.run(&format!("docker ps -aq --filter name={db}-2")), "");
    bridge.push("git checkout -q HEAD~2 -- compose.yaml && git commit -qm 'One less'", b"");
    stage.result_of(&bot, "!update bridge", "✅ bridge updated");
}

#[test]
fn a_neighbour_that_was_in_trouble_before_fails_no_update() {
    let stage = Stage::set();
    let bridge = stage
        .host
        .project("bridge")
        .compose("stop_grace_period: 1s")
        .neighbour("sick", "exit 4", "unless-stopped")
        .healthy();
    let bot = stage.bot().service_with(&bridge, "update = { verify = \"3s\" }").start();
    let new = bridge.push_commit("the second");
    let told = stage.result_of(&bot, "!update bridge", "✅ bridge updated");
    assert_eq!(bridge.commit(), new);
    let sick = format!("In trouble before and still: {}-sick", bridge.container());
    assert!(told.text().contains(&sick), "{}", told.text());
}

#[test]
fn without_rollback_it_is_left_and_rollback_by_hand_goes_to_the_last_that_held() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").compose("stop_grace_period: 1s").healthy();
    let bot = stage.bot().service_with(&bridge, "update = { verify = \"3s\", rollback = false }").start();
    let first = bridge.commit();
    let second = bridge.push_commit("the second");
    stage.result_of(&bot, "!update bridge", "✅ bridge updated");
    bridge.push_crashing();
    let told = stage.result_of(&bot, "!update bridge", "🔴 update of bridge failed in verify");
    assert!(told.text().contains("`rollback` is off") || told.text().contains("rollback is off"), "{}", told.text());
    let told = stage.result_of(&bot, "!rollback bridge", "✅ bridge rolled back");
    assert_eq!(bridge.commit(), second, "{}", told.text());
    assert_eq!(bridge.state(), "running");
    // Once more: to the one before that. Then there is none.
    stage.result_of(&bot, "!rollback bridge", "✅ bridge rolled back");
    assert_eq!(bridge.commit(), first);
    assert!(!bridge.logs().contains("the second"));
    let told = stage.result_of(&bot, "!rollback bridge", "✋ rollback of bridge was not begun");
    assert!(told.text().contains("no earlier version"), "{}", told.text());
    // A commit of which no image is kept is built.
    stage.result_of(&bot, &format!("!rollback bridge {}", &second[..8]), "✅ bridge rolled back");
    assert_eq!(bridge.commit(), second);
    assert!(bridge.logs().contains("the second"));
    let told = stage.result_of(&bot, "!rollback bridge deadbeef", "✋ rollback of bridge was not begun");
    assert!(told.text().contains("deadbeef"), "{}", told.text());
}

#[test]
fn a_failed_build_puts_the_clone_back_too() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).start();
    let (good, running) = (bridge.commit(), runs(&bridge));
    bridge.break_build();
    let told = stage.result_of(&bot, "!update bridge", "🔴 update of bridge failed in build");
    assert!(told.text().contains("this step fails"), "{}", told.text());
    assert_eq!((bridge.commit(), runs(&bridge)), (good, running));
}

#[test]
fn what_cannot_begin_is_a_clear_sentence_with_a_way_out() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let dir = bridge.dir().display().to_string();
    let bot = stage.bot().service_with(&bridge, "update = { verify = \"0s\" }").start();
    let running = runs(&bridge);
    let refused = |expected: &[&str]| {
        let told = stage.result_of(&bot, "!update bridge", "✋ update of bridge was not begun");
        for text in expected {
            assert!(told.text().contains(text), "{text:?} is not in: {}", told.text());
        }
        assert_eq!(runs(&bridge), running);
    };
    // Local changes to tracked files; they are kept when they are discarded.
    let new = bridge.push_commit("from upstream");
    stage.host.run(&format!("echo 'by hand' >{dir}/greeting"));
    refused(&["1 tracked file has local changes", "greeting", "!update bridge --discard"]);
    let told = stage.result_of(&bot, "!update bridge --discard", "✅ bridge updated");
    let patch = told.text().split_whitespace().find(|word| word.ends_with(".patch")).expect("where the patch is");
    assert!(stage.host.run(&format!("cat {patch}")).contains("+by hand"));
    assert_eq!(bridge.commit(), new);
    let running = runs(&bridge);
    let refused = |expected: &[&str]| {
        let told = stage.result_of(&bot, "!update bridge", "✋ update of bridge was not begun");
        for text in expected {
            assert!(told.text().contains(text), "{text:?} is not in: {}", told.text());
        }
        assert_eq!(runs(&bridge), running);
    };
    // A file in the way that git does not know.
    stage.host.run(&format!("echo mine >{dir}/notes"));
    bridge.push("echo theirs >notes && git add notes && git commit -qm Notes", b"");
    refused(&["notes", "does not know"]);
    assert_eq!(stage.host.run(&format!("cat {dir}/notes")), "mine");
    stage.host.run(&format!("rm {dir}/notes"));
    // Another branch.
    stage.host.run(&format!("cd {dir} && git checkout -q -b experiment"));
    refused(&["experiment", "master"]);
    stage.host.run(&format!("cd {dir} && git checkout -q master"));
    // No clone, no directory.
    stage.host.run(&format!("mv {dir}/.git {dir}/.was-git"));
    refused(&["is no git clone"]);
    stage.host.run(&format!("mv {dir}/.was-git {dir}/.git && mv {dir} {dir}.away"));
    refused(&["There is no"]);
    stage.host.run(&format!("mv {dir}.away {dir}"));
    // A git that was killed left its lock: nobody needs to come and remove it.
    stage.host.run(&format!("touch {dir}/.git/index.lock"));
    let told = stage.result_of(&bot, "!update bridge", "✅ bridge updated");
    assert!(told.text().contains("A lock that a dead git had left"), "{}", told.text());
}

#[test]
fn a_clone_of_somebody_else_is_refused_with_the_command_that_mends_it() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).start();
    let dir = bridge.dir().display().to_string();
    stage.host.run_as_root(&format!("chown -R root {dir}"));
    let told = stage.result_of(&bot, "!update bridge", "✋ update of bridge was not begun");
    assert!(told.text().contains("dubious ownership") && told.text().contains("chown -R ops"), "{}", told.text());
    stage.host.run_as_root(&format!("chown -R ops {dir}"));
    stage.result_of(&bot, "!update bridge", "✅ bridge updated");
    // Where git trusts every directory, it would find out half-way.
    stage.host.run("git config --global --add safe.directory '*'");
    stage.host.run_as_root(&format!("chown -R root {dir}/.git/objects"));
    let told = stage.result_of(&bot, "!update bridge", "✋ update of bridge was not begun");
    assert!(told.text().contains(&format!("chown -R ops {dir}/.git")), "{}", told.text());
}

#[test]
fn too_little_space_is_told_before_anything_is_fetched() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service_with(&bridge, "update = { min_free = 4000000000 }").start();
    let told = stage.result_of(&bot, "!update bridge", "✋ update of bridge was not begun");
    assert!(told.text().contains("MiB are free") && told.text().contains("docker image prune"), "{}", told.text());
    // No room even for the job's own files.
    stage.host.run_as_root(
        "mkdir -p ~ops/.local/state && mount -t tmpfs -o size=4k,uid=$(id -u ops) tmpfs ~ops/.local/state",
    );
    let told = stage.result_of(&bot, "!restart bridge", "🔴 restart of bridge was not started");
    assert!(told.text().contains("where 0 kB are free"), "{}", told.text());
}

#[test]
fn a_lock_of_a_dead_job_is_taken_over_and_one_of_a_living_job_is_respected() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let plan = stage.bot().service(&bridge);
    let bot = plan.start();
    let locks = "~/.local/state/opsroom/locks";
    stage.host.run(&format!("mkdir -p {locks} && ln -s gone-1 {locks}/{}", bridge.container()));
    let told = stage.result_of(&bot, "!update bridge", "✅ bridge updated");
    assert!(
        told.text().contains("The lock of an earlier job (gone-1), which is dead, was taken over"),
        "{}",
        told.text()
    );
    // Another bot, with a room of its own, is at it.
    let bob = stage.lab.person("bob");
    let room = stage.lab.room("other").encrypted().member(&bob).create();
    let other = stage.lab.bot().binary(crate::stage::OPSROOM).room(&room).operator(&bob).service(&bridge).start();
    bridge.slow_build(10);
    let asked = bob.says(&room, "!update bridge");
    room.reads(&bob).within(LIMIT).reply_to(&asked, containing("⏳ build"));
    let told = stage.result_of(&bot, "!restart bridge", "✋ restart of bridge was not begun");
    assert!(told.text().contains("update asked by") && told.text().contains(bob.user()), "{}", told.text());
    room.reads(&bob).within(LIMIT).next_from(&other, containing("✅ bridge updated").and(reply_to(&asked)));
    stage.result_of(&bot, "!update bridge", "✅ bridge updated");
}

#[test]
fn what_is_new_is_told_without_touching_anything() {
    let stage = Stage::set();
    let bridge = stage.host.project("bridge").healthy();
    let bot = stage.bot().service(&bridge).start();
    let (old, running) = (bridge.commit(), runs(&bridge));
    assert!(stage.ask(&bot, "!diff bridge").text().starts_with("✅ bridge is up to date"));
    let new = bridge.push_commit("Greet *everybody* <b>loudly</b>");
    bridge.push("echo '# more' >>compose.yaml && git commit -qam 'Compose'", b"");
    let answer = stage.ask(&bot, "!update bridge —dry-run");
    let text = answer.text();
    assert!(text.contains(&format!("would go {} →", &old[..7])) && text.contains("(2 commits)"), "{text}");
    assert!(text.contains(&format!("{} Greet *everybody* <b>loudly</b>", &new[..7])), "{text}");
    assert!(text.contains("changes compose.yaml"), "{text}");
    assert_eq!((bridge.commit(), runs(&bridge)), (old, running));
    bridge.break_remote();
    let failed = stage.ask(&bot, "!diff bridge");
    assert!(failed.text().contains("I cannot say what is new for bridge") && failed.text().contains("fatal:"));
}
