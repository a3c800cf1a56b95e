//! New versions of a unit: from a clone that is built on its host.

use opsroom_lab::{Bot, Host, containing, machine::OPS, wait_until};

use crate::{
    metal::{SUITE, as_user, linger, reads_the_journal, stage_on, user_unit, with_unit},
    stage::{LIMIT, Stage},
};

/// A service of the login's own that is built from a clone.
struct App {
    stage: Stage,
}

/// What the unit runs is what `install` put in place.
const UNIT: &str = "[Service]\nExecStart=%h/bin/app\n";
const DIR: &str = "/srv/app";

impl App {
    fn deployed() -> Self {
        let stage = stage_on(SUITE);
        let host = &stage.host;
        reads_the_journal(host);
        linger(host);
        host.run_as_root("chown ops /srv");
        let runs = "#!/bin/sh\\necho version 1\\nexec sleep 1000\\n";
        host.run(&format!(
            "git config --global user.name Lab; git config --global user.email lab@lab.test
             git init -q --bare -b main remote.git; git init -q -b main work; cd work
             printf '{runs}' >app.in; printf 'set -e\\necho building\\ncp app.in app.built\\nchmod 755 app.built\\n' >build.sh; echo app.built >.gitignore
             git add .; git commit -qm 'The first version'; git push -q ~/remote.git main
             git clone -q ~/remote.git {DIR}; cd {DIR}; sh build.sh; mkdir -p ~/bin; install app.built ~/bin/app"
        ));
        user_unit(host, "app.service", UNIT);
        as_user(host, &OPS, "systemctl --user start app");
        Self { stage }
    }

    fn host(&self) -> &Host {
        &self.stage.host
    }

    fn bot(&self) -> Bot {
        self.bot_with("update = { build = \"sh build.sh\", install = \"install app.built $HOME/bin/app\", verify = \"3s\", timeout = \"2m\" }")
    }

    fn bot_with(&self, update: &str) -> Bot {
        let lines = format!("scope = \"user\"\ndir = {DIR:?}\n{update}");
        with_unit(self.stage.bot(), self.host(), "app", "app.service", &lines).start()
    }

    /// Pushes a version and gives its commit.
    fn push(&self, script: &str, title: &str) -> String {
        self.host().run(&format!(
            "cd work && {script} && git commit -qam '{title}' && git push -q ~/remote.git main && git rev-parse HEAD"
        ))
    }

    fn runs(&self) -> String {
        as_user(self.host(), &OPS, "systemctl --user is-active -q app && sed -n 's/^echo //p' ~/bin/app")
    }

    fn commit(&self) -> String {
        self.host().run(&format!("git -C {DIR} rev-parse HEAD"))
    }
}

const SECOND: &str = "sed -i 's/version 1/version 2/' app.in";

#[test]
fn a_good_version_is_put_in_place_and_gone_back_from() {
    let app = App::deployed();
    let (stage, bot) = (&app.stage, app.bot());
    let first = app.commit();
    let second = app.push(SECOND, "The second version");
    let news = stage.ask(&bot, "!diff app");
    assert!(news.text().contains("The second version"), "{}", news.text());
    assert_eq!(app.runs(), "version 1");
    let told = stage.result_of(&bot, "!update app", "✅ app updated");
    assert!(told.text().contains("The second version"), "{}", told.text());
    assert_eq!((app.runs().as_str(), app.commit()), ("version 2", second));
    assert!(stage.ask(&bot, "!logs app").text().contains("version 2"));
    stage.result_of(&bot, "!rollback app", "✅ app rolled back");
    assert_eq!((app.runs().as_str(), app.commit()), ("version 1", first));
}

#[test]
fn a_version_that_cannot_be_had_or_built_touches_nothing_that_runs() {
    let app = App::deployed();
    let (stage, bot) = (&app.stage, app.bot());
    let pid = || as_user(app.host(), &OPS, "systemctl --user show -p MainPID --value app");
    let (first, before) = (app.commit(), pid());
    app.push("echo 'echo no compiler here >&2; exit 2' >>build.sh", "Break the build");
    let told = stage.result_of(&bot, "!update app", "🔴 update of app failed");
    assert!(told.text().contains("no compiler here"), "{}", told.text());
    assert_eq!((pid(), app.commit()), (before.clone(), first.clone()));
    app.host().run("mv remote.git gone.git");
    let told = stage.result_of(&bot, "!update app", "🔴 update of app failed");
    assert!(told.text().contains("remote.git"), "{}", told.text());
    assert_eq!((pid(), app.commit()), (before, first));
}

#[test]
fn a_version_that_dies_is_taken_back_by_the_host() {
    let app = App::deployed();
    let (stage, bot) = (&app.stage, app.bot());
    let first = app.commit();
    app.push("printf '#!/bin/sh\\necho cannot open the database\\nexit 7\\n' >app.in", "Crash at start");
    let told = stage.result_of(&bot, "!update app", "🔴 update of app failed");
    let text = told.text();
    assert!(text.contains("exit 7") && text.contains("cannot open the database"), "{text}");
    assert!(text.contains("Back at"), "{text}");
    assert_eq!((app.runs().as_str(), app.commit()), ("version 1", first));
    assert!(stage.ask(&bot, "!status app").text().contains("app — up"));
}

/// Waits where a test wants it to, and says so.
const GATE: &str = "touch ~/at-$1; while [ -e ~/gate-$1 ]; do sleep 0.1; done; rm -f ~/at-$1";

#[test]
fn an_update_goes_on_when_the_bot_is_killed_in_any_phase() {
    let app = App::deployed();
    let (stage, host) = (&app.stage, app.host());
    host.run(&format!(
        "echo '{GATE}' >gate.sh; git -C {DIR} config remote.origin.uploadpack 'sh ~/gate.sh fetch; git-upload-pack'; \
         echo 'sh ~/gate.sh switch; ! grep -q ^exit ~/bin/app || sh ~/gate.sh rollback; install app.built ~/bin/app' >bin/put"
    ));
    let update = "update = { build = \"sh ~/gate.sh build && sh build.sh\", install = \"sh ~/bin/put\", verify = \"3s\", timeout = \"2m\" }";
    let bot = app.bot_with(update);
    let mut last = app.commit();
    for (round, phase) in ["fetch", "build", "switch", "verify", "rollback"].into_iter().enumerate() {
        let version = format!("version {}", round + 2);
        let dies = if phase == "rollback" { "; echo exit 7 >>app.in; sed -i /^exec/d app.in" } else { "" };
        let commit = app.push(&format!("sed -i 's/version ./{version}/' app.in{dies}"), &version);
        host.run(&format!("touch gate-{phase}"));
        let asked = stage.alice.says(&stage.room, "!update app");
        wait_until(LIMIT, phase, || match phase {
            // It waits by itself.
            "verify" => (app.runs() == version).then_some(()),
            _ => host.try_run(&format!("test -e at-{phase}"), b"").status.success().then_some(()),
        });
        bot.kill();
        host.run(&format!("rm -f gate-{phase}"));
        bot.launch();
        bot.wait_until_ready();
        let reads = stage.room.reads(&stage.alice).within(LIMIT);
        let (head, runs, now) = match phase {
            "rollback" => ("🔴 update of app failed", "version 5".to_owned(), last.clone()),
            _ => ("✅ app updated", version, commit),
        };
        reads.reply_to(&asked, containing(head));
        assert_eq!((app.runs(), app.commit()), (runs, now.clone()), "{phase}");
        last = now;
    }
}
