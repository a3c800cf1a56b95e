#!/bin/sh
# Looks at a running container from outside, and says for each promise of compose.yaml whether it is kept.
# It looks at the process and its control group, not at what the engine was asked for.
set -eu

usage() {
	cat <<'EOF'
Usage: docker/verify.sh [CONTAINER]

Verifies, as root on the machine whose engine runs it, that a running container (default: opsroom) is shut in
as docker/compose.yaml shuts it in. One line for each fact: "ok" or "FAIL", its name, and what was seen.

Environment:
  DOCKER   the program to ask (default: docker)

Exit codes: 0 all kept, 1 something is not, 2 could not look
EOF
}

die() { printf 'verify: %s\n' "$*" >&2; exit 2; }

case ${1:-} in
-h | --help) usage; exit 0 ;;
-*) usage >&2; exit 2 ;;
esac
[ $# -le 1 ] || { usage >&2; exit 2; }
container=${1:-opsroom}
docker=${DOCKER:-docker}

[ "$(id -u)" = 0 ] || die "needs root, to look into another user's process: run it with sudo"
inspect() { "$docker" inspect --type container --format "$1" "$container"; }
pid=$(inspect '{{.State.Pid}}') || die "no container $container"
[ "$pid" -gt 0 ] || die "$container is not running"
proc=/proc/$pid
[ -r "$proc/status" ] || die "process $pid of $container is not on this machine: run this where the engine runs"
root=$proc/root

kept=yes
ok() { printf 'ok    %-14s %s\n' "$1" "$2"; }
fail() { printf 'FAIL  %-14s %s\n' "$1" "$2"; kept=no; }
judge() { # judge FACT SEEN COMMAND...: the command says whether the fact holds
	fact=$1 seen=$2
	shift 2
	if "$@"; then ok "$fact" "$seen"; else fail "$fact" "$seen"; fi
}
status() { sed -n "s/^$1:[[:space:]]*//p" "$proc/status" | tr '\t' ' '; }
none_is_zero() { case " $1 " in *' 0 '*) false ;; esac; }
number() { case $1 in '' | *[!0-9]*) false ;; esac; }

# Real, effective, saved and file system IDs, and the groups beside them.
ids="$(status Uid) $(status Gid) $(status Groups)"
judge not-root "user $(status Uid | cut -d' ' -f1), groups $(status Gid | cut -d' ' -f1) $(status Groups)" none_is_zero "$ids"

# Through the process's own mounts: what its root refuses to us, it refuses to anybody.
written=
for directory in / /usr/bin/ /etc/; do
	probe=$root${directory}verify.$$
	if [ -d "$root$directory" ] && touch "$probe" 2>/dev/null; then
		rm -f "$probe"
		written="$written $directory"
	fi
done
judge read-only-root "${written:+could write to$written}${written:-writing to / fails}" test -z "$written"

sets=
for set in CapInh CapPrm CapEff CapBnd CapAmb; do sets="$sets $(status $set)"; done
no_bit() { case $1 in *[!0\ ]*) false ;; esac; }
judge capabilities "inheritable, permitted, effective, bounding, ambient:$sets" no_bit "$sets"

judge no-new-privs "NoNewPrivs $(status NoNewPrivs)" test "$(status NoNewPrivs)" = 1
judge seccomp "Seccomp $(status Seccomp) (2 is a filter)" test "$(status Seccomp)" = 2

# Version 2 has one hierarchy, version 1 one for each controller.
limit() { # limit CONTROLLER FILE-V1 FILE-V2
	group=$(sed -n "s/^[0-9]*:\([^:]*,\)*$1\(,[^:]*\)*://p" "$proc/cgroup")
	if [ -n "$group" ]; then
		cat "/sys/fs/cgroup/$1$group/$2" 2>/dev/null || echo unknown
	else
		cat "/sys/fs/cgroup$(sed -n 's/^0:://p' "$proc/cgroup")/$3" 2>/dev/null || echo unknown
	fi
}
pids=$(limit pids pids.max pids.max)
judge pids-limit "$pids" number "$pids"
memory=$(limit memory memory.limit_in_bytes memory.max)
# Version 1 says "no limit" with a number larger than any machine.
total=$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)
limited() { number "$1" && [ "$(($1 / 1024))" -lt "$total" ]; }
judge memory-limit "$memory bytes" limited "$memory"

# Its own mounts, without those that the engine brings along for /proc, /sys and /dev.
mounts=$(awk '$5 !~ "^/(proc|sys|dev)(/|$)" { print $5 }' "$proc/mountinfo")
sockets=
for mount in $mounts; do
	[ "$mount" != / ] || continue
	if [ -d "$root$mount" ]; then
		sockets="$sockets $(find "$root$mount" -maxdepth 3 -name '*.sock' -type s 2>/dev/null | sed "s|^$root||" | tr '\n' ' ')"
	elif [ -S "$root$mount" ]; then
		sockets="$sockets $mount"
	fi
done
sockets=$(printf '%s' "$sockets" | tr -s ' ')
sockets=${sockets# }
judge no-socket "${sockets:-no socket of an engine or of anything else is mounted}" test -z "$sockets"

options() { awk -v at="$1" '$5 == at { seen = $6 } END { print seen }' "$proc/mountinfo"; }
kind() { awk -v at="$1" '$5 == at { for (i = 6; i <= NF; i++) if ($i == "-") seen = $(i + 1) } END { print seen }' "$proc/mountinfo"; }
state=$(options /var/lib/opsroom)
on_disk() { case "$1:$2" in rw*:tmpfs | rw*:ramfs) false ;; rw*:?*) ;; *) false ;; esac; }
judge state-volume "/var/lib/opsroom: ${state:-not mounted}, $(kind /var/lib/opsroom)" on_disk "$state" "$(kind /var/lib/opsroom)"
config=$(options /etc/opsroom)
read_only() { case $1 in ro | ro,*) ;; *) false ;; esac; }
judge config-mount "/etc/opsroom: ${config:-not mounted}" read_only "$config"

shared=
for space in pid mnt ipc uts; do
	[ "$(readlink "$proc/ns/$space")" != "$(readlink "/proc/self/ns/$space")" ] || shared="$shared $space"
done
judge own-namespaces "${shared:+shares with this machine:$shared}${shared:-pid, mnt, ipc and uts are its own}" test -z "$shared"

programs=$(find "$root/" -xdev -type f -perm /111 ! -name '*.so' ! -name '*.so.*' ! -name .dockerenv 2>/dev/null | sed "s|^$root/*|/|" | tr '\n' ' ')
judge one-program "${programs:-none}" test "$programs" = '/usr/bin/opsroom '

health=$(inspect '{{if .State.Health}}{{.State.Health.Status}}{{else}}no health check{{end}}')
check=$(inspect '{{if .Config.Healthcheck}}{{join .Config.Healthcheck.Test " "}}{{end}}')
healthy() { case $1:$2 in healthy:*'opsroom healthcheck'*) ;; *) false ;; esac; }
judge healthy "$health ($check)" healthy "$health" "$check"

# The bot ends by itself within 35 s.
grace=$(inspect '{{if .Config.StopTimeout}}{{.Config.StopTimeout}}{{else}}10{{end}}')
judge stop-time "$grace s" test "$grace" -ge 35

[ "$kept" = yes ]
