//! The detached job on real shells: what the host does with it, without a bot.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::Duration,
};

use opsroom::domain::{
    job::{self, Job, JobId},
    preflight::Note,
    progress::{Phase, Reader},
};
use opsroom_lab::{
    Home,
    process::command,
    wait::{PATIENCE, wait_until},
};

/// A machine of its own: a home, and a `sh` of the wanted kind.
struct Machine {
    home: Home,
}

impl Machine {
    fn each() -> Vec<Self> {
        let tools = "tail setsid sleep cat mkdir mv date find rm touch df dd grep head mkfifo wc";
        Home::each(tools).into_iter().map(|home| Self { home }).collect()
    }

    fn job(&self, body: &str) -> Job {
        let limit = Duration::from_secs(600);
        Job { id: JobId::new("test", 1), nonce: "n0nce".into(), run_as: None, body: body.into(), limit }
    }

    fn directory(&self) -> PathBuf {
        self.home.path().join(".local/state/opsroom/jobs/test-1")
    }

    /// What sshd does with a command: the login shell reads it.
    fn runs(&self, script: &str) -> Child {
        self.home.command(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn wait_for(&self, file: &str) -> String {
        wait_until(PATIENCE, format_args!("the job's {file}"), || {
            let text = fs::read_to_string(self.directory().join(file)).ok()?;
            (!text.is_empty()).then(|| text.trim().to_owned())
        })
    }
}

/// Follows until the job's end, then hangs up as the bot does.
fn follow(mut child: Child, reader: &mut Reader) -> Option<i32> {
    let mut out = child.stdout.take().unwrap();
    let mut chunk = [0; 4096];
    while reader.progress.ended.is_none() {
        match out.read(&mut chunk).unwrap() {
            0 => break,
            n => {
                reader.feed(&chunk[..n]);
            }
        }
    }
    drop(child.stdin.take());
    child.wait().unwrap().code()
}

#[test]
fn a_job_runs_once_and_is_followed_to_its_end() {
    for machine in Machine::each() {
        let job = machine.job("phase switch\necho \"it's $((40 + 2))\"; echo oops >&2\n(exit 7)");
        let mut reader = Reader::new(&job.nonce);
        follow(machine.runs(&job.start()), &mut reader);
        assert_eq!(reader.progress.ended, Some(7));
        assert_eq!(reader.progress.tail, ["it's 42", "oops"]);
        assert_eq!(machine.wait_for("result"), "7");
        let pid = machine.wait_for("pid");
        wait_until(PATIENCE, "nothing of it is left running", || (!group_lives(&pid)).then_some(()));
        assert!(!machine.directory().join("pipe").exists());
        // The start is repeated because its answer was lost: nothing runs twice.
        let mut again = Reader::new(&job.nonce);
        follow(machine.runs(&job.start()), &mut again);
        assert_eq!(again.progress, reader.progress);
        assert_eq!(again.offset, reader.offset);
    }
}

#[test]
fn the_watch_over_a_jobs_time_ends_with_it_however_short_it_is() {
    for machine in Machine::each() {
        let mut pids = Vec::new();
        // Many at once on few processors: in some, the script ends before the watch begins.
        for _ in 0..3 {
            let begun: Vec<Child> = (0..24)
                .map(|_| {
                    let number = u64::try_from(pids.len()).unwrap() + 100;
                    pids.push(number);
                    let job = Job { id: JobId::new("test", number), ..machine.job("true") };
                    machine.runs(&job.start())
                })
                .collect();
            for mut child in begun {
                child.wait().unwrap();
            }
        }
        let jobs = machine.home.path().join(".local/state/opsroom/jobs");
        let numbers = pids.iter().map(|number| {
            let file = jobs.join(format!("test-{number}/pid"));
            wait_until(PATIENCE, "the job's number", || {
                let pid = fs::read_to_string(&file).ok()?;
                (!pid.trim().is_empty()).then(|| pid.trim().to_owned())
            })
        });
        let numbers: Vec<String> = numbers.collect();
        wait_until(PATIENCE, "nothing of any is left running", || {
            numbers.iter().all(|pid| !group_lives(pid)).then_some(())
        });
    }
}

#[test]
fn what_a_job_writes_is_as_readable_as_what_the_login_writes() {
    for machine in Machine::each() {
        let written = machine.home.path().join("checked-out");
        let job = machine.job(&format!("umask; : >'{}'; echo \"u=${{u-none}}\"", written.display()));
        let mut reader = Reader::new(&job.nonce);
        follow(machine.runs(&format!("umask 027; {}", job.start())), &mut reader);
        assert_eq!(reader.progress.tail, ["0027", "u=none"]);
        assert_eq!(written.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        let log = machine.directory().join("log").metadata().unwrap().permissions().mode();
        assert_eq!(log & 0o077, 0, "but its own log is the login's alone");
    }
}

#[test]
fn a_follower_that_dies_takes_nothing_with_it_and_the_next_goes_on_from_its_byte() {
    for machine in Machine::each() {
        let gate = machine.home.path().join("gate");
        let wait = format!("phase build\necho one\nwhile [ ! -e '{}' ]; do sleep 0.1; done\necho two", gate.display());
        let job = machine.job(&wait);
        let mut reader = Reader::new(&job.nonce);
        let mut child = machine.runs(&job.start());
        let mut out = child.stdout.take().unwrap();
        let mut chunk = [0; 4096];
        while reader.progress.tail.is_empty() {
            let n = out.read(&mut chunk).unwrap();
            reader.feed(&chunk[..n]);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        fs::write(gate, "").unwrap();
        follow(machine.runs(&job.attach(reader.offset)), &mut reader);
        assert_eq!(reader.progress.ended, Some(0));
        assert_eq!(reader.progress.tail, ["one", "two"]);
    }
}

#[test]
fn hanging_up_ends_the_follower_and_not_the_job() {
    for machine in Machine::each() {
        let job = machine.job("sleep 30");
        let mut child = machine.runs(&job.start());
        let pid = machine.wait_for("pid");
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(Path::new(&format!("/proc/{pid}")).exists(), "the job lives on");
        let cancel = machine.runs(&job.cancel()).wait_with_output().unwrap();
        assert!(cancel.status.success(), "{}", String::from_utf8_lossy(&cancel.stderr));
        assert_eq!(machine.wait_for("result"), "143");
    }
}

#[test]
fn a_job_that_was_killed_is_gone_and_not_succeeded() {
    for machine in Machine::each() {
        let job = machine.job("sleep 30");
        let child = machine.runs(&job.start());
        let pid = machine.wait_for("pid");
        let killed = command("sh").args(["-c", &format!("kill -KILL -{pid}")]).status().unwrap();
        assert!(killed.success() && killed.signal().is_none());
        // Standard input stays open: the follower notices by itself.
        let out = wait_with_open_stdin(child);
        assert_eq!(out, Some(i32::try_from(job::GONE).unwrap()));
    }
}

#[test]
fn a_job_whose_time_is_over_is_told_to_end_by_the_host_itself() {
    for machine in Machine::each() {
        // Long enough for its first line to be reached on a busy machine.
        let job = Job { limit: Duration::from_secs(4), ..machine.job("trap 'echo tidied; exit 5' TERM\nsleep 60") };
        let mut reader = Reader::new(&job.nonce);
        follow(machine.runs(&job.start()), &mut reader);
        assert_eq!(reader.progress.ended, Some(5));
        assert!(reader.progress.overdue);
        assert!(reader.progress.tail.contains(&"tidied".to_owned()), "{:?}", reader.progress.tail);
    }
}

#[test]
fn a_job_that_will_not_end_is_told_again_and_not_taken_for_ended() {
    for machine in Machine::each() {
        let gate = machine.home.path().join("gate");
        let wait = format!("trap 'echo heard' TERM\nwhile [ ! -e '{}' ]; do sleep 1; done", gate.display());
        let job = machine.job(&wait);
        let follower = machine.runs(&job.start());
        machine.wait_for("pid");
        let cancel = machine.runs(&job.cancel()).wait_with_output().unwrap();
        assert_eq!(cancel.status.code(), Some(i32::try_from(job::STILL_ENDING).unwrap()));
        fs::write(gate, "").unwrap();
        let mut reader = Reader::new(&job.nonce);
        follow(follower, &mut reader);
        assert_eq!(reader.progress.ended, Some(0));
        assert!(reader.progress.tail.len() > 1, "told more than once: {:?}", reader.progress.tail);
    }
}

#[test]
fn a_job_that_is_told_to_end_as_it_ends_has_ended_as_it_did() {
    for machine in Machine::each() {
        // The moment is hit now and then, so there are many.
        for number in 0..40 {
            let (said, status) = if number % 2 == 0 { ("exit 0", 0) } else { ("trap - TERM; kill -TERM $$", 143) };
            let job =
                Job { id: JobId::new("test", number), ..machine.job(&format!("trap : TERM; kill -TERM 0; {said}")) };
            let mut reader = Reader::new(&job.nonce);
            follow(machine.runs(&job.start()), &mut reader);
            assert_eq!(reader.progress.ended, Some(status));
        }
    }
}

#[test]
fn another_process_with_the_number_of_a_dead_job_is_not_the_job() {
    for machine in Machine::each() {
        let job = machine.job("sleep 60");
        let child = machine.runs(&job.start());
        let pid = machine.wait_for("pid");
        // As after a restart of the host: the number is somebody else's now.
        fs::write(machine.directory().join("pid"), std::process::id().to_string()).unwrap();
        assert_eq!(wait_with_open_stdin(child), Some(i32::try_from(job::GONE).unwrap()));
        let cancel = machine.runs(&job.cancel()).wait_with_output().unwrap();
        assert!(cancel.status.success(), "nothing to end, and nobody else was killed");
        assert!(command("sh").args(["-c", &format!("kill -KILL -{pid}")]).status().unwrap().success());
    }
}

#[test]
fn a_job_that_never_began_cannot_begin_any_more_once_that_was_told() {
    let no_such_job = Some(i32::try_from(job::NO_SUCH_JOB).unwrap());
    for told in [Job::attach_or_forbid, Job::cancel] {
        for machine in Machine::each() {
            let job = machine.job("touch ran");
            for _ in 0..2 {
                assert_eq!(machine.runs(&told(&job)).wait().unwrap().code(), no_such_job);
            }
            assert_eq!(wait_with_open_stdin(machine.runs(&job.start())), no_such_job, "a start that comes late");
            assert!(!machine.directory().join("ran").exists() && !machine.directory().join("pid").exists());
        }
    }
    // One that did is followed, from its beginning.
    for machine in Machine::each() {
        let job = machine.job("phase switch\necho one");
        follow(machine.runs(&job.start()), &mut Reader::new(&job.nonce));
        let mut again = Reader::new(&job.nonce);
        follow(machine.runs(&job.attach_or_forbid()), &mut again);
        assert_eq!((again.progress.ended, again.progress.tail.len()), (Some(0), 1));
    }
}

#[test]
fn a_process_that_comes_up_late_runs_nothing_once_it_was_said_not_to_have_begun() {
    let code = |code: u32| Some(i32::try_from(code).unwrap());
    for machine in Machine::each() {
        // The host takes its time: the job is placed, and its process waits.
        let gate = machine.home.path().join("gate");
        let late = format!(
            "setsid() {{ export u; while [ ! -e '{}' ]; do sleep 0.05; done; command setsid \"$@\"; : >over; }}\n",
            gate.display()
        );
        for (id, told, expected) in
            [(1, None, job::NOT_STARTED), (2, Some(Job::cancel as fn(&Job) -> String), job::NO_SUCH_JOB)]
        {
            let job = Job { id: JobId::new("test", id), ..machine.job("touch ran") };
            let directory = machine.directory().with_file_name(job.id.as_str());
            let _ = fs::remove_file(&gate);
            let start = machine.runs(&with_tools(&late, &job.start()));
            wait_until(PATIENCE, "it is placed", || directory.join("log").exists().then_some(()));
            if let Some(told) = told {
                assert_eq!(machine.runs(&told(&job)).wait().unwrap().code(), code(expected));
            }
            assert_eq!(wait_with_open_stdin(start), code(expected));
            fs::write(&gate, "").unwrap();
            wait_until(PATIENCE, "its process has come and gone", || directory.join("over").exists().then_some(()));
            assert!(!directory.join("ran").exists(), "it was said not to have begun");
            assert_eq!(machine.runs(&job.attach(0)).wait().unwrap().code(), code(job::NO_SUCH_JOB));
        }
    }
}

#[test]
fn a_job_that_cannot_say_its_number_runs_nothing() {
    for machine in Machine::each() {
        let job = machine.job("touch ran");
        fs::create_dir_all(machine.directory().parent().unwrap()).unwrap();
        // As on a disk that is full from here on.
        let full = "mkdir() { command mkdir \"$@\" && case $1 in *test-1) ln -s /dev/full \"$1/pid.tmp\";; esac; }\n";
        let start = machine.runs(&with_tools(full, &job.start()));
        assert_eq!(wait_with_open_stdin(start), Some(i32::try_from(job::NOT_STARTED).unwrap()));
        assert!(!machine.directory().join("ran").exists());
    }
}

#[test]
fn an_end_that_was_not_written_into_the_log_is_told_by_the_result() {
    for machine in Machine::each() {
        let job = machine.job("echo one; exit 3");
        follow(machine.runs(&job.start()), &mut Reader::new(&job.nonce));
        // Killed after its result, or on a full disk.
        let log = machine.directory().join("log");
        fs::write(&log, "one\n").unwrap();
        let mut reader = Reader::new(&job.nonce);
        follow(machine.runs(&job.attach(0)), &mut reader);
        assert_eq!(reader.progress.ended, Some(3));
        // Nor a result.
        fs::write(&log, "one\n").unwrap();
        fs::write(machine.directory().join("result"), "").unwrap();
        assert_eq!(wait_with_open_stdin(machine.runs(&job.attach(0))), Some(i32::try_from(job::GONE).unwrap()));
    }
}

#[test]
fn what_a_job_leaves_behind_in_its_group_is_ended_with_it() {
    for machine in Machine::each() {
        let job = machine.job("(trap '' TERM; echo $$ >left; while :; do sleep 1; done) & sleep 60");
        let follower = machine.runs(&job.start());
        machine.wait_for("left");
        let pid = machine.wait_for("pid");
        let cancel = machine.runs(&job.cancel()).wait_with_output().unwrap();
        assert!(cancel.status.success(), "{cancel:?}");
        assert!(
            !command("sh").args(["-c", &format!("kill -0 -{pid}")]).stderr(Stdio::null()).status().unwrap().success()
        );
        let mut reader = Reader::new(&job.nonce);
        follow(follower, &mut reader);
        assert_eq!(reader.progress.ended, Some(143), "and the end was told");
    }
}

#[test]
fn directories_of_old_jobs_are_removed_by_a_later_one() {
    for machine in Machine::each() {
        let old = machine.directory().with_file_name("test-0");
        let recent = machine.directory().with_file_name("test-2");
        for (directory, age) in [(&old, "202001010000"), (&recent, "203001010000")] {
            fs::create_dir_all(directory).unwrap();
            fs::write(directory.join("log"), "a log").unwrap();
            assert!(command("touch").args(["-t", age]).arg(directory).status().unwrap().success());
        }
        let job = machine.job("true");
        follow(machine.runs(&job.start()), &mut Reader::new(&job.nonce));
        assert!(!old.exists() && recent.exists());
    }
}

#[test]
fn a_job_nobody_knows_is_told_apart() {
    for machine in Machine::each() {
        let status = machine.runs(&machine.job("true").attach(0)).wait().unwrap();
        assert_eq!(status.code(), Some(i32::try_from(job::NO_SUCH_JOB).unwrap()));
    }
}

#[test]
fn a_full_or_read_only_home_is_told() {
    for machine in Machine::each() {
        fs::write(machine.home.path().join(".local"), "a file where a directory should be").unwrap();
        let out = machine.runs(&machine.job("true").start()).wait_with_output().unwrap();
        assert_eq!(out.status.code(), Some(i32::try_from(job::NOT_PLACED).unwrap()));
        assert!(!out.stderr.is_empty());
    }
}

#[test]
fn what_a_tool_prints_is_no_mark() {
    for machine in Machine::each() {
        let job = machine.job("printf '::opsroom other end 0\\n::opsroom end 0\\n'; exit 3");
        let mut reader = Reader::new(&job.nonce);
        follow(machine.runs(&job.start()), &mut reader);
        assert_eq!(reader.progress.ended, Some(3));
    }
}

#[test]
fn a_log_that_grows_too_long_loses_its_middle_and_no_mark() {
    const MIB: u64 = 1024 * 1024;
    // Long ones: that nobody optimised the test's reader must not be what it waits for.
    let line = "output ".repeat(30);
    for machine in Machine::each() {
        // Marks in a flood of lines, and between bytes that make no line at all.
        let job = machine.job(&format!(
            "phase fetch; echo first words\n\
             yes '{line}' | head -c 70000000; echo; phase build\n\
             head -c 20000000 /dev/zero; phase switch\n\
             yes '{line}' | head -c 10000000; echo; echo last words; exit 3",
        ));
        let mut reader = Reader::new(&job.nonce);
        follow(machine.runs(&job.start()), &mut reader);
        let phases: Vec<Phase> = reader.progress.phases.iter().map(|(phase, _)| *phase).collect();
        assert_eq!(phases, [Phase::Fetch, Phase::Build, Phase::Switch]);
        assert_eq!(reader.progress.ended, Some(3));
        assert_eq!(reader.progress.tail.back().map(String::as_str), Some("last words"));
        assert_eq!(reader.progress.notes, [Note::LogCut]);
        let log = fs::read(machine.directory().join("log")).unwrap();
        assert!((50 * MIB..64 * MIB).contains(&(log.len() as u64)), "{}", log.len());
        assert_eq!(reader.offset, log.len() as u64);
        let text = String::from_utf8_lossy(&log);
        assert!(text.contains("first words"));
        let cut =
            text.lines().filter_map(|line| line.strip_prefix("[opsroom: ")?.split(' ').next()?.parse::<u64>().ok());
        let (kept, cut) = (log.len() as u64, cut.sum::<u64>());
        assert!((100_000_000..100_002_000).contains(&(kept + cut)), "what is cut is told: {kept} + {cut}");
        // From any byte, the rest is the same.
        let mut again = Reader::new(&job.nonce);
        again.offset = 50 * MIB;
        follow(machine.runs(&job.attach(again.offset)), &mut again);
        assert_eq!((again.progress.ended, again.offset), (Some(3), reader.offset));
    }
}

#[test]
fn what_a_job_leaves_running_does_not_keep_it_from_ending() {
    for machine in Machine::each() {
        let gate = machine.home.path().join("gate");
        let left = format!("while [ ! -e '{}' ]; do sleep 0.1; done; echo late", gate.display());
        let job = machine.job(&format!("setsid sh -c {} & echo done", shlex::try_quote(&left).unwrap()));
        let mut reader = Reader::new(&job.nonce);
        follow(machine.runs(&job.start()), &mut reader);
        assert_eq!((reader.progress.ended, reader.progress.tail.len()), (Some(0), 1));
        let pid = machine.wait_for("pid");
        wait_until(PATIENCE, "the job's process is gone", || {
            (!Path::new(&format!("/proc/{pid}")).exists()).then_some(())
        });
        // It can still print, as into any file.
        fs::write(gate, "").unwrap();
        wait_until(PATIENCE, "what it printed is there", || {
            fs::read_to_string(machine.directory().join("log")).unwrap().ends_with("late\n").then_some(())
        });
    }
}

#[test]
fn a_job_that_would_end_with_a_service_of_systemd_gets_a_scope() {
    let cases = [
        ("0::/system.slice/opsroom.service", true),
        ("9:name=systemd:/system.slice/opsroom.service\n0::/system.slice/opsroom.service", true),
        ("0::/user.slice/user-1000.slice/session-3.scope", false),
        ("4:memory:/system.slice/opsroom.service\n0::/init.scope", false),
        // sshd's leaves alone what it has started.
        ("0::/system.slice/ssh.service", false),
        ("0::/system.slice/system-sshd.slice/sshd@3-192.0.2.1:22-192.0.2.2:4022.service", false),
    ];
    for (cgroup, asks) in cases {
        for denied in [false, true] {
            for machine in Machine::each() {
                let at = |name: &str| machine.home.path().join(name);
                fs::write(at("cgroup"), format!("{cgroup}\n")).unwrap();
                let said = if denied { "exit 1" } else { "shift 4; exec \"$@\"" };
                let tool = format!("#!/bin/sh\necho \"$*\" >>\"$HOME/asked\"\n{said}\n");
                fs::write(at("bin/systemd-run"), tool).unwrap();
                fs::set_permissions(at("bin/systemd-run"), fs::Permissions::from_mode(0o755)).unwrap();
                let job = machine.job("echo ran");
                let start = job.start().replace("/proc/self/cgroup", at("cgroup").to_str().unwrap());
                let mut reader = Reader::new(&job.nonce);
                follow(machine.runs(&start), &mut reader);
                // Also without the right to a scope it runs, once.
                assert_eq!((reader.progress.ended, reader.progress.tail.len()), (Some(0), 1), "{cgroup}");
                let asked = fs::read_to_string(at("asked")).unwrap_or_default();
                let scopes = asked.matches(" --quiet --collect --scope setsid sh -c ").count();
                assert_eq!(scopes, usize::from(asks), "{cgroup}: {asked}");
            }
        }
    }
}

/// The command on a machine on which some tools behave as these functions do.
fn with_tools(tools: &str, command: &str) -> String {
    let inner = shlex::split(command).unwrap().pop().unwrap();
    format!("sh -c {}", shlex::try_quote(&format!("{tools}{inner}")).unwrap())
}

/// Whether any process of that group is left.
fn group_lives(pid: &str) -> bool {
    let mut kill = command("sh");
    kill.args(["-c", &format!("kill -0 -{pid}")]).stderr(Stdio::null()).status().unwrap().success()
}

fn wait_with_open_stdin(mut child: Child) -> Option<i32> {
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"").unwrap();
    let status = child.wait().unwrap();
    drop(stdin);
    status.code()
}
