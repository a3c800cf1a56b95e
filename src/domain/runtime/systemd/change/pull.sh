# Versions of a unit that runs containers of Podman (podman-systemd.unit(5)):
# their images.
#
# $kept/versions has one line for each that held, the newest last: when, which,
# and the images as name=ID,name=ID. A tag of our own keeps each from being pruned.

podman() {
    command podman "$@" 8<&- 9<&-
}

# Names and IDs of the images that the unit runs now, one pair a line.
running_images() {
    # shellcheck disable=SC2046 # IDs, one word each
    set -- $(podman ps -q --no-trunc --filter "label=PODMAN_SYSTEMD_UNIT=${id:-$unit}" 2>/dev/null)
    [ $# = 0 ] || podman inspect --type container -f '{{.ImageName}} {{.Image}}' "$@" | sort -u
}

# Which version some images are: the one they are; of several, which change one by
# one, a sum.
version_of() { # pairs on standard input
    ids=$(cut -d' ' -f2 | sort -u)
    case $ids in
    *' '* | *'
'*) printf '%s\n' "$ids" | sha256sum | cut -d' ' -f1 ;;
    *) printf '%s\n' "$ids" ;;
    esac
}

version_now() {
    running_images | version_of
}

note_current() { :; }

keep_tag() { # image ID
    echo "localhost/opsroom-keep:$service-$(printf %.12s "$1")"
}

# Notes the version that runs as one that held; the five newest are kept.
keep_version() { # version
    found=
    while read -r name image; do
        [ -n "$image" ] || continue
        podman tag "$image" "$(keep_tag "$image")"
        found=${found:+$found,}$name=$image
    done <<END
$(running_images)
END
    touch "$kept/versions"
    grep -q "^[0-9]* $1 " "$kept/versions" || echo "$(date +%s) $1 $found" | cat "$kept/versions" - | tail -n 5 | write_versions
}

# Puts the list in place, and lets go of images that no line names any more.
write_versions() {
    cat >"$kept/versions.new" && cp "$kept/versions" "$kept/versions.old" && mv "$kept/versions.new" "$kept/versions"
    sed 's/.* //' "$kept/versions.old" | tr , '\n' | sed 's/.*=//' | sort -u | while read -r image; do
        [ -z "$image" ] || grep -q "=$image" "$kept/versions" || podman untag "$image" "$(keep_tag "$image")" 2>/dev/null
    done
    rm -f "$kept/versions.old"
}

# Gives images names back.
name_images() { # pairs on standard input
    while read -r name image; do
        # What is run by its ID or its digest has no name to give.
        case $name in '' | *@sha256:* | "$image") continue ;; esac
        podman tag "$image" "$name" || return
    done
}

prepare() { :; }

restore() {
    name_images <"$job/images"
}

check_containers() {
    command -v podman >/dev/null || refuse no-container "$(id -un)"
    [ -n "$(running_images)" ] || refuse no-container "$(id -un)"
    check_space "$(podman info -f '{{.Store.GraphRoot}}' 2>/dev/null)"
}
