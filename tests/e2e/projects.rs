//! A whole compose project as one service.

use std::time::Duration;

use opsroom_lab::{Project, containing, message::reply_to, page};

use crate::stage::{LIMIT, Stage};

const QUIET: &str = "[watch]\nquiet = \"3s\"\n";

/// An application, its database, a worker, and what sets them up once.
fn cloud(stage: &Stage) -> Project {
    let plan = stage.host.project("cloud").compose("stop_grace_period: 1s");
    plan.neighbour("db", "echo ready; sleep 1000", "unless-stopped")
        .neighbour("worker", "rm -f /tmp/end; echo works; while [ ! -e /tmp/end ]; do sleep 0.2; done; exit 7", "no")
        .neighbour("setup", "echo set up", "no")
        .healthy()
}

/// A member's start, by which one that was restarted is known.
fn started(project: &Project, member: &str) -> String {
    let name =
        if member == "app" { project.container().to_owned() } else { format!("{}-{member}", project.container()) };
    project.host().run(&format!("docker inspect -f '{{{{.State.StartedAt}}}}' {name}"))
}

#[test]
fn a_project_is_one_line_and_its_members_are_shown_when_asked_for() {
    let stage = Stage::set();
    let cloud = cloud(&stage);
    let other = stage.host.project("other").healthy();
    let bot = stage.bot().whole(&cloud, "").service(&other).start();
    let status = stage.ask(&bot, "!status");
    assert!(status.text().contains("🟢 cloud — 3 of 3 up, 1 done"), "{}", status.text());
    assert_eq!(status.text().lines().count(), 3, "one line each: {}", status.text());
    let status = stage.ask(&bot, "!status cloud");
    for line in ["🟢 cloud — 3 of 3 up, 1 done", "🟢 app — up", "🟢 db — up", "⚪ setup — done,"] {
        assert!(status.text().contains(line), "{line}: {}", status.text());
    }
    let log = stage.ask(&bot, "!logs cloud/db");
    assert!(log.text().contains("cloud/db — last 1 line") && log.text().contains("ready"), "{}", log.text());
    let log = stage.ask(&bot, "!logs cloud");
    assert!(log.text().contains("db-1 | ready") && log.text().contains("setup-1 | set up"), "{}", log.text());
    let nobody = stage.ask(&bot, "!logs cloud/dbb");
    assert!(nobody.text().contains("cloud has no member dbb. Did you mean cloud/db?"), "{}", nobody.text());
    let alone = stage.ask(&bot, "!restart other/app");
    assert!(alone.text().contains("other is no project"), "{}", alone.text());
}

#[test]
fn a_project_or_a_member_is_restarted_stopped_and_started() {
    let stage = Stage::set();
    let cloud = cloud(&stage);
    let bot = stage.bot().whole(&cloud, "").start();
    let all = |members: &[&str]| members.iter().map(|one| started(&cloud, one)).collect::<Vec<_>>();
    let (app, db, setup) = (started(&cloud, "app"), started(&cloud, "db"), started(&cloud, "setup"));

    stage.result_of(&bot, "!restart cloud/db", "✅ cloud/db restarted");
    assert_ne!(started(&cloud, "db"), db);
    assert_eq!(all(&["app", "setup"]), [app.clone(), setup.clone()]);

    let db = started(&cloud, "db");
    stage.result_of(&bot, "!restart cloud", "✅ cloud restarted");
    let now = all(&["app", "db"]);
    assert!(now[0] != app && now[1] != db, "{now:?}");
    assert_eq!(started(&cloud, "setup"), setup, "what was done is not done again");

    // What somebody stopped stays stopped, and a restart of the rest has succeeded.
    stage.result_of(&bot, "!stop cloud/WORKER", "✅ cloud/worker stopped");
    stage.result_of(&bot, "!restart cloud", "✅ cloud restarted");
    let status = stage.ask(&bot, "!status cloud/worker");
    assert!(status.text().contains("2 of 2 up, 1 stopped, 1 done"), "{}", status.text());
    assert!(status.text().contains("worker — stopped by alice"), "{}", status.text());

    stage.result_of(&bot, "!stop cloud", "✅ cloud stopped");
    assert_eq!(
        stage.host.run(&format!("docker ps -q --filter label=com.docker.compose.project={}", cloud.compose_name())),
        ""
    );
    let status = stage.ask(&bot, "!status cloud");
    assert!(status.text().starts_with("⚪ cloud — stopped by alice"), "{}", status.text());

    stage.result_of(&bot, "!start cloud", "✅ cloud started");
    assert!(stage.ask(&bot, "!status cloud").text().starts_with("🟢 cloud — 3 of 3 up, 1 done"));
    let whole = stage.ask(&bot, "!update cloud/db");
    assert!(whole.text().contains("cloud is updated as a whole: !update cloud"), "{}", whole.text());
}

