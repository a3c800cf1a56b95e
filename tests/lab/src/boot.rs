//! Booting a machine from an image of Debian: its own systemd is its first process.
//!
//! The image is a layer that nobody writes into (`tests/lab/images.sh` makes it); each machine has one of its own above it.
//! It gets control groups of its own too: systemd keeps its units there.

use std::path::Path;

use crate::machine::{DOCKER_GID, OPS, SVC, User};

/// Puts the root together in `root` and makes it the root. The kernel's file systems are mounted as a container's manager
/// does (systemd's CONTAINER_INTERFACE); the last lines of it are the machine's own first steps.
const ROOT: &str = r#"
mkdir -p root upper work
mount -t overlay overlay -o "lowerdir=LAB_IMAGE,upperdir=$PWD/upper,workdir=$PWD/work" root
mount -t proc proc root/proc
mount -t sysfs sysfs root/sys
mount -t tmpfs -o mode=755 tmpfs root/dev
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
  IFS=: read -r name major minor <<END
$node
END
  mknod -m 666 root/dev/$name c $major $minor
done
[ ! -e /dev/fuse ] || mknod -m 666 root/dev/fuse c 10 229
mkdir root/dev/pts root/dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts root/dev/pts
ln -s pts/ptmx root/dev/ptmx
ln -s /proc/self/fd root/dev/fd
mount -t tmpfs -o mode=1777 tmpfs root/dev/shm
mount -t tmpfs -o mode=755 tmpfs root/run
mount -t tmpfs -o mode=1777 tmpfs root/tmp
mkdir -p root/run/host root/run/sshd root/run/lock root/run/engine
mount --bind ssh root/run/host
mount --bind LAB_ENGINE root/run/engine
ln -s engine/docker.sock root/run/docker.sock
: >>root/usr/bin/docker
mount --bind "$(command -v docker)" root/usr/bin/docker
# A login's containers may mount a /proc of their own only where one is seen without anything on it (mount_namespaces(7)).
mkdir root/run/proc
mount -t proc proc root/run/proc
cat /proc/sys/kernel/random/uuid >root/run/boot_id
mount --bind root/run/boot_id root/proc/sys/kernel/random/boot_id
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 root/sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 tmpfs root/sys/fs/cgroup
  while IFS=: read -r number controllers _; do
    case $controllers in '') continue ;; name=*) of=${controllers#name=} ;; *) of=$controllers ;; esac
    mkdir root/sys/fs/cgroup/$of
    mount -t cgroup -o $controllers cgroup root/sys/fs/cgroup/$of
  done </proc/self/cgroup
fi
"#;

/// Becomes the machine.
const INIT: &str = r#"
: >booted
cd root
mkdir -p mnt
pivot_root . mnt
umount -l /mnt
exec env -i container=lab PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /sbin/init
"#;

/// The script of a machine's first process, which ends in its systemd.
pub(crate) fn script(name: &str, image: &Path, engine: &Path) -> String {
    let mut users = String::new();
    for User { name, uid } in [OPS, SVC] {
        users.push_str(&format!(
            "grep -q ^{name}: root/etc/passwd || {{\n\
             echo '{name}:x:{uid}:{uid}::/home/{name}:/bin/bash' >>root/etc/passwd\n\
             echo '{name}:x:{uid}:' >>root/etc/group\necho '{name}:*:19000::::::' >>root/etc/shadow\n\
             echo '{name}:{from}:65536' >>root/etc/subuid\necho '{name}:{from}:65536' >>root/etc/subgid\n\
             mkdir -p root/home/{name}\nchown {uid}:{uid} root/home/{name}\n}}\n",
            from = 100_000 + (uid - OPS.uid) * 65_536,
        ));
    }
    format!(
        "set -e\nhostname {name}\nip link set lo up\n{root}{users}\
         grep -q ^docker: root/etc/group || echo 'docker:x:{DOCKER_GID}:ops,svc' >>root/etc/group\n\
         echo {name} >root/etc/hostname\necho '127.0.0.1 localhost {name}' >root/etc/hosts\n\
         echo 'ops ALL=(svc) NOPASSWD: ALL' >root/etc/sudoers.d/lab\nchmod 440 root/etc/sudoers.d/lab\n{INIT}",
        root = ROOT
            .replace("LAB_IMAGE", &image.display().to_string())
            .replace("LAB_ENGINE", &engine.display().to_string()),
    )
}

/// Moves the process that runs it into control groups of the machine's own, in every hierarchy there is.
pub(crate) fn groups(name: &str) -> String {
    format!(
        "for h in /sys/fs/cgroup /sys/fs/cgroup/*; do [ -e $h/cgroup.procs ] || continue; mkdir -p $h/{name} || continue; \
         for f in cpus mems; do [ ! -e $h/{name}/cpuset.$f ] || cat $h/cpuset.$f >$h/{name}/cpuset.$f; done; \
         echo $$ >$h/{name}/cgroup.procs || true; done"
    )
}

/// What the control groups of a machine are called: with the lab's name before it they go with the lab. The lab's directory,
/// in which the machine's is, has that name.
pub(crate) fn group(name: &str, dir: &Path) -> String {
    let lab = dir.parent().and_then(Path::file_name).unwrap_or_default();
    format!("opsroom-lab-{}-{name}", lab.to_string_lossy())
}
