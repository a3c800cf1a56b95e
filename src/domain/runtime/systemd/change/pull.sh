# Versions of a unit that Podman makes from a `.container` file
# (podman-systemd.unit(5)): the images that the name in that file has stood for.
#
# $kept/images has one line for each that held, the newest last: when, and its ID.
# A tag of our own keeps it from a prune of what has no name.

podman() {
    command podman "$@" 8<&- 9<&-
}

id_of() { # image
    podman image inspect -f '{{.Id}}' "$1" 2>/dev/null
}

# The image that the unit runs; where it runs none, the one it would be started from.
version_now() {
    container=$(podman ps -q --no-trunc --filter "label=PODMAN_SYSTEMD_UNIT=${id:-$unit}" 2>/dev/null | head -n 1)
    if [ -n "$container" ]; then
        podman inspect --type container -f '{{.Image}}' "$container"
    else
        id_of "$name"
    fi
}

# Whether the unit runs what it should: its file may name another image, or have
# each start pull one.
is_in_place() { # version
    [ "$(version_now)" = "$1" ]
}

note_current() { :; }

keep_tag() { # image ID
    echo "localhost/opsroom-keep:$service-$(printf %.12s "$1")"
}

# Notes a version as one that held; the five newest are kept.
keep_version() { # version
    podman tag "$1" "$(keep_tag "$1")" || return 0
    touch "$kept/images"
    grep -q "^[0-9]* $1\$" "$kept/images" && return
    { cat "$kept/images"; echo "$(date +%s) $1"; } | tail -n 5 | write_images
}

# Puts the list in place, and lets go of images that no line names any more.
write_images() {
    cat >"$kept/images.new" && cp "$kept/images" "$kept/images.old" && mv "$kept/images.new" "$kept/images" || return 0
    while read -r _ image; do
        grep -q " $image\$" "$kept/images" || podman rmi "$(keep_tag "$image")" >/dev/null 2>&1
    done <"$kept/images.old"
    rm -f "$kept/images.old"
}

prepare() { :; }

# Gives the name back what it stood for when the job began; what the unit ran, once
# that was touched: others may have the name in their files, too.
restore() {
    back=$meant
    [ -z "$touched" ] || back=$old
    [ -z "$back" ] || critical podman tag "$back" "$name"
}

# What the unit is made from, and whether a registry can bring it anything new.
check_quadlet() {
    source=$(systemctl show -p SourcePath --value -- "$unit")
    case $source in *.container) ;; *) refuse no-quadlet ;; esac
    name=$(sed -n 's/^[[:space:]]*Image[[:space:]]*=[[:space:]]*//p' "$source" | tail -n 1 | sed 's/[[:space:]]*$//')
    # Without its registry, a name that is given back would be another one.
    case $name in
    *[!a-zA-Z0-9._/:-]* | localhost/* | *.image | *.build) refuse no-registry "$name" ;;
    *.*/* | *:*/*) ;;
    *) refuse no-registry "$name" ;;
    esac
    ! grep -qE '^[[:space:]]*Pull[[:space:]]*=[[:space:]]*(always|newer)' "$source" || refuse pulls-itself
}

# What there is before anything is touched: $old and $meant.
look() {
    [ -n "$(unset -f podman; command -v podman)" ] || refuse no-container "$(id -un)"
    old=$(version_now)
    meant=$(id_of "$name")
    go_on
    [ -n "$old" ] || refuse no-container "$(id -un)"
    check_space "$(podman info -f '{{.Store.GraphRoot}}' 2>/dev/null)"
}

# Units that share an image wait for each other.
lock_image() {
    dir_lock=$state/locks/@image-$(printf %s "$name" | cksum | cut -d' ' -f1)
    take_lock "$dir_lock"
}

meant=''
