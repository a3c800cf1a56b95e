# Restart, start or stop of a unit.
#
# Given by the header: service unit change owner verify properties, and clock.

export LC_ALL=C

# A request to end is kept until the running command is over.
cancelled=''
trap 'cancelled=yes; say cancelled' TERM

# What systemd says of the unit now, on one line.
see() {
    seen=$(systemctl show --no-pager -p "$properties" -- "$unit" 2>&1 | tr '\n' '|')$(clock)
    load= active= sub= restarts=
    old_ifs=$IFS
    IFS='|'
    for field in $seen; do
        case $field in
        LoadState=*) load=${field#*=} ;;
        ActiveState=*) active=${field#*=} ;;
        SubState=*) sub=${field#*=} ;;
        NRestarts=*) restarts=${field#*=} ;;
        esac
    done
    IFS=$old_ifs
}

finish() {
    see
    say after "$seen"
    say "done" "$(date +%s)"
}

see
say before "$seen"
case $load in
loaded) ;;
not-found)
    echo "There is no unit $unit."
    finish
    exit 4
    ;;
*)
    # Masked, broken, or no answer at all: systemctl says it better than we could.
    ;;
esac

phase switch
systemctl --no-ask-password "$change" -- "$unit" || {
    code=$?
    finish
    exit $code
}
if [ "$change" != stop ]; then
    phase verify
    see
    base=${restarts:-0}
    until_at=$(($(date +%s) + verify))
    trouble=
    while [ -z "$cancelled" ] && [ -z "$trouble" ]; do
        see
        case $active/$sub in
        failed/* | inactive/* | activating/auto-restart) trouble=died ;;
        active/*) [ "$(date +%s)" -lt "$until_at" ] || break ;;
        esac
        [ "${restarts:-0}" -le "$base" ] || trouble=died
        [ -n "$trouble" ] || sleep 1
    done
    if [ -n "$trouble" ]; then
        journalctl --no-pager --quiet -n 20 -u "$unit" 2>&1
        say trouble "$trouble"
        finish
        exit 1
    fi
fi
finish
[ -z "$cancelled" ] || exit 143
