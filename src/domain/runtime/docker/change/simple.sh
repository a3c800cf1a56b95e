# Restart, stop and start of what is there.

# The same of a project. What has ended is not started by a restart: it may have
# done what it was there for.
act_on_project() {
    case $change in
    restart) running=$(docker ps --no-trunc --filter "label=com.docker.compose.project=$whole" --format '{{.ID}} {{.Label "com.docker.compose.service"}}') || return ;;
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

if [ -n "$dir" ] && { [ "$change" = start ] || [ -n "$whole" ]; }; then
    cd "$dir" || exit
elif [ -n "$whole" ]; then
    # Compose knows the project by its containers' labels then, and not by a file
    # that happens to lie where it is called.
    cd / || exit
fi
# What was in trouble is what a restart or a start is for: it excuses nothing.
[ -z "$whole" ] || sick=' '
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
fi
finish
