# Versions of a unit that is built from a clone: commits.
#
# $kept/versions has one line for each version that held, the newest last: when,
# and which. A ref of our own keeps its commit.

# The version that runs: what is checked out; or what was last put in place, where
# a job of ours died after it had checked out another.
version_now() {
    head=$(git rev-parse HEAD)
    { read -r noted; } 2>/dev/null <"$kept/current"
    { read -r checked_out; } 2>/dev/null <"$kept/checked-out"
    if [ "$head" = "$checked_out" ] && [ -n "$noted" ]; then
        git rev-parse -q --verify "$noted^{commit}" && return
    fi
    echo "$head"
}

# Checks a version out, and notes first that it is not what runs.
check_out() { # version
    echo "$1" >"$kept/checked-out" && git reset --hard "$1"
}

is_in_place() { :; }

note_current() { # version
    echo "$1" >"$kept/current.new" && mv "$kept/current.new" "$kept/current"
}

# Notes a version as one that held; the five newest are kept.
keep_version() { # version
    touch "$kept/versions"
    if ! grep -q "^[0-9]* $1$" "$kept/versions"; then
        { cat "$kept/versions"; echo "$(date +%s) $1"; } | tail -n 5 >"$kept/versions.new" && mv "$kept/versions.new" "$kept/versions"
    fi
    git update-ref "refs/opsroom/$1" "$1" 2>/dev/null
    return 0
}

# Commands of the operator's own: their files are in the clone, or beside it.
prepare() {
    [ -z "$build" ] || sh -c "$build" 8<&- 9<&-
}

# Gives the files back what they were when the job began.
restore() {
    [ -n "$old" ] || return 0
    if held=$(git rev-parse --git-path index.lock) && [ -e "$held" ]; then
        sleep 2
        rm -f "$held"
    fi
    critical git reset -q --hard "$old" || return
    update_submodules -q --force
}

