# Update and roll-back of a unit: everything is made ready first, then the new
# version is put in place and the unit started anew, and what does not hold is
# put back.
#
# $kept/versions has one line for each version that held, the newest last: when,
# and which. A ref of our own keeps its commit.

# The version that runs: what is checked out; or what was last put in place, where
# a job of ours died after it had checked out another.
version_now() {
    [ "$strategy" = git ] || return 0
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

note_current() { # version
    [ "$strategy" != git ] || { echo "$1" >"$kept/current.new" && mv "$kept/current.new" "$kept/current"; }
}

# Notes a version as one that held; the five newest are kept.
keep_version() { # version
    [ "$strategy" = git ] || return 0
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

# Puts in place what was prepared, and starts the unit anew.
put_in_place() {
    [ -z "$install" ] || critical sh -c "$install" || return
    if [ "$(systemctl show -p NeedDaemonReload --value -- "$unit")" = yes ]; then
        manage daemon-reload || return
    fi
    manage restart "$unit"
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

# Ends before anything that runs was touched: the files are as they were.
give_up() { # exit status
    trap '' TERM
    restore
    finish
    [ -z "$cancelled" ] || exit 143
    exit "$1"
}

# Ends here when somebody asked for it.
go_on() {
    [ -z "$cancelled" ] || give_up 143
}

put_back() {
    trouble=
    if [ "$strategy" = command ]; then
        (trap - TERM; critical sh -c "$undo")
    else
        restore && prepare && put_in_place
    fi
}

# What runs no longer is what ran: puts that back, or says why not.
go_back() { # exit status
    failed_as=$1
    [ -z "$cancelled" ] || failed_as=143
    if [ "$rollback" != yes ]; then
        say back off
    elif [ -z "$was_good" ]; then
        say back nothing
    elif [ "$strategy" = command ] && [ -z "$undo" ]; then
        say back no-command
    else
        phase rollback
        trap '' TERM
        cancelled=
        if put_back && hold_still; then
            [ -z "$old" ] || note_current "$old"
            say back held "$(printf %.12s "$old")"
        else
            say back failed "${trouble:-the commands failed}"
        fi
    fi
    measure
    finish
    exit "$failed_as"
}

# Puts the new version in place and looks whether it holds.
switch() {
    go_on
    switched_at=$(date +%s)
    touched=yes
    phase switch
    "$@" 8<&- 9<&- || go_back $?
    [ -z "$cancelled" ] || { say trouble cancelled; go_back 143; }
    phase verify
    hold_still || { say trouble "$trouble"; go_back 1; }
    measure
    [ -z "$new" ] || { note_current "$new"; keep_version "$new"; }
    finish
}

# Notes what runs, as a version that held when it does.
remember() {
    old=$(version_now)
    [ -z "$was_good" ] || [ -z "$old" ] || keep_version "$old"
}

new=''
