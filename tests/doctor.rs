//! The doctor's script on real shells and a real git, with an engine that is
//! played: what it finds in each state that a set-up can be in.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use opsroom::domain::{
    doctor::{self, Finding, Heard, Mark, script},
    inventory::{Service, Strategy},
    names::{ContainerName, HostName, ProjectName, RemoteDir, ServiceName},
    reply,
    runtime::Workload,
};
use opsroom_lab::Home;

/// What plays the engine. It answers from files in the machine's home.
const DOCKER: &str = r#"#!/bin/sh
case "$*" in
"version -f"*) cat "$HOME/engine"; exit "$(cat "$HOME/engine.status")" ;;
"info -f"*) echo / ;;
"compose version --short") echo 2.26.1 ;;
"compose config") cat "$HOME/config" >&"$(cat "$HOME/config.stream")"; exit "$(cat "$HOME/config.status")" ;;
"inspect "*)
	for name in "$@"; do :; done
	[ -e "$HOME/container-$name" ] || { echo "Error: No such object: $name" >&2; exit 1; }
	cat "$HOME/container-$name" ;;
"image inspect "*) grep -q "$5" "$HOME/images" ;;
"ps "*'{{.State}}') cat "$HOME/states" 2>/dev/null ;;
"ps "*compose.project*) echo bridge; echo shop ;;
"ps "*) echo kokoro-app-1; echo other ;;
*) echo "nobody foresaw: docker $*" >&2; exit 64 ;;
esac
"#;

/// A machine of its own: a home, a `sh` of the wanted kind, a clone of a remote.
struct Machine {
    home: Home,
}

impl Machine {
    fn each() -> Vec<Self> {
        let tools = "awk cat cut df grep head id sed setsid sort stat tail timeout tr wc";
        Home::each(tools).into_iter().map(Self::with).collect()
    }

    fn with(home: Home) -> Self {
        let machine = Self { home };
        machine.home.tool("docker", DOCKER);
        machine.engine("28.2.2", 0);
        machine.compose("name: bridge\nservices:\n  app:\n    container_name: bridge\n    environment:\n      PASSWORD: hunter2\nnetworks:\n  default:\n    name: x\n", 0);
        machine.write("container-bridge", "running|bridge\n");
        machine.git(
            "git init -q --bare -b main remote.git
             git clone -q remote.git work 2>/dev/null && cd work && git checkout -q -b main
             printf '.env\\n*.secret\\n' >.gitignore
             printf 'services:\\n  app:\\n    build: .\\n    env_file:\\n      - path: app.secret # the rest\\n        required: false\\n' >compose.yaml
             git add . && git commit -qm one && git push -q origin main
             cd .. && git clone -q remote.git bridge && echo PASSWORD=hunter2 >bridge/.env && echo K=v >bridge/app.secret",
        );
        machine
    }

    fn at(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
    }

    fn engine(&self, said: &str, status: u8) {
        self.write("engine", &format!("{said}\n"));
        self.write("engine.status", &status.to_string());
    }

    fn compose(&self, said: &str, status: u8) {
        self.write("config", said);
        self.write("config.status", &status.to_string());
        self.write("config.stream", if status == 0 { "1" } else { "2" });
    }

    fn command(&self, script: &str) -> Command {
        let mut command = self.home.command(script);
        for (name, value) in [("GIT_AUTHOR_NAME", "A"), ("GIT_COMMITTER_NAME", "A"), ("GIT_CONFIG_NOSYSTEM", "1")] {
            command.env(name, value);
        }
        command.env("GIT_AUTHOR_EMAIL", "a@example.org").env("GIT_COMMITTER_EMAIL", "a@example.org");
        command.stdin(Stdio::null());
        command
    }

