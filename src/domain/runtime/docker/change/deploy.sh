# Update and roll-back: everything is made ready first, then what runs is
# replaced, and what does not hold is put back.

compose_up() {
    critical docker compose up -d --no-build ${stop_timeout:+-t "$stop_timeout"}
}

# Ends before anything that runs was touched: the files are as they were.
give_up() { # exit status
    # Asked to end or not: this is how it ends.
    trap '' TERM
    [ "$strategy" = command ] || restore
    finish
    [ -z "$cancelled" ] || exit 143
    exit "$1"
}

# Ends here when somebody asked for it.
go_on() {
    [ -z "$cancelled" ] || give_up 143
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
            note_current
            say back held "$(printf %.12s "$(cat "$job/version")")"
        else
            say back failed "${trouble:-the commands failed}"
        fi
    fi
    measure
    finish
    exit "$failed_as"
}

put_back() {
    trouble=
    if [ "$strategy" = command ]; then
        (trap - TERM; critical sh -c "$undo")
    else
        restore && compose_up && remove_newcomers
    fi
}

# Puts the new version in place and looks whether it holds.
switch() {
    go_on
    note_neighbours
    switched_at=$(date +%s)
    phase switch
    "$@" 8<&- 9<&- || go_back $?
    [ -z "$cancelled" ] || { say trouble cancelled; go_back 143; }
    phase verify
    hold_still || { say trouble "$trouble"; go_back 1; }
    [ -z "$still" ] || say note still-sick "$still"
    measure
    note_current
    keep_version
    finish_verified
}
