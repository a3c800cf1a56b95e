//! The scripts beside the image, as a person meets them: what they do when something is missing.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Output};

use opsroom_lab::process::command;

use crate::OPSROOM;

struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// A script of `docker/`, told that its engine is `docker`.
fn script(name: &str, docker: &str, arguments: &[&str]) -> Ended {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker").join(name);
    let Output { status, stdout, stderr } = command(path).args(arguments).env("DOCKER", docker).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: status.code(), stdout: text(&stdout), stderr: text(&stderr) }
}

#[test]
fn each_explains_itself() {
    for name in ["build.sh", "rootfs.sh", "verify.sh"] {
        let help = script(name, "docker", &["--help"]);
        assert!(help.code == Some(0) && help.stdout.starts_with(&format!("Usage: docker/{name}")), "{}", help.stdout);
        let wrong = script(name, "docker", &["--wrong", "--arguments", "--here"]);
        assert!(wrong.code == Some(2) && wrong.stderr.contains("Usage: "), "{name}: {}", wrong.stderr);
    }
}

#[test]
fn what_is_missing_is_named() {
    let engine_less = script("build.sh", "/nonexistent/docker", &[]);
    assert_eq!((engine_less.code, engine_less.stderr.trim()), (Some(1), "build: /nonexistent/docker is not installed"));
    let silent = script("build.sh", "false", &[]);
    assert_eq!(silent.code, Some(1));
    assert!(silent.stderr.contains("no engine answers `false version`"), "{}", silent.stderr);
    // An engine that says yes to everything.
    let absent = script("build.sh", "true", &["--bin", "/nonexistent/opsroom"]);
    assert_eq!((absent.code, absent.stderr.trim()), (Some(1), "build: /nonexistent/opsroom: no such file"));
    let other = script("build.sh", "true", &["--bin", "/bin/echo"]);
    assert_eq!(other.code, Some(1));
    assert!(other.stderr.contains("/bin/echo is not opsroom"), "{}", other.stderr);
    let nameless = script("build.sh", "true", &["--bin"]);
    assert!(
        nameless.code == Some(2) && nameless.stderr.starts_with("build: --bin needs a file"),
        "{}",
        nameless.stderr
    );
}

#[test]
fn the_root_file_system_is_what_it_should_be() {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("image");
    let made = script("rootfs.sh", "docker", &[OPSROOM, image.to_str().unwrap()]);
    assert_eq!((made.code, made.stderr.as_str()), (Some(0), ""));
    let mode = |path: &str| fs::metadata(image.join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!([mode("tree/usr/bin/opsroom"), mode("tree/tmp"), mode("state/opsroom")], [0o755, 0o1777, 0o700]);
    assert!(fs::read_to_string(image.join("tree/etc/passwd")).unwrap().contains("opsroom:x:10001:10001:"));
    assert!(!image.join("tree/bin").exists(), "no shell");

    let again = script("rootfs.sh", "docker", &[OPSROOM, image.to_str().unwrap()]);
    assert!(again.code == Some(1) && again.stderr.contains("is not empty"), "{}", again.stderr);
    let target = dir.path().join("other");
    let text = script("rootfs.sh", "docker", &["/etc/passwd", target.to_str().unwrap()]);
    assert!(text.code == Some(1) && text.stderr.contains("/etc/passwd does not run"), "{}", text.stderr);
    let absent = script("rootfs.sh", "docker", &["/nonexistent/opsroom", target.to_str().unwrap()]);
    assert!(absent.stderr.contains("/nonexistent/opsroom: no such file; build it"), "{}", absent.stderr);
}

#[test]
fn the_verifier_says_when_it_cannot_look() {
    for (docker, why) in [("false", "no container opsroom"), ("/nonexistent/docker", "no container opsroom")] {
        let blind = script("verify.sh", docker, &[]);
        assert!(blind.code == Some(2) && blind.stderr.contains(why), "{}", blind.stderr);
        assert_eq!(blind.stdout, "", "it vouches for nothing");
    }
}
