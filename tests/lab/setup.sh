#!/bin/sh
# Installs what the lab runs on: Synapse, OpenSSH's sshd, a Docker engine with the Compose plugin, and the tools around them.
#
#   tests/lab/setup.sh            install what is missing; safe to run twice, instant when there is nothing to do
#   tests/lab/setup.sh --packages only the Debian packages, which building needs too
#   tests/lab/setup.sh --plan     only print what would be done
#
# What it changes on the machine: Debian packages, and nothing else. No user, no service and no configuration is created:
# the lab's hosts are namespaces that bring their own users. Everything else goes to target/lab inside the project.
#
# Debian bookworm and trixie. Bookworm has no Compose v2, so there the plugin is unpacked (not installed) from trixie's
# package, found through a private copy of this machine's own package sources.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
project=$(CDPATH='' cd -- "$here/../.." && pwd)
lab=${OPSROOM_LAB_HOME:-${CARGO_TARGET_DIR:-$project/target}/lab}
stamp=$lab/setup.stamp

packages="docker.io docker-registry openssh-server openssh-client git iproute2 iptables busybox-static dash sudo openssl systemd debootstrap python3 python3-venv ca-certificates util-linux procps"
# A C compiler and friends are for the Rust build (bundled SQLite, aws-lc).
command -v cc >/dev/null 2>&1 && command -v make >/dev/null 2>&1 || packages="$packages build-essential"
command -v cmake >/dev/null 2>&1 || packages="$packages cmake"
command -v pkg-config >/dev/null 2>&1 || packages="$packages pkg-config"

say() { printf 'lab setup: %s\n' "$*"; }
die() { printf 'lab setup: %s\n' "$*" >&2; exit 1; }

key=$(cat "$0" "$here/requirements.txt" | sha256sum | cut -d' ' -f1)
if [ "${1:-}" != --plan ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$key" ] && [ -x "$lab/venv/bin/python" ]; then
	[ "${1:-}" = --packages ] || say "nothing to do"
	exit 0
fi

[ -r /etc/os-release ] || die "this is not Debian; install by hand: $packages"
. /etc/os-release
[ "${ID:-}" = debian ] || die "written for Debian, this is ${ID:-unknown}; install by hand: $packages"

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# trixie splits the docker command off the engine, and has Compose v2 and buildx as packages.
case ${VERSION_CODENAME:-} in
bookworm) from_trixie="docker-compose docker-buildx" ;;
*) packages="$packages docker-cli docker-compose docker-buildx"; from_trixie= ;;
esac

missing=
for package in $packages; do installed "$package" || missing="$missing $package"; done

say "Debian packages to install:${missing:- none}"
[ -z "$from_trixie" ] || say "to unpack from Debian trixie's packages into $lab/trixie (not installed): $from_trixie"
say "to create in $lab: a Python virtual environment with $(grep -v '^#' "$here/requirements.txt" | tr '\n' ' ')"
[ "${1:-}" = --plan ] && exit 0

if [ -n "$missing" ]; then
	if [ "$(id -u)" = 0 ]; then
		as_root=
	else
		command -v sudo >/dev/null 2>&1 || die "packages are missing and neither root nor sudo is at hand; as root: apt-get install$missing"
		say "sudo is needed for one thing: apt-get install of the packages above"
		as_root=sudo
	fi
	# The engine, sshd and their helpers must not be started as services by their packages: the lab starts its own, by hand.
	policy=
	if [ ! -e /usr/sbin/policy-rc.d ]; then
		policy=/usr/sbin/policy-rc.d
		printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
		$as_root chmod 755 "$policy"
		trap '$as_root rm -f "$policy"' EXIT INT TERM
	fi
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
	# shellcheck disable=SC2086 # a list of words
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
	[ -z "$policy" ] || { $as_root rm -f "$policy"; trap - EXIT INT TERM; }
fi

[ "${1:-}" != --packages ] || exit 0

mkdir -p "$lab"

# --- Compose and buildx -------------------------------------------------------------------------------------------------

