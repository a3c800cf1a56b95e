# Restart, start or stop of a container.
#
# Given by the header: service container change owner verify healthy_within
# stop_timeout format.

# A request to end is kept until the running command is over.
cancelled=''
trap 'cancelled=yes; say cancelled' TERM

# The lock is held by the job alone, and not by what Podman leaves running.
podman() {
    command podman "$@" 8<&-
}

# What Podman says of the container now, whole and in parts.
see() {
    seen=$(podman inspect --type container -f "$format" "$container" 2>&1 | tail -n 1)
    id= status= started= restarts= health=
    case $seen in
    "$container|"*)
        IFS='|' read -r _name id status started _finished restarts _code _oom health _policy <<END
$seen
END
        ;;
    # The beginning of an ID stands for a name too: that is another container.
    *'|'*) seen="Error: inspecting object: no such container $container" ;;
    esac
}

# Waits until it has run for $verify seconds and is healthy where it can tell.
# Else $trouble says why not.
hold_still() {
    see
    trouble= blind=0 base=0
    # A restart count goes on where the container was left alone.
    [ "$id $started" != "$old_id $old_started" ] || base=${old_restarts:-0}
    still_until=$(($(clock) + verify * 100))
    healthy_until=$(($(date +%s) + healthy_within))
    while [ -z "$cancelled" ]; do
        case $status in
        '')
            case $seen in
            *'no such container'*) trouble=gone ;;
            esac
            blind=$((blind + 1))
            [ $blind -lt 15 ] || trouble=unseen
            ;;
        running)
            blind=0
            [ "${restarts:-0}" -le "$base" ] || trouble=died
            ;;
        exited | stopped | stopping) trouble=died ;;
        *) trouble=not-running ;;
        esac
        [ "$health" != unhealthy ] || trouble=${trouble:-unhealthy}
        now=$(date +%s)
        if [ -z "$trouble" ] && [ "$status" = running ] && [ "$(clock)" -ge $still_until ]; then
            if [ "$health" != starting ]; then
                verified=$seen
                return 0
            fi
            [ "$now" -lt $healthy_until ] || trouble=not-healthy-in-time
        fi
        [ -z "$trouble" ] || break
        sleep 1
        see
    done
    if [ -n "$cancelled" ]; then
        trouble=cancelled
    else
        podman logs --tail 20 "$container" 2>&1
        # By now it may run again.
        [ "$trouble" != died ] || case $seen in
        *'|exited|'* | *'|stopped|'*)
            say died "$(printf %s "$seen" | cut -d'|' -f7)" "$(printf %s "$seen" | cut -d'|' -f8)"
            ;;
        esac
    fi
    return 1
}

act() {
    if [ -z "$id" ]; then
        echo "$seen"
        return 1
    fi
    case $change in
    start) podman start "$container" ;;
    *) podman "$change" ${stop_timeout:+-t "$stop_timeout"} "$container" ;;
    esac
}

# Each login has containers of its own; no container is called like that.
slot=podman:$container
lock=$state/locks/$slot
mkdir -p "$state/locks" || refuse no-state "$state"
take_lock "$lock"
take_shared_lock 8 "$(shared_place "$(id -u)-$slot")"
command -v podman >/dev/null || refuse engine "there is no podman"
see
say before "$seen"
old_id=$id old_started=$started old_restarts=$restarts
phase switch
act || {
    code=$?
    finish
    exit $code
}
if [ "$change" != stop ]; then
    phase verify
    hold_still || {
        say trouble "$trouble"
        finish
        exit 1
    }
    finish_verified
else
    finish
fi
