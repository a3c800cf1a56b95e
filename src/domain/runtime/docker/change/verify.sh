# Whether what was put in place holds.

# Waits until the container has held still for $verify seconds, its neighbours
# too, and is healthy where it can tell. Else $trouble says why not.
hold_still() {
    trouble= culprit= waiting= still=
    see
    # Only what deploys has noted how the neighbours were.
    [ -z "${known-}" ] || project_of_service
    # The engine counts restarts anew for a new container and for a start by
    # hand; one that was left alone goes on counting.
    base=0
    [ "$id $started" != "$old_id $old_started" ] || base=${old_restarts:-0}
    same=$id
    still_until=$(($(clock) + verify * 100))
    healthy_until=$(($(date +%s) + healthy_within))
    blind=0
    while [ -z "$cancelled" ]; do
        case $status in
        '')
            case $seen in
            *'o such object'* | *'o such container'*) trouble=gone ;;
            esac
            blind=$((blind + 1))
            [ $blind -lt 15 ] || trouble=unseen
            ;;
        running)
            blind=0
            [ "$id" = "${same:=$id}" ] || trouble=replaced
            [ "$restarts" -le "$base" ] || trouble=died
            ;;
        restarting | exited | dead) trouble=died ;;
        *) trouble=not-running ;;
        esac
        # The engine calls what has died unhealthy too; that it died says more.
        [ "$health" != unhealthy ] || trouble=${trouble:-unhealthy}
        [ -z "${known-}" ] || [ -n "$trouble" ] || check_neighbours
        now=$(date +%s)
        if [ -z "$trouble" ] && [ "$status" = running ] && [ "$(clock)" -ge $still_until ]; then
            case $health/$waiting in
            starting/*) [ "$now" -lt $healthy_until ] || trouble=not-healthy-in-time ;;
            */)
                verified=$seen
                return 0
                ;;
            */not-running*) trouble="$relation $waiting" ;;
            *) [ "$now" -lt $healthy_until ] || trouble="$relation $waiting" ;;
            esac
        fi
        [ -z "$trouble" ] || break
        sleep 1
        see
    done
    if [ -n "$cancelled" ]; then
        trouble=cancelled
    else
        # No log is all of a project's.
        [ -n "$whole" ] || : "${culprit:=$id}"
        [ -z "$culprit" ] || docker logs --tail 20 "$culprit" 2>&1
        case $trouble in died | "$relation died "*) tell_death ;; esac
    fi
    return 1
}

# How it died last: its status, and whether the kernel killed it for memory. By
# now it may run again, so what it is says less than what happened to it.
tell_death() {
    code= oom=false
    # The death may be of this very second: the list ends with the next one.
    events=$(docker events --since "$switched_at" --until "$(($(date +%s) + 1))" --filter "container=$culprit" --filter event=die \
        --filter event=oom --format '{{.Action}} {{.Actor.Attributes.exitCode}}' 2>/dev/null)
    while read -r what status_code; do
        case $what in
        die) code=$status_code ;;
        oom) oom=true ;;
        esac
    done <<END
$events
END
    [ -z "$code" ] || say died "$code" $oom
}

# How long nothing ran under this name: from the death of what was there to
# the start of what is there, and to its first sign of health if it gives any.
measure() {
    # Of a project, some may have run on all the time.
    [ -n "$old_id" ] && [ -n "$switched_at" ] && [ -z "$whole" ] || return
    see
    [ -n "$id" ] || return
    set -- --filter "container=$old_id"
    [ "$id" = "$old_id" ] || set -- "$@" --filter "container=$id"
    died= up=
    events=$(docker events --since "$switched_at" --until "$(date +%s)" --filter type=container "$@" \
        --filter event=die --filter event=start --filter event=health_status --format '{{.TimeNano}} {{.ID}} {{.Action}}' 2>/dev/null)
    while read -r nano of what; do
        case $what in
        die) : "${died:=$nano}" ;;
        start) [ "$of" != "$id" ] || up=$nano ;;
        'health_status: healthy') [ "$of" != "$id" ] || [ -z "$died" ] || up=$nano ;;
        esac
    done <<END
$events
END
    [ -z "$died" ] || [ -z "$up" ] || [ "$up" -lt "$died" ] || say down $(((up - died) / 1000000))
}
