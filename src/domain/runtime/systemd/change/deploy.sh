# Update and roll-back of a unit: everything is made ready first, then the new
# version is put in place and the unit started anew, and what does not hold is
# put back.
#
# What the strategy brings along: version_now, is_in_place, note_current,
# keep_version, prepare and restore.

# Puts in place what was prepared, and starts the unit anew.
put_in_place() {
    [ -z "$install" ] || critical sh -c "$install" || return
    if [ "$(systemctl show -p NeedDaemonReload --value -- "$unit")" = yes ]; then
        manage daemon-reload || return
    fi
    manage restart "$unit"
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

# Whether what holds is what was put in place.
stands() { # version
    is_in_place "$1" || { trouble=other-version; false; }
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
        if put_back && hold_still && stands "$old"; then
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
    hold_still && stands "$new" || { say trouble "$trouble"; go_back 1; }
    measure
    [ -z "$new" ] || { note_current "$new"; keep_version "$new"; }
    finish_verified
}

# Notes what runs, as a version that held when it does.
remember() {
    old=$(version_now)
    [ -z "$was_good" ] || [ -z "$old" ] || keep_version "$old"
}

new=''
