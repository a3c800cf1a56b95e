//! The changes' own scripts on real shells, with a real git and an engine that
//! only remembers what it was told.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::Read as _,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use opsroom::domain::{
    change::{Change, Wanted},
    impact::{Back, VerifyFailure},
    inventory::{Service, Strategy, UpdatePolicy},
    job::{Job, JobId},
    names::{Branch, ContainerName, HostName, MemberName, ProjectName, RemoteDir, ServiceName, UserId},
    observation::State,
    operation,
    origin::Actor,
    preflight::{Note, Refusal},
    progress::{Phase, Progress, Reader},
    rights::Rights,
    runtime::{Workload, docker, snapshot},
    watch::Policy,
};
use opsroom_lab::{
    Home,
    wait::{PATIENCE, wait_until},
};

/// Remembers containers as files, in the order of the fields that are asked for;
/// each call is noted. Names are found as the real one does: also by the
/// beginning of an ID.
const ENGINE: &str = r#"#!/bin/sh
echo "$*" >>"$HOME/calls"
for last; do :; done
found() {
    [ ! -e "$HOME/containers/$1" ] || { cat "$HOME/containers/$1"; return; }
    grep -h "^[^|]*|$1" "$HOME"/containers/* 2>/dev/null || { echo "Error: No such object: $1" >&2; return 1; }
}
case "$1 $2" in
'inspect --type')
    case $5 in
    '{{.Config.Image}} {{.Image}}') cat "$HOME/images" ;;
    '{{.Image}}') cut -d' ' -f2 "$HOME/images" | head -n 1 ;;
    '{{index '*) cat "$HOME/project" 2>/dev/null ;;
    '{{.ID}}|{{.Name}}'*) cat "$HOME/neighbours" ;;
    *container-number*) cat "$HOME/members" ;;
    *) found "$last" ;;
    esac ;;
'tag '*) case $3 in *@sha256:*) echo 'refusing to create a tag with a digest reference' >&2; exit 1 ;; esac ;;
'compose build') [ ! -e "$HOME/build-fails" ] || exit 17 ;;
'events '*) [ ! -e "$HOME/on-events" ] || . "$HOME/on-events" ;;
'compose restart') [ ! -e "$HOME/on-up" ] || . "$HOME/on-up" ;;
'compose up') [ ! -e "$HOME/up-kills-us" ] || kill -KILL 0; [ ! -e "$HOME/on-up" ] || . "$HOME/on-up" ;;
'ps -aq') cut -d'|' -f1 "$HOME/neighbours" ;;
'ps --no-trunc') sed -n '/|running|/s/^\([^|]*\)|[^|]*|\([^|]*\).*/\1 \2/p' "$HOME/neighbours" ;;
'image inspect') [ ! -e "$HOME/pruned" ] ;;
'rm -f') grep -v "^$last|" "$HOME/neighbours" >"$HOME/left"; mv "$HOME/left" "$HOME/neighbours" ;;
esac
"#;

struct Host {
    home: Home,
    service: Service,
    engine: PathBuf,
    jobs: u64,
}

impl Drop for Host {
    fn drop(&mut self) {
        // Where no login has a directory of its own, locks are made on the machine itself.
        let _ = self.command("n=$(printf %s \"$DOCKER_HOST\" | cksum | cut -d' ' -f1); rmdir /run/lock/opsroom-*-$n /tmp/opsroom-*-$n").output();
    }
}

impl Host {
    fn each() -> Vec<Self> {
        Home::each("").into_iter().map(Self::at).collect()
    }