#[test]
fn the_death_of_a_member_is_one_message_that_names_it() {
    let stage = Stage::set();
    let cloud = cloud(&stage);
    let bot = stage.bot().whole(&cloud, "").config(QUIET).start();
    stage.ask(&bot, "!status");
    let reads = || stage.room.reads(&stage.alice).within(Duration::from_secs(60));
    stage.host.run(&format!("docker exec {}-worker touch /tmp/end", cloud.container()));
    let alert = reads().next_from(
        &bot,
        page(&stage.alice).and(containing("🔴 cloud/worker is down on").and(containing("— exit 7 after"))),
    );
    let status = stage.ask(&bot, "!status");
    assert!(status.text().contains("🔴 cloud — 2 of 3 up, 1 done"), "{}", status.text());
    assert!(status.text().contains("· 🔴 worker — stopped"), "{}", status.text());
    let logs = stage.alice.replies_to(&stage.room, &alert.id, "logs");
    reads().next_from(&bot, containing("cloud/worker — last").and(reply_to(&logs)));
    let restart = stage.alice.replies_to(&stage.room, &alert.id, "restart");
    reads().next_from(&bot, containing("✅ cloud/worker restarted").and(reply_to(&restart)));
    reads().next_from(&bot, page(&stage.alice).and(containing("✅ cloud recovered")));
    let pages = reads().messages_from(&bot);
    let pages = pages.iter().filter(|message| page(&stage.alice).holds(message)).count();
    assert_eq!(pages, 2, "{}", reads().transcript());
}

#[test]
fn an_update_verifies_every_member_and_is_taken_back_as_a_whole() {
    let stage = Stage::set();
    let cloud = cloud(&stage);
    let bot = stage.bot().whole(&cloud, "update = { verify = \"3s\" }").start();
    let good = cloud.commit();
    let new = cloud.push_commit("a new greeting");
    let reads = stage.room.reads(&stage.alice).within(LIMIT);
    let asked = stage.alice.says(&stage.room, "!diff cloud");
    reads.reply_to(&asked, containing("🔍 cloud would go").and(containing(&new[..7])));
    let told = stage.result_of(&bot, "!update cloud", "✅ cloud updated");
    assert!(told.text().contains(&format!("{} → {} (1 commit)", &good[..7], &new[..7])), "{}", told.text());
    cloud.push("sed -i 's|echo works;|sleep 1; echo no work; exit 3;|' compose.yaml && git commit -qam Bad", b"");
    let told = stage.result_of(&bot, "!update cloud", "🔴 update of cloud failed in verify");
    assert!(told.text().contains("-worker: it started and died: exit 3"), "{}", told.text());
    assert!(told.text().contains("no work") && told.text().contains("↩️ Back at"), "{}", told.text());
    assert_eq!(cloud.commit(), new);
    assert!(stage.ask(&bot, "!status cloud").text().starts_with("🟢 cloud — 3 of 3 up, 1 done"));
    let told = stage.result_of(&bot, "!rollback cloud", "✅ cloud rolled back");
    assert_eq!(cloud.commit(), good, "{}", told.text());
}

#[test]
fn a_project_that_is_not_deployed_is_started_from_its_directory() {
    let stage = Stage::set();
    let plan = stage.host.project("cloud").neighbour("db", "sleep 1000", "unless-stopped");
    let cloud = plan.not_deployed();
    let bot = stage.bot().whole(&cloud, "").start();
    assert!(stage.ask(&bot, "!status cloud").text().contains("cloud — not deployed"));
    let refused = stage.result_of(&bot, "!restart cloud", "🔴 restart of cloud failed");
    assert!(refused.text().contains("No such container"), "{}", refused.text());
    let asked = stage.alice.says(&stage.room, "!start cloud");
    let reads = stage.room.reads(&stage.alice).within(LIMIT);
    reads.next_from(&bot, containing("✅ cloud started").and(reply_to(&asked)));
    assert!(stage.ask(&bot, "!status cloud").text().starts_with("🟢 cloud — 2 of 2 up"));
}

#[test]
fn members_of_a_kind_are_counted_and_fewer_of_them_are_no_alert() {
    let stage = Stage::set();
    let cloud = cloud(&stage);
    let scaled = "  web:\n    image: opsroom-lab/base\n    network_mode: host\n    stop_grace_period: 1s\n    command: [sleep, '1000']\n";
    cloud.push(&format!("printf '%s' \"{scaled}\" >>compose.yaml && git commit -qam Web"), b"");
    let up = |count: u32| {
        stage.host.run(&format!(
            "cd {} && git pull -q && docker compose up -d --scale web={count} 2>&1",
            cloud.dir().display()
        ))
    };
    up(3);
    let bot = stage.bot().whole(&cloud, "").config("[watch]\nabsent_after = \"1s\"\nsnapshot_every = \"5s\"\n").start();
    let status = stage.ask(&bot, "!status cloud");
    assert!(
        status.text().contains("6 of 6 up, 1 done") && status.text().contains("🟢 web-3 — up"),
        "{}",
        status.text()
    );
    stage.result_of(&bot, "!restart cloud/web-2", "✅ cloud/web-2 restarted");
    up(1);
    let reads = stage.room.reads(&stage.alice).within(LIMIT);
    let asked = stage.alice.says(&stage.room, "!status cloud");
    reads.reply_to(&asked, containing("4 of 4 up, 1 done"));
    assert!(stage.ask(&bot, "!alerts").text().starts_with("🟢 No alert is open"));
}
