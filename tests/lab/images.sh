#!/bin/sh
# Makes the images that machines with a systemd of their own boot from: a Debian of one suite each, with what its runtimes
# need. Nothing is installed on this machine.
#
#   tests/lab/images.sh <suite>…   make what is missing; instant when there is nothing to do
#
# Debian's own tools do it, from this machine's own package source. An image lies in target/lab/images/<suite>; who boots it
# writes into a layer of his own above it.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
project=$(CDPATH='' cd -- "$here/../.." && pwd)
lab=${OPSROOM_LAB_HOME:-${CARGO_TARGET_DIR:-$project/target}/lab}
images=$lab/images

packages=systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,polkitd,openssh-server,sudo,git,procps,iproute2,ca-certificates,podman,netavark,aardvark-dns,runc,uidmap,slirp4netns,fuse-overlayfs,busybox-static

say() { printf 'lab images: %s\n' "$*"; }
die() { printf 'lab images: %s\n' "$*" >&2; exit 1; }

# Where this machine has its packages from, whichever way that is written.
mirror() {
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
		[ -r "$file" ] || continue
		sed -n -e 's/^URIs:[[:space:]]*\([^[:space:]]*\).*/\1/p' -e 's/^deb \(\[[^]]*\] \)\{0,1\}\([^[:space:]]*\).*/\2/p' "$file"
	done | grep -v security | head -n 1
}

key=$(sha256sum <"$0" | cut -d' ' -f1)
for suite; do
	[ "$(cat "$images/$suite.stamp" 2>/dev/null)" != "$key" ] || continue
	command -v debootstrap >/dev/null || die "debootstrap is missing: run tests/lab/setup.sh"
	[ "$(id -u)" = 0 ] || die "making an image needs root"
	mirror=$(mirror)
	[ -n "$mirror" ] || die "no Debian package source found in /etc/apt"
	say "making a Debian $suite (about two minutes)"
	rm -rf "$images/$suite"
	mkdir -p "$images"
	# debootstrap names only the suites it knew; later ones are made in the same way.
	debootstrap --variant=minbase --include="$packages" "$suite" "$images/$suite" "$mirror" /usr/share/debootstrap/scripts/sid \
		>"$images/$suite.log" 2>&1 || { tail -n 20 "$images/$suite.log" >&2; die "could not make a Debian $suite (log: $images/$suite.log)"; }
	rm -rf "$images/$suite/var/cache/apt/archives"/*.deb "$images/$suite/etc/machine-id" "$images/$suite/etc/ssh"/ssh_host_*
	: >"$images/$suite/etc/machine-id"
	# Who boots it starts an sshd with settings of his own.
	rm -f "$images/$suite/etc/systemd/system/multi-user.target.wants/ssh.service" "$images/$suite/etc/systemd/system/sshd.service"
	printf '%s\n' "$key" >"$images/$suite.stamp"
done
say "ready: $*"
