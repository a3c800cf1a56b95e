#!/bin/sh
# Puts together what the image holds: one binary, the libraries it is linked to, certificate authorities, and nothing else.
# Used by the Dockerfile and by build.sh.
set -eu

usage() {
	cat <<'EOF'
Usage: docker/rootfs.sh BINARY DIRECTORY

Makes DIRECTORY/tree, the image's root file system, and DIRECTORY/state, what its state volume begins as.
  BINARY      an opsroom binary for this machine; `cargo build --profile dist` makes one
  DIRECTORY   is created; must be empty if it exists

Environment:
  CERTIFICATES   the file with the certificate authorities to trust
                 (default: /etc/ssl/certs/ca-certificates.crt, of Debian's package ca-certificates)
EOF
}

die() { printf 'rootfs: %s\n' "$*" >&2; exit 1; }

case ${1:-} in
-h | --help) usage; exit 0 ;;
esac
[ $# = 2 ] || { usage >&2; exit 2; }
binary=$1
directory=$2
certificates=${CERTIFICATES:-/etc/ssl/certs/ca-certificates.crt}

[ -f "$binary" ] || die "$binary: no such file; build it with \`cargo build --profile dist\`"
[ -r "$certificates" ] || die "$certificates: no such file; install ca-certificates, or set CERTIFICATES"
grep -q 'BEGIN CERTIFICATE' "$certificates" || die "$certificates holds no certificate (PEM)"
mkdir -p "$directory"
[ -z "$(ls -A "$directory")" ] || die "$directory is not empty"
root=$directory/tree

put() { # put FILE PATH-IN-THE-IMAGE MODE
	mkdir -p "$root$(dirname "$2")"
	cp -L "$1" "$root$2"
	chmod "$3" "$root$2"
}

put "$binary" /usr/bin/opsroom 755
# A binary linked to nothing makes ldd fail; so does a file that is no binary, or one of another kind of machine.
if libraries=$(ldd "$binary" 2>&1); then
	case $libraries in
	*'not found'*) die "$binary needs libraries that are not on this machine: $(printf '%s\n' "$libraries" | grep 'not found')" ;;
	esac
	# "libc.so.6 => /lib/…/libc.so.6 (0x…)", "/lib64/ld-linux-x86-64.so.2 (0x…)"; the kernel's own page has no path.
	for library in $(printf '%s\n' "$libraries" | sed -n 's/^[^/]*\(\/[^ ]*\) (0x[0-9a-f]*)$/\1/p'); do
		put "$library" "$library" 755
		# glibc before 2.34 loads these when a name is looked up. They are not linked, so nobody else would miss them.
		for name in libnss_files.so.2 libnss_dns.so.2; do
			module=$(dirname "$library")/$name
			[ "${library##*/}" != libc.so.6 ] || [ ! -e "$module" ] || put "$module" "$module" 755
		done
	done
else
	case $libraries in
	*'not a dynamic executable'* | *'statically linked'*) "$binary" --version >/dev/null || die "$binary does not run on this machine" ;;
	*) die "ldd $binary: $libraries" ;;
	esac
fi

put "$certificates" /etc/ssl/certs/ca-certificates.crt 644
printf 'root:x:0:0::/:/nonexistent\nopsroom:x:10001:10001::/var/lib/opsroom:/nonexistent\n' >"$root/etc/passwd"
printf 'root:x:0:\nopsroom:x:10001:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
chmod 644 "$root/etc/passwd" "$root/etc/group" "$root/etc/nsswitch.conf"
# Where things are mounted: the root cannot be written to when it runs.
mkdir -p "$root/etc/opsroom" "$root/tmp" "$root/var/lib"
chmod 1777 "$root/tmp"
# Apart, because it belongs to the bot, and a new volume takes over its owner and its mode.
mkdir -p "$directory/state/opsroom"
chmod 700 "$directory/state/opsroom"