    /// What an administrator or a developer does.
    fn git(&self, script: &str) {
        let output = self.command(&format!("set -e\n{script}")).output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn service(&self, name: &str, dir: Option<&str>) -> Service {
        Service {
            dir: dir.map(|dir| RemoteDir::parse(self.at(dir).to_str().unwrap()).unwrap()),
            ..Service::new(
                ServiceName::parse(name).unwrap(),
                HostName::parse("spark-1").unwrap(),
                Workload::Docker(ContainerName::parse(name).unwrap()),
            )
        }
    }

    fn project(&self, name: &str, dir: Option<&str>) -> Service {
        Service { workload: Workload::Project(ProjectName::parse(name).unwrap()), ..self.service("bridge", dir) }
    }

    fn bridge(&self) -> Service {
        self.service("bridge", Some("bridge"))
    }

    /// What sshd does with a command: the login shell reads it.
    fn examine(&self, services: &[Service]) -> Vec<Finding> {
        let output = self.command(&script::command(services)).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let heard = Heard::Answers { stdout: text(output.stdout), stderr: text(output.stderr), broken: None };
        doctor::read(&HostName::parse("spark-1").unwrap(), services, &heard)
    }

    /// What is not fine, in words, without this machine's paths.
    fn troubles(&self, services: &[Service]) -> Vec<String> {
        let found = self.examine(services);
        assert!(found.len() > 2, "{found:?}");
        let troubled = found.iter().filter(|finding| finding.mark() != Mark::Fine);
        troubled.map(|finding| reply::doctor::plain(finding).replace(self.home.path().to_str().unwrap(), "~")).collect()
    }

    fn trouble(&self) -> String {
        let troubles = self.troubles(&[self.bridge()]);
        assert_eq!(troubles.len(), 1, "{troubles:#?}");
        troubles.into_iter().next().unwrap()
    }
}

#[test]
fn a_good_set_up_is_fine_in_every_check_and_no_secret_leaves_the_host() {
    for machine in Machine::each() {
        let services = [machine.bridge()];
        let found = machine.examine(&services);
        assert_eq!(machine.troubles(&services), [""; 0]);
        let shown: Vec<String> = found.iter().map(|f| reply::doctor::line(f).what.to_owned()).collect();
        let expected = "connection jobs docker compose git disk clone remote secrets compose container";
        assert_eq!(
            shown.iter().filter(|what| *what != "disk").cloned().collect::<Vec<_>>().join(" "),
            expected.replace("disk ", "")
        );
        assert!(shown.contains(&"disk".to_owned()));
        let output = machine.command(&script::command(&services)).output().unwrap();
        assert!(!String::from_utf8_lossy(&output.stdout).contains("hunter2"));
        assert!(!format!("{found:?}").contains("hunter2"));
    }
}

#[test]
fn a_project_is_told_with_its_containers_and_what_is_wrong_with_its_name() {
    for machine in Machine::each() {
        let of = |service: Service, mark: Mark| {
            let found = machine.examine(&[service]);
            let about =
                found.iter().filter(|found| reply::doctor::line(found).what == "project" && found.mark() == mark);
            about.map(reply::doctor::plain).collect::<Vec<_>>().join("\n")
        };
        machine.write("states", "running\nexited\nrunning\n");
        let fine = of(machine.project("bridge", Some("bridge")), Mark::Fine);
        insta::allow_duplicates! { insta::assert_snapshot!(fine, @"✓ project — 1 exited, 2 running"); }
        let other = of(machine.project("bridges", Some("bridge")), Mark::Wrong);
        insta::allow_duplicates! { insta::assert_snapshot!(other, @r#"
        ✗ project — the compose file makes the project bridge, not bridges
            → in the config: project = "bridge"
        "#); }
        machine.write("states", "");
        let absent = of(machine.project("bridge", Some("bridge")), Mark::Doubtful);
        insta::allow_duplicates! { insta::assert_snapshot!(absent, @"
        ! project — not deployed yet
            → a start or an update makes it
        "); }
        let nobody = of(machine.project("shopp", None), Mark::Wrong);
        insta::allow_duplicates! { insta::assert_snapshot!(nobody, @"
        ✗ project — there is no container of shopp — did you mean shop?
            → deploy it, or correct project in the config
        "); }
    }
}

#[test]
fn what_an_update_would_stop_at_or_leave_behind_is_told() {
    for machine in Machine::each() {
        machine.git("echo x >>bridge/compose.yaml");
        insta::allow_duplicates! { insta::assert_snapshot!(machine.trouble(), @"
        ✗ changes — 1 tracked file changed (compose.yaml): an update refuses to begin
            → commit it upstream (git -C ~/bridge diff shows it), or update with --discard
        "); }
        machine.git("cd bridge && git commit -qam local");
        insta::allow_duplicates! { insta::assert_snapshot!(machine.trouble(), @"
        ! commits — 1 commit here that origin's main has not: an update leaves them behind
            → push them; what is left behind stays under refs/opsroom/
        "); }
        machine.git("cd bridge && git reset -q --hard origin/main && git checkout -q -b mine");
        insta::allow_duplicates! { insta::assert_snapshot!(machine.trouble(), @"
        ✗ branch — mine is checked out, not main: an update refuses to begin
            → git -C ~/bridge switch main
        "); }
    }
}

#[test]
fn a_remote_that_an_update_could_not_use_is_told_with_its_cause() {
    for machine in Machine::each() {
        machine.git("mv remote.git gone.git");
        insta::allow_duplicates! { insta::assert_snapshot!(machine.trouble(), @"
        ✗ remote — there is no repository at origin's address: fatal: '~/remote.git' does not appear to be a git repository fatal: Could not read from remote repository.
            → correct it with git remote set-url origin <url>
        "); }
        machine.git("mv gone.git remote.git && git -C remote.git branch -m main trunk");
        insta::allow_duplicates! { insta::assert_snapshot!(machine.trouble(), @r#"
        ✗ branch — origin has no main
            → in the config: branch = "trunk"
        "#); }
        machine.git("git -C remote.git branch main && git -C bridge config remote.origin.fetch +refs/heads/other:refs/remotes/origin/other");
        insta::allow_duplicates! { insta::assert_snapshot!(machine.trouble(), @"
        ✗ branch — the clone never fetches main
            → git -C ~/bridge remote set-branches --add origin main
        "); }
        machine.git("git -C bridge remote remove origin");
        insta::allow_duplicates! { insta::assert_snapshot!(machine.trouble(), @"
        ✗ remote — the clone has no remote origin
            → git -C ~/bridge remote add origin <url>
        "); }
        // Nobody listens there, and nobody is asked anything.
        for url in ["ssh://127.0.0.1:1/x.git", "http://bot:hunter2@127.0.0.1:1/x.git"] {
            machine.git(&format!(
                "git -C bridge remote remove origin 2>&1 || true; git -C bridge remote add origin {url}"
            ));
            let trouble = machine.trouble();
            assert!(trouble.contains("origin cannot be reached"), "{trouble}");
            assert!(!trouble.contains("hunter2"), "{trouble}");
        }
    }
}

#[test]
fn secrets_that_git_would_take_or_lose_are_told() {
    for machine in Machine::each() {
        machine
            .git("cd bridge && printf '*.secret\\n' >.gitignore && git commit -qam x && git push -q origin HEAD:main");
        insta::allow_duplicates! { insta::assert_snapshot!(machine.trouble(), @"
        ✗ secrets — git does not ignore .env
            → upstream in .gitignore, or here: echo /.env >>~/bridge/.git/info/exclude
        "); }
        machine.git("cd bridge && git add .env && git commit -qam x && git push -q origin HEAD:main");
        insta::allow_duplicates! { insta::assert_snapshot!(machine.trouble(), @"
        ✗ secrets — git tracks .env, and it has what looks like secrets in it: an update overwrites it, and whoever has the repository has it
            → upstream: git rm --cached .env && echo .env >>.gitignore, and change the secrets
        "); }
        machine.git("cd bridge && echo TAG=1 >.env && git commit -qam x && git push -q origin HEAD:main");
        insta::allow_duplicates! { insta::assert_snapshot!(machine.trouble(), @"
        ! secrets — git tracks .env: an update overwrites it, and whoever has the repository has it
            → upstream: git rm --cached .env && echo .env >>.gitignore, and change the secrets
        "); }
        machine.git(
            "cd bridge && git rm -q --cached .env && echo .env >>.gitignore
             printf -- '-----BEGIN OPENSSH PRIVATE KEY-----\\n' >deploy.key
             git add . && git commit -qm x && git push -q origin HEAD:main",
        );
        insta::allow_duplicates! { insta::assert_snapshot!(machine.trouble(), @"
        ! secrets — git tracks deploy.key, which looks like a private key
            → if it is one: make a new one outside of the repository
        "); }
    }
}

#[test]
fn every_way_to_name_a_secret_file_in_a_compose_file_is_read() {
    for machine in Machine::each() {
        machine.git("cd bridge && printf '' >.gitignore && git commit -qam x && git push -q origin HEAD:main && rm .env app.secret");
        for (compose, files) in [
            ("services:\n  a:\n    env_file: one.env\n", &["one.env"][..]),
            ("services:\n  a:\n    env_file: \"one.env\"  # x\n", &["one.env"]),
            ("services:\n  a:\n    env_file: [one.env, './two.env']\n", &["./two.env", "one.env"]),
            (
                "services:\n  a:\n    env_file:\n    - one.env\n    - two.env\n    environment:\n    - A=three.env\n",
                &["one.env", "two.env"],
            ),
            (
                "services:\n  a:\n    env_file:\n      - path: one.env\n        required: false\n      - two.env\n    image: three.env\n",
                &["one.env", "two.env"],
            ),
            (
                "services:\n  a:\n    secrets: [s]\nsecrets:\n  s:\n    file: one.env\nconfigs:\n  c:\n    file: two.env\n",
                &["one.env"],
            ),
            ("services:\n  a:\n    env_file: ${WHICH}.env\n", &[]),
            ("services:\n  a:\n    # env_file: one.env\n    image: x\n", &[]),
        ] {
            machine.git("cd bridge && touch one.env two.env three.env");
            machine.write("bridge/compose.yaml", compose);
            machine.git("cd bridge && git commit -qam x && git push -q origin HEAD:main || true");
            let told = machine.troubles(&[machine.bridge()]);
            let told: Vec<&str> = told
                .iter()
                .map(|line| line.split_once("git does not ignore ").unwrap().1.split('\n').next().unwrap())
                .collect();
            assert_eq!(told, files, "{compose}");
        }
    }
}

#[test]
fn a_directory_that_is_no_clone_is_told_apart_from_one_of_somebody_else() {
    for machine in Machine::each() {
        let service = |dir| [machine.service("bridge", Some(dir))];
        let told = |dir| machine.troubles(&service(dir)).join("\n");
        let absent = told("absent");
        assert!(absent.contains("✗ directory — ~/absent cannot be entered: "), "{absent}");
        assert!(absent.contains("→ clone it there as that login: git clone <url> ~/absent"), "{absent}");
        machine.git("mkdir plain");
        insta::allow_duplicates! { insta::assert_snapshot!(told("plain"), @"
        ✗ clone — ~/plain is no git clone, so there is no update
            → move it aside and clone: git clone <url> ~/plain
        "); }
        // git's own way to test its refusal.
        let mut command = machine.command(&script::command(&service("bridge")));
        command.env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1");
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let heard = Heard::Answers { stdout: text(output.stdout), stderr: String::new(), broken: None };
        let found = doctor::read(&HostName::parse("spark-1").unwrap(), &service("bridge"), &heard);
        let dubious = found.iter().find(|finding| finding.mark() == Mark::Wrong).unwrap();
        assert!(reply::doctor::plain(dubious).contains("safe.directory"), "{dubious:?}");
    }
}

#[test]
fn a_group_that_is_missing_is_told_apart_from_an_engine_that_is_down() {
    for machine in Machine::each() {
        let forbidden =
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock";
        machine.engine(forbidden, 1);
        let told = machine.trouble();
        assert!(told.contains("may not use the engine: not in the group"), "{told}");
        assert!(told.contains("usermod -aG"), "{told}");
        machine.engine(
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
            1,
        );
        insta::allow_duplicates! { insta::assert_snapshot!(machine.trouble(), @"
        ✗ docker — the engine does not run: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?
            → systemctl start docker as root on spark-1
        "); }
        machine.engine("failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the daemon is running", 1);
        assert!(machine.trouble().contains("the engine does not run"), "{}", machine.trouble());
    }
}

#[test]
fn a_compose_file_that_cannot_be_used_is_told_in_composes_words() {
    for machine in Machine::each() {
        machine.compose("env file ~/bridge/.env not found: stat ~/bridge/.env: no such file or directory\n", 14);
        insta::allow_duplicates! { insta::assert_snapshot!(machine.trouble(), @"
        ✗ compose — compose cannot use the file: env file ~/bridge/.env not found: stat ~/bridge/.env: no such file or directory
            → docker compose config -q there as that login
        "); }
        let warning = "time=\"2026-11-01T10:00:00Z\" level=warning msg=\"The \\\"TOKEN\\\" variable is not set. Defaulting to a blank string.\"\nname: bridge\nservices:\n  app:\n    container_name: bridge\n";
        machine.compose(warning, 0);
        insta::allow_duplicates! { insta::assert_snapshot!(machine.trouble(), @r#"
        ! compose — compose warns: The "TOKEN" variable is not set. Defaulting to a blank string.
            → set what is missing in .env, or give it a default
        "#); }
    }
}

#[test]
fn images_of_a_roll_back_that_are_gone_are_told() {
    for machine in Machine::each() {
        let kept = machine.at(".local/state/opsroom/services/bridge");
        fs::create_dir_all(&kept).unwrap();
        let versions = "1 0123456789abcdef bridge=sha256:aa\n2 fedcba9876543210 bridge=sha256:bb\n";
        fs::write(kept.join("versions"), versions).unwrap();
        machine.write("images", "sha256:aa sha256:bb\n");
        assert_eq!(machine.troubles(&[machine.bridge()]), [""; 0]);
        machine.write("images", "sha256:bb\n");
        assert_eq!(
            machine.trouble(),
            "! rollback — the images kept of 0123456789ab are gone: going back there takes a build\n    \
             → docker image prune spares them, without -a"
        );
    }
}

#[test]
fn a_container_that_compose_would_not_replace_is_told() {
    for machine in Machine::each() {
        machine.write("container-bridge", "running|other\n");
        insta::allow_duplicates! { insta::assert_snapshot!(machine.trouble(), @"
        ✗ container — bridge belongs to the compose project other, not to bridge
            → correct dir or container in the config, or take the other project down
        "); }
        machine.write("container-bridge", "running|\n");
        insta::allow_duplicates! { insta::assert_snapshot!(machine.trouble(), @"
        ✗ container — bridge was not made by Compose, which cannot replace it then
            → when it may be down for a moment, in its directory: docker rm -f bridge && docker compose up -d
        "); }
        fs::remove_file(machine.at("container-bridge")).unwrap();
        insta::allow_duplicates! { insta::assert_snapshot!(machine.trouble(), @"
        ! container — not deployed yet
            → a start or an update makes it
        "); }
        machine.compose("name: bridge\nservices:\n  app:\n    build: .\nsecrets:\n  nosuch:\n    file: x\n", 0);
        insta::allow_duplicates! { insta::assert_snapshot!(machine.trouble(), @r#"
        ✗ container — there is no bridge; the compose file makes bridge-app-1
            → in the config: container = "bridge-app-1"
        "#); }
        let kokoro = [machine.service("kokoro", None)];
        insta::allow_duplicates! { insta::assert_snapshot!(machine.troubles(&kokoro).join("\n"), @r#"
        ✗ container — there is no kokoro — did you mean kokoro-app-1?
            → in the config: container = "kokoro-app-1"
        "#); }
    }
}

#[test]
fn a_service_is_asked_only_for_what_its_updates_need() {
    for machine in Machine::each() {
        machine.git("mkdir plain && echo services: >plain/compose.yaml");
        let mut service = machine.service("bridge", Some("plain"));
        let what = |service: &Service| -> String {
            let found = machine.examine(std::slice::from_ref(service));
            assert!(found.iter().all(|finding| finding.mark() == Mark::Fine), "{found:#?}");
            let shown: Vec<String> = found.iter().map(|f| reply::doctor::line(f).what.to_owned()).collect();
            shown.into_iter().filter(|what| what != "disk").collect::<Vec<_>>().join(" ")
        };
        service.update.strategy = Strategy::ComposePull;
        assert_eq!(what(&service), "connection jobs docker compose compose container");
        service.update.strategy = Strategy::Command { deploy: "./deploy".to_owned(), undo: None };
        machine.compose("no configuration file provided: not found\n", 14);
        assert_eq!(what(&service), "connection jobs docker container");
        fs::remove_file(machine.at("container-bridge")).unwrap();
        let told = machine.troubles(&[service]).join("\n");
        assert!(told.contains("there is no bridge, and no compose file to make it from"), "{told}");
    }
}

#[test]
fn many_services_are_examined_side_by_side_and_none_is_mixed_up() {
    for machine in Machine::each() {
        let mut services: Vec<Service> = (0..9).map(|n| machine.service(&format!("gone-{n}"), None)).collect();
        services.insert(4, machine.bridge());
        let found = machine.examine(&services);
        let told = found.iter().filter(|finding| finding.mark() == Mark::Wrong).count();
        assert_eq!(told, 9, "{found:#?}");
    }
}

#[test]
fn a_login_that_talks_or_does_nothing_is_told() {
    let host = HostName::parse("spark-1").unwrap();
    let machine = Machine::each().remove(0);
    let services = [machine.bridge()];
    let told = |stdout: &str, stderr: &str, broken: Option<&str>| {
        let heard = Heard::Answers { stdout: stdout.into(), stderr: stderr.into(), broken: broken.map(str::to_owned) };
        let found = doctor::read(&host, &services, &heard);
        let troubled = found.iter().filter(|finding| finding.mark() == Mark::Wrong);
        troubled.map(reply::doctor::plain).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(told("This account is currently not available.\n", "", None), @"
    ✗ shell — the login runs no commands: This account is currently not available.
        → give it a POSIX shell: chsh -s /bin/sh <login>, and no forced command
    ");
    insta::assert_snapshot!(told("", "", Some("no end after 60s; the command may still be running")), @"
    ✗ answers — not all checks came to an end: no end after 60s; the command may still be running
        → ask again; if it stays so, look at what hangs there
    ");
    let talking = "Welcome to spark-1!\n::doctor-as \n::doctor login - 0 ops\n::doctor setsid - 0 \n::doctor jobs - 0 /x\n::doctor done - 0 \n::doctor done 0 0 \n";
    insta::assert_snapshot!(told(talking, "", None), @"
    ✗ profile — the login's profile prints before each command: Welcome to spark-1!
        → let it print in terminals only: [ -t 1 ] || return before it in its .bashrc or .profile
    ");
}
