# Restart, stop and start of what is there.

# The services of a project of which a container does not run, and is not to be
# started by a restart.
resting() {
    neighbours | while IFS='|' read -r n_id n_name n_service n_oneoff n_status _; do
        case $n_status in running | restarting) ;; *) printf ' %s ' "$n_service" ;; esac
    done
}

# The same of a project. What has ended is not started by a restart: it may have
# done what it was there for.
act_on_project() {
    case $change/$member in
    restart/)
        running=$(docker ps --no-trunc --filter "label=com.docker.compose.project=$whole" --filter label=com.docker.compose.oneoff=False \
            --format '{{.ID}} {{.Label "com.docker.compose.service"}}') || return
        [ -n "$running" ] || { echo "Nothing of $whole runs."; return 1; }
        ;;
    esac
    # shellcheck disable=SC2086,SC2046 # IDs and names, one word each
    case $change/$member in
    restart/) docker compose restart ${stop_timeout:+-t "$stop_timeout"} $(printf '%s\n' "$running" | cut -d' ' -f2 | sort -u) ;;
    stop/) docker compose stop ${stop_timeout:+-t "$stop_timeout"} ;;
    start/) if [ -n "$dir" ]; then critical docker compose up -d ${stop_timeout:+-t "$stop_timeout"}; else docker compose start; fi ;;
    restart/*) docker restart ${stop_timeout:+-t "$stop_timeout"} $ids ;;
    stop/*) docker stop ${stop_timeout:+-t "$stop_timeout"} $ids ;;
    start/*) docker start $ids ;;
    esac
}

act() {
    # By its name, another container could be meant: see `see`.
    if [ -z "$id" ] && { [ "$change" != start ] || [ -z "$dir" ] || [ -n "$member" ]; }; then
        echo "$seen"
        return 1
    fi
    if [ -n "$whole" ]; then
        act_on_project
        return
    fi
    case $change in
    restart) docker restart ${stop_timeout:+-t "$stop_timeout"} "$container" ;;
    stop) docker stop ${stop_timeout:+-t "$stop_timeout"} "$container" ;;
    start)
        if [ -n "$dir" ]; then
            critical docker compose up -d ${stop_timeout:+-t "$stop_timeout"}
        else
            docker start "$container"
        fi
        ;;
    esac
}

if [ -n "$dir" ] && [ "$change" = start ]; then
    cd "$dir" || exit
elif [ -n "$whole" ]; then
    # Compose knows the project by its containers' labels then: also what the file
    # does not have any more, or only with a profile.
    cd / || exit
fi
# What was in trouble is what a restart or a start is for: it excuses nothing. But
# what a restart leaves alone, it does not have to bring up.
[ -z "$whole" ] || sick=' '
[ "$change/$member" != restart/ ] || [ -z "$whole" ] || sick=$(resting)
switched_at=$(date +%s)
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
        measure
        finish
        exit 1
    }
    measure
    finish_verified
else
    finish
fi