# A private apt whose sources are this machine's Debian sources with the suite replaced. Nothing of it touches the system's apt.
private_apt() {
	root=$lab/apt
	mkdir -p "$root/lists/partial" "$root/cache/archives/partial" "$root/sources" "$root/empty"
	suite=trixie
	: >"$root/sources/trixie.list"
	rm -f "$root"/sources/*.sources
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
		[ -r "$file" ] || continue
		grep -q "$VERSION_CODENAME" "$file" || continue
		case $file in
		# One-line style: only Debian's own suite, which the code name alone names; the security and third-party lines stay out.
		*.list) sed -n "s/^\(deb .*[[:space:]]\)$VERSION_CODENAME\([[:space:]].*\)/\1$suite\2/p" "$file" >>"$root/sources/trixie.list" ;;
		# Stanza style: the same, one stanza at a time.
		*) awk -v RS= -v old="$VERSION_CODENAME" -v new="$suite" '
			$0 ~ "(^|\n)Suites:[^\n]*[[:space:]]" old "([[:space:]]|\n|$)" { sub(/Suites:[^\n]*/, "Suites: " new); print $0 "\n" }' \
			"$file" >"$root/sources/$(basename "$file")" ;;
		esac
	done
	cat "$root"/sources/* | grep -q "$suite" || die "no Debian package source for $VERSION_CODENAME found in /etc/apt to derive $suite from"
	set -- -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$root/sources" -o "Dir::State::lists=$root/lists" \
		-o "Dir::Cache=$root/cache" -o Dir::State::status=/dev/null -o APT::Sandbox::User=root -o APT::Default-Release= \
		-o Dir::Etc::Preferences=/dev/null -o "Dir::Etc::PreferencesParts=$root/empty" -o APT::Update::Post-Invoke=:: "$@"
	apt-get -q "$@"
}

plugins=$lab/cli-plugins
mkdir -p "$plugins"
for package in $from_trixie; do
	plugin=${package}
	[ -x "$plugins/$plugin" ] && continue
	say "fetching $package"
	[ -n "${updated:-}" ] || { private_apt update >"$lab/apt.log" 2>&1 || { cat "$lab/apt.log" >&2; die "could not read trixie's package lists"; }; updated=yes; }
	mkdir -p "$lab/debs" && rm -f "$lab/debs/${package}_"*
	(cd "$lab/debs" && private_apt download "$package" >>"$lab/apt.log" 2>&1) || { cat "$lab/apt.log" >&2; die "could not download $package"; }
	rm -rf "$lab/trixie/$package" && mkdir -p "$lab/trixie/$package"
	dpkg -x "$lab/debs/${package}_"*.deb "$lab/trixie/$package"
	found=$(find "$lab/trixie/$package" -type f -path '*cli-plugins*' -name "$plugin" | head -n 1)
	[ -n "$found" ] || die "$package holds no cli-plugins/$plugin"
	cp "$found" "$plugins/$plugin.tmp" && chmod 755 "$plugins/$plugin.tmp" && mv "$plugins/$plugin.tmp" "$plugins/$plugin"
done
if [ -z "$from_trixie" ]; then
	for plugin in docker-compose docker-buildx; do
		for dir in /usr/libexec/docker/cli-plugins /usr/lib/docker/cli-plugins; do
			[ -x "$dir/$plugin" ] && cp "$dir/$plugin" "$plugins/$plugin"
		done
		[ -x "$plugins/$plugin" ] || die "the package $plugin is installed but its plugin was not found"
	done
fi
rm -rf "$lab/debs" "$lab/trixie" "$lab/apt"

# --- Synapse and the independent Matrix client ---------------------------------------------------------------------------

if [ "$(cat "$lab/venv/requirements.sha" 2>/dev/null)" != "$(sha256sum <"$here/requirements.txt")" ]; then
	say "making the Python virtual environment (about a minute)"
	rm -rf "$lab/venv"
	/usr/bin/python3 -m venv "$lab/venv"
	"$lab/venv/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt" >"$lab/pip.log" 2>&1 \
		|| { cat "$lab/pip.log" >&2; die "could not install Synapse and matrix-nio"; }
	"$lab/venv/bin/python" -m compileall -q "$lab/venv/lib" >/dev/null 2>&1 || true
	sha256sum <"$here/requirements.txt" >"$lab/venv/requirements.sha"
fi

printf '%s\n' "$key" >"$stamp"
say "ready"
