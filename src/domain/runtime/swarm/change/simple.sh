# Restart, start, stop or scale. To stop is to want no tasks; how many there were is
# noted at the service itself, where any manager finds it.

note=opsroom.replicas

replicas_of() { # service
    docker service inspect -f '{{with .Spec.Mode.Replicated}}{{.Replicas}}{{end}}' "$1"
}

act_on() { # service
    count=$(replicas_of "$1")
    noted=$(docker service inspect -f "{{index .Spec.Labels \"$note\"}}" "$1")
    case $change in
    restart)
        # What was stopped stays so.
        [ "$count" = 0 ] || docker service update -q -d --force "$1" >/dev/null
        ;;
    stop)
        [ "$count" = 0 ] || docker service update -q -d --label-add "$note=$count" --replicas 0 "$1" >/dev/null
        ;;
    start)
        if [ "$count" = 0 ]; then
            case $noted in '' | *[!0-9]*) noted=1 ;; esac
            docker service update -q -d --label-rm "$note" --replicas "$noted" "$1" >/dev/null
        fi
        ;;
    scale)
        docker service update -q -d --label-rm "$note" --replicas "$replicas" "$1" >/dev/null
        ;;
    esac
}

# Nothing is touched where one of several cannot be.
unfit() { # why
    echo "$1"
    finish
    exit 1
}
if [ "$change" = scale ] && [ "$(printf '%s\n' "$found" | grep -c .)" -gt 1 ]; then
    unfit "$workload is a stack of several services: name the one to scale, as $service/$(names_of "$found" | head -n 1 | sed "s/^${workload}_//")"
fi
for one in $found; do
    case $change:$(replicas_of "$one") in
    stop:)
        unfit "$(names_of "$one") runs on every node and has no number of replicas to take away: docker service rm, or drain the nodes"
        ;;
    scale:)
        unfit "$(names_of "$one") runs on every node, or once as a job, and has no number of replicas"
        ;;
    esac
done
note_troubles
phase switch
for one in $found; do
    act_on "$one" || {
        code=$?
        finish
        exit $code
    }
done
# Those that are too many the engine lets end by themselves.
case $change in
stop | scale)
    until [ -n "$cancelled" ] || running | awk '{ split($2, n, "/"); if (n[1] + 0 > n[2] + 0) bad = 1 } END { exit bad }'; do
        sleep 1
    done
    ;;
esac
if [ "$change" = stop ]; then
    finish
else
    phase verify
    hold_still || {
        say trouble "$trouble"
        finish
        exit 1
    }
    finish_verified
fi
