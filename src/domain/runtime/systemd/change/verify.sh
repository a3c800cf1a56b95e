# Whether what was started holds.

# What the unit has printed since the change, and what systemd says of it.
last_words() {
    of=-u
    [ -z "$of_user" ] || of=--user-unit
    # systemd's own word of the end can be there before the unit's: the journal takes each from another pipe.
    said=
    for _ in 1 2 3; do
        said=$(journalctl --no-pager --quiet -n 20 --since "@$switched_at" $of "$id" 2>&1)
        printf '%s\n' "$said" | grep -vq ' systemd\[[0-9]*\]: ' && break
        sleep 1
    done
    printf '%s\n' "$said"
}

# Waits until the unit has been up for $verify seconds. Else $trouble says why not.
hold_still() {
    see
    trouble= blind=0 base=${restarts:-0} still_until=$(($(clock) + verify * 100))
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
            */oneshot/success/*)
                verified=$seen
                return 0
                ;;
            */success/0 | */success/) trouble=not-running ;;
            *) trouble=died ;;
            esac
            ;;
        *) blind=0 ;;
        esac
        [ "${restarts:-0}" -le "$base" ] || trouble=died
        [ -z "$trouble" ] || break
        if [ "$active" = active ] && [ "$(clock)" -ge "$still_until" ]; then
            verified=$seen
            return 0
        fi
        sleep 1
        see
    done
    if [ -n "$cancelled" ]; then
        trouble=cancelled
    else
        last_words
        [ "$trouble" != died ] || tell_death
    fi
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
    see
    [ "$was" = active ] && [ "${left:-0}" -gt "${entered_before:-0}" ] && [ "${entered:-0}" -gt "$left" ] || return 0
    say down $(((entered - left) / 1000))
}
