//! What a machine of the lab has for `/etc`: a directory of its own, so that no setting of the machine it runs on decides
//! how a test ends. Of that one's `/etc` only what belongs to the installed software is there.
//!
//! With it git has no system configuration, the time zone is UTC, no login shell reads a profile, and ssh, PAM, sudo, the
//! Docker engine and its client have their built-in defaults.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use crate::machine::{DOCKER_GID, OPS, SVC, User};
use crate::wait::OrFail as _;

/// Where the installed software keeps what it cannot run without: which program `awk` or `iptables` is, and where the
/// linker finds libraries. A kernel that has AppArmor has its policies here, and the engine adds to them.
const OF_THE_SOFTWARE: [&str; 6] =
    ["alternatives", "apparmor", "apparmor.d", "ld.so.cache", "ld.so.conf", "ld.so.conf.d"];

/// The pluggable authentication of sudo, which everybody passes: its own rules are in `sudoers`.
const PAM: &str = "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n";

/// Writes the directory, and gives the script (sh, as root, inside the machine) that mounts it.
#[track_caller]
pub(crate) fn make(etc: &Path, hostname: &str) -> String {
    if !etc.exists() {
        write_files(etc, hostname);
    }
    let etc = etc.display();
    let mut script = String::new();
    for name in OF_THE_SOFTWARE.iter().filter(|name| Path::new("/etc").join(name).exists()) {
        let _ = writeln!(script, "mount --bind /etc/{name} '{etc}/{name}'");
    }
    let _ = writeln!(script, "mount --rbind '{etc}' /etc");
    script
}

#[track_caller]
fn write_files(etc: &Path, hostname: &str) {
    let make_dir = |dir: &Path| fs::create_dir_all(dir).or_fail(format!("cannot make {}", dir.display()));
    let write = |name: &str, mode: u32, text: &str| {
        let path = etc.join(name);
        fs::write(&path, text).or_fail(format!("cannot write {}", path.display()));
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).or_fail("cannot set a mode");
    };
    make_dir(&etc.join("pam.d"));
    for name in OF_THE_SOFTWARE {
        // A mount needs a place of the same kind.
        match fs::metadata(Path::new("/etc").join(name)) {
            Ok(found) if found.is_dir() => make_dir(&etc.join(name)),
            Ok(_) => write(name, 0o644, ""),
            Err(_) => {}
        }
    }
    symlink("../usr/lib/os-release", etc.join("os-release")).or_fail("cannot make a link");
    symlink("/proc/mounts", etc.join("mtab")).or_fail("cannot make a link");

    let mut passwd = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n\
                      sshd:x:61000:65534::/run/sshd:/usr/sbin/nologin\n"
        .to_owned();
    let mut group = format!("root:x:0:\nnogroup:x:65534:\ndocker:x:{DOCKER_GID}:ops,svc\n");
    // "*" is no password; "!" would be a locked account, which sshd refuses even with a key.
    let mut shadow = "root:*:19000::::::\nsshd:!:19000::::::\n".to_owned();
    for User { name, uid } in [OPS, SVC] {
        let _ = writeln!(passwd, "{name}:x:{uid}:{uid}::/home/{name}:/bin/bash");
        let _ = writeln!(group, "{name}:x:{uid}:");
        let _ = writeln!(shadow, "{name}:*:19000::::::");
    }
    write("passwd", 0o644, &passwd);
    write("group", 0o644, &group);
    write("shadow", 0o600, &shadow);
    write("sudoers", 0o440, "root ALL=(ALL:ALL) ALL\nops ALL=(svc) NOPASSWD: ALL\n");
    for service in ["sudo", "sudo-i", "other"] {
        write(&format!("pam.d/{service}"), 0o644, PAM);
    }
    write("nsswitch.conf", 0o644, "passwd: files\ngroup: files\nshadow: files\nhosts: files\n");
    write("hostname", 0o644, &format!("{hostname}\n"));
    write("hosts", 0o644, &format!("127.0.0.1 localhost {hostname}\n"));
    write("resolv.conf", 0o644, "");
}
