# Whether what was put in place holds.

# How many tasks run, and how many are wanted, of each service: "web 2/3".
running() {
    for one in $found; do
        docker service ls --filter "id=$one" --format '{{.Name}} {{.Replicas}}'
    done
}

# "1/1", "0/1 (1/1 completed)" of a job, and "2/2 (max 1 per node)".
all_run() {
    running | awk '{ split($2, n, "/"); if ($0 ~ /completed/) { split($3, n, "/"); sub(/\(/, "", n[1]) } if (n[1] + 0 < n[2] + 0) bad = 1 } END { exit bad }'
}

# States of the engine's own updates. One that was there before says nothing about
# this change: $stale has those.
update_states() {
    # shellcheck disable=SC2086 # IDs, one word each
    u_states=$(docker service inspect -f '{{.ID}} {{with .UpdateStatus}}{{.State}} {{.StartedAt}}{{end}}' $found 2>/dev/null) || return
    printf '%s\n' "$u_states" | grep -vxF "${stale:-none}" || :
}

# What there was before anything is touched.
note_troubles() {
    failed_before=$(failures all | tr '\n' ' ')
    stale=
    stale=$(update_states | grep -E 'paused|rollback')
}

# Waits until all tasks that are wanted have run for $verify seconds, and the
# engine has replaced all that it was to replace. Else $trouble says why not.
hold_still() {
    trouble= culprit='' blind=0 still_until='' verified=''
    limit=$(($(clock) + healthy_within * 100))
    while [ -z "$cancelled" ]; do
        now=$(clock)
        states=$(update_states) || states=unseen
        case $states in
        unseen)
            blind=$((blind + 1))
            [ $blind -lt 15 ] || trouble=unseen
            ;;
        *)
            blind=0
            for task in $(failures wanted); do
                case " $failed_before " in
                *" $task "*) ;;
                *) trouble=died culprit=$task ;;
                esac
            done
            case $states in *paused* | *rollback*) trouble=${trouble:-not-running} ;; esac
            if all_run; then
                case $states in
                *updating*) still_until= ;;
                # The engine may not have begun yet.
                *) : "${still_until:=$((now + verify * 100 + 200))}" ;;
                esac
            else
                still_until=
            fi
            ;;
        esac
        [ -z "$trouble" ] || break
        if [ -n "$still_until" ] && [ "$now" -ge "$still_until" ]; then
            see
            verified=$seen
            return 0
        fi
        case $states in
        # As long as the engine goes on replacing, it is the engine's own time.
        *updating*) limit=$(($(clock) + healthy_within * 100)) ;;
        # What runs has only to go on running.
        *) [ -n "$still_until" ] || [ "$now" -lt $limit ] || trouble=not-healthy-in-time ;;
        esac
        sleep 1
    done
    if [ -n "$cancelled" ]; then
        trouble=cancelled
    elif [ -n "$culprit" ]; then
        tell_failure "$culprit"
    else
        # shellcheck disable=SC2086 # IDs, one word each
        docker service ps --no-trunc --format '{{if .Error}}{{.Name}} on {{.Node}}: {{.CurrentState}}: {{.Error}}{{end}}' $found | grep . | head -n 3
    fi
    return 1
}

# How a task failed, and what it printed last.
tell_failure() { # task
    docker service logs --tail 20 "$1" 2>&1
    docker inspect --type task -f '{{.Status.State}}: {{.Status.Err}}' "$1"
    code=$(docker inspect --type task -f '{{with .Status.ContainerStatus}}{{.ExitCode}}{{end}}' "$1")
    case $code in '' | 0) ;; *) say died "$code" false ;; esac
}
