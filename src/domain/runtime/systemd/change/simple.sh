# Restart, start or stop of a unit.
#
# Given by the header: service unit change owner verify properties.

export LC_ALL=C TZ=UTC0

# A request to end is kept until the running command is over.
cancelled=''
trap 'cancelled=yes; say cancelled' TERM

# The lock that all logins see is held by the job alone.
systemctl() {
    command systemctl --no-pager --no-ask-password "$@" 8<&-
}

# What systemd says of the unit now, on one line and in parts.
see() {
    shown=$(systemctl show -p "$properties" -- "$unit" 2>&1)
    seen=$(printf %s "$shown" | tr '\n' '|')
    id= load= active= sub= type= result= condition= checked= how= status= restarts= left= entered=
    while IFS='=' read -r key value; do
        case $key in
        Id) id=$value ;;
        LoadState) load=$value ;;
        ActiveState) active=$value ;;
        SubState) sub=$value ;;
        Type) type=$value ;;
        Result) result=$value ;;
        ConditionResult) condition=$value ;;
        ConditionTimestampMonotonic) checked=$value ;;
        ExecMainCode) how=$value ;;
        ExecMainStatus) status=$value ;;
        NRestarts) restarts=$value ;;
        ActiveExitTimestampMonotonic) left=$value ;;
        ActiveEnterTimestampMonotonic) entered=$value ;;
        esac
    done <<END
$shown
END
}

finish() {
    see
    say after "$seen"
    say "done" "$(date +%s)"
}

# What the unit has printed since the change, and what systemd says of it.
last_words() {
    journalctl --no-pager --quiet -n 20 --since "@$switched_at" -u "$id" 2>&1
}

# Waits until the unit has been up for $verify seconds. Else $trouble says why not.
hold_still() {
    see
    trouble= blind=0 base=${restarts:-0} still_until=$(($(date +%s) + verify))
    while [ -z "$cancelled" ]; do
        case $active/$sub in
        /*)
            blind=$((blind + 1))
            [ $blind -lt 15 ] || trouble=unseen
            ;;
        */*auto-restart* | failed/*) trouble=died ;;
        inactive/*)
            # A unit that nothing holds is forgotten with its end: of such a one only
            # its file is known, and that it does not run.
            unmet=
            [ "$condition" != no ] || [ "${checked:-0}" = 0 ] || unmet=yes
            case $load/$unmet/$type/$result/$how in
            not-found/*) trouble=gone ;;
            */yes/*) trouble=not-running ;;
            # It has done what it is for.
            */oneshot/success/*) return 0 ;;
            */success/0 | */success/) trouble=not-running ;;
            *) trouble=died ;;
            esac
            ;;
        *) blind=0 ;;
        esac
        [ "${restarts:-0}" -le "$base" ] || trouble=died
        [ -z "$trouble" ] || break
        [ "$active" != active ] || [ "$(date +%s)" -lt "$still_until" ] || return 0
        sleep 1
        see
    done
    [ -z "$cancelled" ] || trouble=cancelled
    return 1
}

# How its main process ended, if that is known.
tell_death() {
    oom=false
    [ "$result" != oom-kill ] || oom=true
    case $how in
    1) say died "$status" $oom ;;
    2 | 3) say died $((128 + status)) $oom ;;
    esac
}

# How long it was not up, from the clock that nobody sets.
measure() {
    [ "$was" = active ] && [ "${left:-0}" -gt "${entered_before:-0}" ] && [ "${entered:-0}" -gt "$left" ] || return 0
    say down $(((entered - left) / 1000))
}

# By the name that the unit has itself: it may be known by others. No container
# is called like that.
see
lock=$state/locks/unit:${id:-$unit}
mkdir -p "$state/locks" || refuse no-state "$state"
take_lock "$lock"
take_shared_lock 8 "$(shared_place "unit:${id:-$unit}")"
see
say before "$seen"
was=$active entered_before=$entered
if [ "$load" = not-found ]; then
    echo "There is no unit $unit."
    finish
    exit 5
fi
switched_at=$(date +%s)
phase switch
systemctl "$change" -- "$unit" || {
    code=$?
    last_words
    finish
    exit $code
}
if [ "$change" != stop ]; then
    phase verify
    hold_still || {
        if [ "$trouble" != cancelled ]; then
            last_words
            [ "$trouble" != died ] || tell_death
        fi
        say trouble "$trouble"
        finish
        exit 1
    }
    measure
fi
finish