    fn at(home: Home) -> Self {
        home.tool("docker", ENGINE);
        fs::create_dir(home.path().join("containers")).unwrap();
        let service = Service {
            name: ServiceName::parse("db").unwrap(),
            host: HostName::parse("spark").unwrap(),
            workload: Workload::Docker(ContainerName::parse("db").unwrap()),
            dir: Some(RemoteDir::parse(home.path().join("clone").to_str().unwrap()).unwrap()),
            branch: Branch::parse("master").unwrap(),
            run_as: None,
            tags: vec![],
            update: UpdatePolicy { verify: Duration::ZERO, min_free: 0, ..UpdatePolicy::default() },
            stop_timeout: None,
            rights: Rights::Change,
            watch: Policy::default(),
        };
        let engine = home.path().join("docker.sock");
        let host = Self { home, service, engine, jobs: 0 };
        host.container("db", "0123");
        fs::write(host.path("images"), "db sha256:aa\npostgres@sha256:bb sha256:bb\n").unwrap();
        host
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn container(&self, name: &str, id: &str) {
        let line = format!("/{name}|{id}|running|2026-01-01T00:00:00Z|0001-01-01T00:00:00Z|0|0|false|\n");
        fs::write(self.path("containers").join(name), line).unwrap();
    }

    /// A remote, and its clone in which the service lives.
    fn with_clone(self) -> Self {
        self.sh("git init -q -b master remote && cd remote && echo one >file && git add . && git commit -qm one &&
                 cd .. && git clone -q remote clone");
        self
    }

    fn command(&self, script: &str) -> Command {
        let mut command = self.home.command(script);
        command
            // Each test has an engine of its own, by which locks that all logins share are told apart.
            .env("DOCKER_HOST", format!("unix://{}", self.engine.display()))
            .envs([("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@b"), ("GIT_COMMITTER_NAME", "a")])
            .envs([("GIT_COMMITTER_EMAIL", "a@b"), ("GIT_CONFIG_NOSYSTEM", "1")]);
        command
    }

    fn sh(&self, script: &str) -> String {
        let out = self.command(script).output().unwrap();
        assert!(out.status.success(), "{script}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.path("calls")).unwrap_or_default()
    }

    fn job(&mut self, wanted: &Wanted) -> Job {
        self.job_of(wanted, None)
    }

    fn job_of(&mut self, wanted: &Wanted, member: Option<&MemberName>) -> Job {
        self.jobs += 1;
        let owner = Actor::Person(UserId::parse("@alice:example.org").unwrap());
        Job {
            id: JobId::new("test", self.jobs),
            nonce: "n0nce".into(),
            run_as: None,
            body: self.service.workload.runtime().change(wanted, &self.service, member, &owner).unwrap(),
            limit: Duration::from_secs(600),
        }
    }

    /// An update whose build goes on until the host has a file `gate`.
    fn held_update(&mut self) -> Job {
        let job = self.job(&Wanted::plain(Change::Update));
        let build = "compose build; echo building; while [ ! -e \"$HOME/gate\" ]; do sleep 0.1; done";
        Job { body: job.body.replace("compose build", build), ..job }
    }

    fn waits_for_the_build(&self) {
        let log = self.path(".local/state/opsroom/jobs/test-1/log");
        wait_until(PATIENCE, "the build", || {
            fs::read_to_string(&log).unwrap_or_default().contains("building").then_some(())
        });
    }

    fn start(&self, job: &Job) -> Progress {
        self.follow(&job.nonce, self.command(&job.start()))
    }

    /// As a login that is not root.
    fn change_as(&mut self, login: &str, change: Change) -> Progress {
        let job = self.job(&Wanted::plain(change));
        let mut command = self.command(&job.start());
        if self.sh("id -un") != login {
            let id = |which: &str| self.sh(&format!("id {which} {login}")).parse().unwrap();
            command.uid(id("-u")).gid(id("-g"));
        }
        self.follow(&job.nonce, command)
    }

    fn follow(&self, nonce: &str, mut command: Command) -> Progress {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (mut reader, mut chunk) = (Reader::new(nonce), [0; 4096]);
        let mut out = child.stdout.take().unwrap();
        while reader.progress.ended.is_none() {
            match out.read(&mut chunk).unwrap() {
                0 => break,
                n => _ = reader.feed(&chunk[..n]),
            }
        }
        drop(child.stdin.take());
        child.wait().unwrap();
        reader.progress
    }

    fn change(&mut self, change: Change) -> Progress {
        self.change_member(change, None)
    }

    fn change_member(&mut self, change: Change, member: Option<&MemberName>) -> Progress {
        let job = self.job_of(&Wanted::plain(change), member);
        self.start(&job)
    }
}

#[test]
fn a_container_whose_id_begins_like_the_name_of_one_that_is_gone_is_left_alone() {
    for mut host in Host::each() {
        fs::remove_file(host.path("containers/db")).unwrap();
        host.container("cache", "db456789");
        host.service.dir = None;
        for change in [Change::Stop, Change::Restart, Change::Start] {
            let told = host.change(change);
            assert_ne!(told.ended, Some(0));
            assert_eq!(told.after.as_deref(), Some("Error: No such object: db"), "{:?}", told.tail);
        }
        let touched = |call: &str| ["stop", "restart", "start", "logs"].iter().any(|verb| call.starts_with(verb));
        assert!(!host.calls().lines().any(touched), "{}", host.calls());
        let log = host.command(&host.service.logs(None, 5)).output().unwrap();
        let said = String::from_utf8_lossy(&log.stdout).into_owned();
        assert!(!log.status.success() && docker::names_missing(&said, host.service.workload.name()), "{said}");
        let seen = host.command(&snapshot::command([&host.service])).output().unwrap();
        let seen = String::from_utf8_lossy(&seen.stdout).into_owned();
        let (_, seen) = snapshot::read(&seen, [&host.service], jiff::Timestamp::UNIX_EPOCH);
        let seen = seen.unwrap();
        assert_eq!(seen[0].state, State::NotDeployed);
    }
}

#[test]
fn an_update_after_one_that_was_killed_takes_its_own_files_for_its_own() {
    for host in Host::each() {
        let mut host = host.with_clone();
        assert_eq!(host.change(Change::Update).ended, Some(0));
        host.sh("cd remote && echo new >added && git add . && git commit -qm two");
        // Killed when the clone was at the new version already, and nothing else was.
        let job = host.job(&Wanted::plain(Change::Update));
        let killed = Job { body: job.body.replace("compose build", "compose build; kill -KILL 0"), ..job };
        assert_eq!(host.start(&killed).ended, None);
        let told = host.change(Change::Update);
        assert_eq!((told.refused, told.ended), (None, Some(0)), "{:?}", told.tail);
        // What is not its own stays.
        host.sh("cd remote && echo theirs >mine && git add . && git commit -qm three; echo mine >../clone/mine");
        let told = host.change(Change::Update);
        assert_eq!(told.refused, Some(Refusal::Overwrite("mine".into())));
        assert_eq!(host.sh("cat clone/mine"), "mine");
    }
}

#[test]
fn a_branch_that_is_gone_at_the_remote_is_not_up_to_date() {
    for host in Host::each() {
        let mut host = host.with_clone();
        host.sh("cd remote && git checkout -q -b main && git branch -q -D master");
        let told = host.change(Change::Update);
        assert_ne!(told.ended, Some(0));
        assert!(told.tail.iter().any(|line| line.contains("refs/heads/master")), "{:?}", told.tail);
    }
}

#[test]
fn a_version_with_an_image_pinned_by_digest_can_be_gone_back_to() {
    for mut host in Host::each() {
        host.service.update.strategy = Strategy::ComposePull;
        fs::create_dir(host.path("clone")).unwrap();
        assert_eq!(host.change(Change::Update).ended, Some(0));
        fs::write(host.path("images"), "db sha256:cc\npostgres@sha256:bb sha256:bb\n").unwrap();
        assert_eq!(host.change(Change::Update).ended, Some(0));
        let told = host.change(Change::Rollback);
        assert_eq!((told.refused, told.ended), (None, Some(0)), "{:?}", told.tail);
        assert!(host.calls().contains("tag sha256:aa db\n"), "{}", host.calls());
    }
}

#[test]
fn two_services_in_one_directory_are_not_deployed_at_once() {
    for host in Host::each() {
        let mut host = host.with_clone();
        let slow = host.held_update();
        let mut other = host.job(&Wanted::plain(Change::Update));
        host.container("web", "4567");
        host.service.workload = Workload::Docker(ContainerName::parse("web").unwrap());
        let bob = Actor::Person(UserId::parse("@bob:example.org").unwrap());
        let runtime = host.service.workload.runtime();
        other.body = runtime.change(&Wanted::plain(Change::Update), &host.service, None, &bob).unwrap();
        std::thread::scope(|scope| {
            let first = scope.spawn(|| host.start(&slow));
            host.waits_for_the_build();
            let told = host.start(&other);
            fs::write(host.path("gate"), "").unwrap();
            assert!(
                matches!(&told.refused, Some(Refusal::Locked { job, owner, .. }) if job == "test-1" && owner == "@alice:example.org"),
                "{told:?}"
            );
            assert_eq!(first.join().unwrap().ended, Some(0));
        });
        let locks = host.sh("ls -A .local/state/opsroom/locks");
        assert_eq!(locks, "", "each is let go");
    }
}

#[test]
fn a_lock_that_was_taken_over_meanwhile_is_left_to_who_has_it() {
    for host in Host::each() {
        let mut host = host.with_clone();
        let job = host.job(&Wanted::plain(Change::Restart));
        host.sh("mkdir -p .local/state/opsroom/locks && ln -s dead-1 .local/state/opsroom/locks/db");
        // Between its look at the dead job and what it does about that, another takes the lock over.
        let other = "alive() { rm -f \"$lock\"; ln -s other-1 \"$lock\"; return 1; }\ntake_lock \"$lock\"\n";
        let raced = Job { body: job.body.replace("\ntake_lock \"$lock\"\n", &format!("\n{other}")), ..job };
        let told = host.start(&raced);
        assert!(matches!(told.refused, Some(Refusal::Locked { .. })), "{told:?}");
        assert_eq!(host.sh("readlink .local/state/opsroom/locks/db"), "other-1");
    }
}

/// A container of the project, as the engine shows it.
fn neighbour(id: &str, name: &str, state: &str, code: u8) -> String {
    let started = if id.contains("old") { "2026-01-01T00:00:00Z" } else { "2026-01-02T00:00:00Z" };
    let (status, health) = state.split_once(' ').unwrap_or((state, ""));
    format!("{id}|/app-{name}-1|{name}|False|{status}|{started}|0|{code}|{health}\n")
}

/// A service in a project with these neighbours, and what `compose up` makes of them.
fn with_neighbours(host: Host, before: &str, after: &str) -> Host {
    let host = host.with_clone();
    fs::write(host.path("project"), "app\n").unwrap();
    fs::write(host.path("neighbours"), before).unwrap();
    fs::write(host.path("after"), after).unwrap();
    // Going back gives what was there before.
    fs::write(host.path("before"), before.replace("-old", "-back")).unwrap();
    fs::write(host.path("on-up"), "cat \"$HOME/after\" >\"$HOME/neighbours\"; cp \"$HOME/before\" \"$HOME/after\"")
        .unwrap();
    host
}

#[test]
fn a_neighbour_that_fails_after_an_update_fails_it_and_is_named() {
    let died = VerifyFailure::Died;
    let died_of = |status: &str| (status.to_owned(), 1, died.clone());
    let cases =
        [died_of("exited"), died_of("restarting"), ("running unhealthy".to_owned(), 0, VerifyFailure::Unhealthy)];
    for (state, code, failure) in cases {
        for host in Host::each() {
            let before =
                [neighbour("db-old", "db", "running", 0), neighbour("setup-old", "setup", "exited", 0)].concat();
            // The one-shot container that ended well is no trouble; the new one is.
            let after = [
                neighbour("setup-new", "setup", "exited", 0),
                neighbour("db-new", "db", &state, code),
                neighbour("added-new", "added", "created", 0),
            ]
            .concat();
            let mut host = with_neighbours(host, &before, &after);
            let told = host.change(Change::Update);
            assert_eq!(told.ended, Some(1), "{:?}", told.tail);
            let expected = VerifyFailure::Neighbour { name: "app-db-1".into(), failure: Box::new(failure.clone()) };
            assert_eq!(told.verify_failure, Some(expected));
            // Back, without what only the bad version had.
            assert!(matches!(told.back, Some(Back::Held(_))), "{:?}", told.back);
            assert!(host.calls().contains("logs --tail 20 db-new"), "its last words: {}", host.calls());
        }
    }
    for host in Host::each() {
        let before = neighbour("db-old", "db", "running", 0);
        let with_added = [before.clone(), neighbour("added-new", "added", "dead", 1)].concat();
        let mut host = with_neighbours(host, &before, &with_added);
        // Compose leaves it running when it goes back.
        fs::write(host.path("before"), with_added).unwrap();
        let told = host.change(Change::Update);
        assert!(matches!(told.back, Some(Back::Held(_))), "{:?}", told.back);
        assert!(host.calls().contains("rm -f added-new\n"), "{}", host.calls());
    }
}

/// One container of the project "app", as the engine tells it when all of it is looked at.
fn member(part: &str, number: u32, status: &str, code: u8) -> String {
    format!(
        "/app-{part}-{number}|{part}-{number}|{status}|2026-01-01T00:00:00Z|0001-01-01T00:00:00Z|0|{code}|false||no|\"app\"|\"{part}\"|\"{number}\"\n"
    )
}

/// A service that is all of a project: a database, two of a kind, and what sets them up.
fn whole(mut host: Host, web: &str) -> Host {
    host.service.workload = Workload::Project(ProjectName::parse("app").unwrap());
    host.service.dir = None;
    let states = [("db", 1, "running", 0), ("setup", 1, "exited", 0), ("web", 1, "running", 0), ("web", 2, web, 3)];
    let members: Vec<String> =
        states.iter().map(|(part, number, status, code)| member(part, *number, status, *code)).collect();
    fs::write(host.path("members"), members.concat()).unwrap();
    let beside = states.map(|(part, number, status, code)| {
        neighbour(&format!("{part}-{number}"), part, status, code).replace("-1|", &format!("-{number}|"))
    });
    fs::write(host.path("neighbours"), beside.concat().replace(&format!("{web}|2026"), "running|2026")).unwrap();
    fs::write(host.path("after"), beside.concat()).unwrap();
    fs::write(host.path("on-up"), "cat \"$HOME/after\" >\"$HOME/neighbours\"").unwrap();
    host
}

#[test]
fn a_restart_of_a_project_leaves_alone_what_is_done_and_tells_of_each_member() {
    for host in Host::each() {
        let mut host = whole(host, "running");
        let told = host.change(Change::Restart);
        assert_eq!(told.ended, Some(0), "{:?}", told.tail);
        assert!(host.calls().contains("compose restart db web\n"), "{}", host.calls());
        let seen = operation::seen(told.after.as_deref(), &host.service, jiff::Timestamp::now()).unwrap();
        let members: Vec<String> =
            seen.members.iter().map(|(one, _)| one.shown(seen.members.iter().map(|(one, _)| one))).collect();
        assert_eq!((members.join(" "), seen.state), ("db setup web-1 web-2".to_owned(), State::Running));
    }
}

#[test]
fn a_member_that_dies_after_a_restart_fails_it_and_is_named() {
    for host in Host::each() {
        let mut host = whole(host, "exited");
        let told = host.change(Change::Restart);
        let failure = Box::new(VerifyFailure::Died);
        assert_eq!(
            told.verify_failure,
            Some(VerifyFailure::Member { name: "app-web-2".into(), failure }),
            "{:?}",
            told.tail
        );
        assert!(host.calls().contains("logs --tail 20 web-2"), "its last words: {}", host.calls());
    }
}

#[test]
fn a_change_of_one_member_touches_and_looks_at_that_one_alone() {
    for host in Host::each() {
        let mut host = whole(host, "exited");
        for (member, touched) in [("db", "db-1"), ("web-1", "web-1"), ("web", "web-1 web-2")] {
            let member = MemberName::parse(member).unwrap();
            let told = host.change_member(Change::Stop, Some(&member));
            assert_eq!(told.ended, Some(0), "{:?}", told.tail);
            assert!(
                host.calls().ends_with(&format!("stop {touched}\n"))
                    || host.calls().contains(&format!("\nstop {touched}\n")),
                "{}",
                host.calls()
            );
        }
        let told = host.change_member(Change::Restart, Some(&MemberName::parse("nobody").unwrap()));
        assert_ne!(told.ended, Some(0));
        assert_eq!(told.tail.back().map(String::as_str), Some("Error: No such container: app/nobody"));
    }
}

#[test]
fn a_neighbour_that_was_in_trouble_before_fails_no_update() {
    for state in ["exited", "restarting", "running unhealthy", "created", "paused"] {
        for host in Host::each() {
            let before = [neighbour("db-old", "db", state, 1), neighbour("done-old", "done", "exited", 0)].concat();
            let mut host = with_neighbours(host, &before, &before);
            let told = host.change(Change::Update);
            assert_eq!((told.ended, told.verify_failure), (Some(0), None), "{:?}", told.tail);
            assert_eq!(told.notes, [Note::StillSick("app-db-1".into())], "{state}");
        }
    }
}

#[test]
fn what_dies_after_it_was_verified_has_been_changed_and_is_no_failure_of_the_change() {
    for host in Host::each() {
        let mut host = host.with_clone();
        // It is asked for the time it was down when it has held.
        let dead = "/db|0123|restarting|2026-01-01T00:00:00Z|2026-01-01T00:00:01Z|1|1|false|";
        fs::write(host.path("on-events"), format!("echo '{dead}' >\"$HOME/containers/db\"\n")).unwrap();
        for change in [Change::Restart, Change::Update] {
            host.container("db", "0123");
            let job = host.job(&Wanted::plain(change));
            let told = host.start(&job);
            assert!(fs::read_to_string(host.path("containers/db")).unwrap().contains("restarting"));
            let after = operation::seen(told.after.as_deref(), &host.service, jiff::Timestamp::UNIX_EPOCH);
            assert_eq!((told.ended, after.unwrap().state), (Some(0), State::Running), "{:?}", told.tail);
        }
    }
}

#[test]
fn a_restart_looks_at_no_neighbour() {
    for host in Host::each() {
        let mut host = with_neighbours(host, &neighbour("db-old", "db", "restarting", 1), "");
        assert_eq!(host.change(Change::Restart).ended, Some(0));
    }
}

#[test]
fn a_clone_that_its_login_cannot_write_is_refused_with_the_place() {
    let cases = [
        ("clone", "clone"),
        ("clone/.git", "clone/.git"),
        ("clone/.git/objects/17", "clone/.git"),
        ("clone/.git/refs/heads", "clone/.git"),
        ("clone/.git/FETCH_HEAD", "clone/.git"),
        ("clone/.git/logs/HEAD", "clone/.git"),
        ("clone/src", "clone/src"),
    ];
    for (closed, named) in cases {
        for host in Host::each() {
            let mut host = host.with_clone();
            host.sh("cd remote && mkdir src && echo one >src/main && git add . && git commit -qm two
                     cd ../clone && git pull -q && mkdir -p .git/objects/17 data");
            fs::write(host.path(".gitconfig"), "[safe]\n\tdirectory = *\n").unwrap();
            // Data of a container, in the clone and none of git's business.
            host.sh("chmod a-w clone/data");
            // Root can write everything, so somebody else has a go.
            let login = host.sh("[ $(id -u) != 0 ] && id -un || { chown -R nobody . && echo nobody; }");
            host.sh(&format!("chmod a-w {closed}"));
            let told = host.change_as(&login, Change::Update);
            let place = host.path(named).display().to_string();
            assert_eq!(
                told.refused,
                Some(Refusal::NotWritable { login: login.clone(), place }),
                "{closed}: {:?}",
                told.tail
            );
            host.sh(&format!("chmod u+w {closed}"));
            let told = host.change_as(&login, Change::Update);
            assert_eq!((told.refused, told.ended), (None, Some(0)), "{closed}: {:?}", told.tail);
        }
    }
}

#[test]
fn submodules_follow_the_version_there_and_back() {
    for host in Host::each() {
        let mut host = host.with_clone();
        fs::write(host.path(".gitconfig"), "[protocol \"file\"]\n\tallow = always\n").unwrap();
        host.sh("git init -q -b master lib && cd lib && echo v1 >code && git add . && git commit -qm v1
                 cd ../remote && git submodule --quiet add \"$HOME/lib\" lib && git commit -qm 'With a submodule'");
        let first = host.change(Change::Update);
        assert_eq!((first.ended, host.sh("cat clone/lib/code")), (Some(0), "v1".to_owned()), "{:?}", first.tail);
        host.sh("cd lib && echo v2 >code && git commit -qam v2
                 cd ../remote/lib && git pull -q && cd .. && git commit -qam 'The second'");
        assert_eq!(host.change(Change::Update).ended, Some(0));
        assert_eq!(host.sh("cat clone/lib/code"), "v2");
        let told = host.change(Change::Rollback);
        assert_eq!((told.refused, told.ended), (None, Some(0)), "{:?}", told.tail);
        assert_eq!(host.sh("cat clone/lib/code; git -C clone status --porcelain"), "v1");
        // One that cannot be had is told before anything that runs is touched, and the files are put back.
        host.sh("git init -q -b master more && cd more && echo m1 >code && git add . && git commit -qm m1
                 cd ../remote && git submodule --quiet add \"$HOME/more\" more && git commit -qm 'One more'
                 mv ../more ../away; rm ../calls");
        let told = host.change(Change::Update);
        assert_ne!(told.ended, Some(0));
        assert_eq!(told.phases.last().map(|(phase, _)| *phase), Some(Phase::Fetch));
        assert!(told.tail.iter().any(|line| line.starts_with("fatal:") && line.contains("more")), "{:?}", told.tail);
        assert!(!host.calls().contains("compose build"), "{}", host.calls());
        assert_eq!(host.sh("cat clone/lib/code; git -C clone diff --name-only HEAD"), "v1");
        // What that left is no file in the way of the next try.
        host.sh("mv away more");
        let told = host.change(Change::Update);
        assert_eq!((told.refused, told.ended), (None, Some(0)), "{:?}", told.tail);
        assert_eq!(host.sh("cat clone/lib/code clone/more/code"), "v2\nm1");
    }
}

#[test]
fn what_another_login_changes_is_left_to_it() {
    for host in Host::each() {
        let mut host = host.with_clone();
        let slow = host.held_update();
        // The same machine, and another home.
        let mut other = Host::at(host.home.beside());
        other.engine.clone_from(&host.engine);
        let same_container = other.job(&Wanted::plain(Change::Restart));
        other.service.dir.clone_from(&host.service.dir);
        other.service.workload = Workload::Docker(ContainerName::parse("web").unwrap());
        let same_directory = other.job(&Wanted::plain(Change::Update));
        std::thread::scope(|scope| {
            let first = scope.spawn(|| host.start(&slow));
            host.waits_for_the_build();
            let told = [&same_container, &same_directory].map(|job| other.start(job));
            fs::write(host.path("gate"), "").unwrap();
            for told in told {
                assert_eq!(told.refused, Some(Refusal::LockedElsewhere), "{:?}", told.tail);
            }
            assert_eq!(first.join().unwrap().ended, Some(0));
        });
        let again = other.job(&Wanted::plain(Change::Update));
        other.container("web", "4567");
        assert_eq!(other.start(&again).ended, Some(0), "it is let go");
    }
}

#[test]
fn images_that_were_pruned_are_told_before_they_are_needed() {
    for host in Host::each() {
        let mut host = host.with_clone();
        let update = |host: &mut Host, text: &str, image: &str| {
            host.sh(&format!("cd remote && echo {text} >file && git commit -qam {text}"));
            let on_up = format!("echo 'db sha256:{image}' >\"$HOME/images\"");
            fs::write(host.path("on-up"), on_up).unwrap();
            let told = host.change(Change::Update);
            assert_eq!(told.ended, Some(0), "{:?}", told.tail);
            told.notes
        };
        let first = host.sh("git -C clone rev-parse HEAD");
        assert_eq!(update(&mut host, "two", "bb"), []);
        fs::write(host.path("pruned"), "").unwrap();
        let gone = Note::ImagesGone { version: first.clone(), builds: true };
        assert_eq!(update(&mut host, "three", "cc"), [gone]);
        let second = host.sh("git -C clone rev-parse HEAD~1");
        let alice = Actor::Person(UserId::parse("@alice:example.org").unwrap());
        let asked = host.service.preview("n0nce", &alice).unwrap();
        let said = host.sh(&asked);
        assert!(said.contains(&format!("note images-gone {second} compose-git")), "{said}");
        // Nothing to build them from: refused, and not failed half-way.
        host.service.update.strategy = Strategy::ComposePull;
        let told = host.change(Change::Rollback);
        assert!(matches!(told.refused, Some(Refusal::ImagesGone(_))), "{told:?}");
    }
}
