# Versions that held, and the images they ran: what a roll-back goes back to.
#
# $kept/versions has one line for each, the newest last: when, which, and the
# images as name=ID,name=ID. A tag of our own keeps each image from being pruned,
# a ref of our own each commit.

# Names and IDs of the images that run now, one pair a line.
running_images() {
    # shellcheck disable=SC2046 # IDs, one word each
    docker inspect --type container -f '{{.Config.Image}} {{.Image}}' ${container:+${id:+"$id"}} \
        $([ "$strategy" = command ] || docker compose ps -aq 2>/dev/null) 2>/dev/null | sort -u
}

# The version that runs: the commit it was made from, or the container's image.
# The clone may be ahead of it, after a job that died before its end: so what was
# put in place is noted with its container.
version_now() {
    if [ "$strategy" = compose-git ]; then
        see
        { read -r noted_id noted; } 2>/dev/null <"$kept/current"
        if [ -n "$id" ] && [ "$id" = "$noted_id" ] && git rev-parse -q --verify "$noted^{commit}"; then
            return
        fi
        git rev-parse HEAD
    elif [ -n "$whole" ]; then
        # Of several images, which change one by one.
        see
        # shellcheck disable=SC2086 # IDs, one word each
        [ -z "$ids" ] || docker inspect --type container -f '{{.Image}}' $ids 2>/dev/null | sort -u | sha256sum | cut -d' ' -f1
    else
        docker inspect --type container -f '{{.Image}}' "$id" 2>/dev/null | sed 's/^sha256://'
    fi
}

keep_tag() { # image ID
    image=${1#sha256:}
    echo "opsroom-keep:$service-$(printf %.12s "$image")"
}

# Notes that the container runs what is checked out.
note_current() {
    [ "$strategy" = compose-git ] || return 0
    see
    echo "$id $(git rev-parse HEAD)" >"$kept/current.new" && mv "$kept/current.new" "$kept/current"
}

# Notes the version that runs as one that held; the five newest are kept.
keep_version() {
    version=$(version_now) || return
    found=
    while read -r name image; do
        [ -n "$image" ] || continue
        docker tag "$image" "$(keep_tag "$image")" 2>/dev/null
        found=${found:+$found,}$name=$image
    done <<END
$(running_images)
END
    touch "$kept/versions"
    cp "$kept/versions" "$kept/versions.old"
    if grep -q "^[0-9]* $version " "$kept/versions.old"; then
        # It keeps its place, with the images it has now.
        sed "s|^\([0-9]*\) $version .*|\1 $version $found|" "$kept/versions.old"
    else
        cat "$kept/versions.old"
        echo "$(date +%s) $version $found"
    fi | tail -n 5 | write_versions
    [ "$strategy" != compose-git ] || git update-ref "refs/opsroom/$version" "$version" 2>/dev/null
}

# Tells when the version before this one has lost its images, to a prune that
# does not heed our tags: then going back takes a build, or is not possible.
tell_lost_images() { # version that runs
    [ "$strategy" != command ] || return 0
    earlier=$(sed "/^[0-9]* $1 /,\$d" "$kept/versions" 2>/dev/null | tail -n 1)
    [ -z "$earlier" ] || has_images "${earlier##* }" ||
        say note images-gone "$(printf '%s\n' "$earlier" | cut -d' ' -f2)" "$strategy"
}

# Whether these are all still there.
has_images() { # images as in the list
    [ -n "$1" ] || return 1
    # shellcheck disable=SC2046 # IDs, one word each
    docker image inspect -f . $(printf '%s\n' "$1" | tr , '\n' | sed 's/.*=//') >/dev/null 2>&1
}

# Forgets a version that somebody went back from.
drop_version() { # version
    cp "$kept/versions" "$kept/versions.old" 2>/dev/null || return
    grep -v "^[0-9]* $1 " "$kept/versions.old" | write_versions
}

# Puts the list in place of versions.old, and lets go of images that no line
# names any more.
write_versions() {
    cat >"$kept/versions.new" && mv "$kept/versions.new" "$kept/versions"
    grep -o 'sha256:[0-9a-f]*' "$kept/versions.old" | sort -u | while read -r image; do
        grep -q "$image" "$kept/versions" || docker rmi "$(keep_tag "$image")" >/dev/null 2>&1
    done
    rm -f "$kept/versions.old"
}

# Notes what runs before anything is touched: to restore, and as a version that
# held when it does.
remember() {
    running_images >"$job/images"
    # A container that nobody noted was made from what is checked out, as far as
    # anybody can tell; from here on that is noted.
    { read -r noted_id _; } 2>/dev/null <"$kept/current"
    [ "$id" = "$noted_id" ] || note_current
    version_now >"$job/version" 2>/dev/null
    [ -z "$was_good" ] || keep_version
    tell_lost_images "$(cat "$job/version")"
}

# Gives the files and the image names back what they were when the job began.
restore() {
    if [ -n "$old" ]; then
        # A git of ours that was told to end has left its lock.
        if held=$(git rev-parse --git-path index.lock) && [ -e "$held" ]; then
            sleep 2
            rm -f "$held"
        fi
        critical git reset -q --hard "$old" || return
        # They were clean, or were to be discarded.
        update_submodules -q --force || return
    fi
    while read -r name image; do
        # What was run by its ID has no name to give back.
        case $name in *sha256:* | '') continue ;; esac
        docker tag "$image" "$name" || return
    done <"$job/images"
}
