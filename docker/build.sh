#!/bin/sh
# Builds the container image from a binary of this machine. No image is fetched: it is built from nothing.
set -eu

usage() {
	cat <<'EOF'
Usage: docker/build.sh [--bin FILE] [--tag NAME] [-- DOCKER-BUILD-ARGUMENT...]

Builds the opsroom image. Without --bin, `cargo build --profile dist` makes the binary first (several minutes).

  --bin FILE    a binary made elsewhere, for this kind of machine and with a glibc no newer than this machine's
  --tag NAME    the image's name (default: opsroom:latest, which compose.yaml runs)
  -h, --help    this text

Environment:
  DOCKER         the program to build with (default: docker)
  CERTIFICATES   the certificate authorities that go into the image
                 (default: /etc/ssl/certs/ca-certificates.crt)

Exit codes: 0 built, 1 failed, 2 wrong usage
EOF
}

die() { printf 'build: %s\n' "$*" >&2; exit 1; }
wrong() { printf 'build: %s\n\n' "$*" >&2; usage >&2; exit 2; }

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
project=$(dirname "$here")
docker=${DOCKER:-docker}
binary=
tag=opsroom:latest

while [ $# -gt 0 ]; do
	case $1 in
	--bin) [ $# -ge 2 ] || wrong "--bin needs a file"; binary=$2; shift 2 ;;
	--tag) [ $# -ge 2 ] || wrong "--tag needs a name"; tag=$2; shift 2 ;;
	-h | --help) usage; exit 0 ;;
	--) shift; break ;;
	*) wrong "unknown argument: $1" ;;
	esac
done

command -v "$docker" >/dev/null 2>&1 || die "$docker is not installed"
"$docker" version --format '{{.Server.Version}}' >/dev/null 2>&1 ||
	die "no engine answers \`$docker version\`: is it running, and may you use it (group docker, or root)?"

if [ -z "$binary" ]; then
	command -v cargo >/dev/null 2>&1 || die "cargo is not installed: install Rust, or name a binary with --bin"
	(cd "$project" && cargo build --locked --profile dist --package opsroom)
	binary=${CARGO_TARGET_DIR:-$project/target}/dist/opsroom
fi
[ -f "$binary" ] || die "$binary: no such file"
# Also shows that it runs here: what does not, will not run in the image.
version=$("$binary" --version) || die "$binary does not run on this machine"
case $version in
'opsroom '*) version=${version#opsroom } ;;
*) die "$binary is not opsroom: it calls itself $version" ;;
esac
revision=$(git -C "$project" describe --always --dirty --abbrev=40 2>/dev/null) || revision=unknown

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
trap 'exit 1' INT TERM
"$here/rootfs.sh" "$binary" "$context/image"

DOCKER_BUILDKIT=1 "$docker" build --file "$here/Dockerfile" --build-arg ROOTFS=given \
	--build-arg "VERSION=$version" --build-arg "REVISION=$revision" --tag "$tag" "$@" "$context"
# The libraries and the loader are the right ones when it starts in there.
"$docker" run --rm --network none --read-only "$tag" --version >/dev/null ||
	die "the image $tag was built, but opsroom does not start in it"
printf 'built %s: opsroom %s, %s\n' "$tag" "$version" \
	"$("$docker" image inspect --format '{{.Size}}' "$tag" | awk '{ printf "%.1f MB", $1 / 1000000 }')"
