# Restart, stop and start of what is there.

act() {
    # By its name, another container could be meant: see `see`.
    if [ -z "$id" ] && { [ "$change" != start ] || [ -z "$dir" ]; }; then
        echo "$seen"
        return 1
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

[ -z "$dir" ] || [ "$change" != start ] || cd "$dir" || exit
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
