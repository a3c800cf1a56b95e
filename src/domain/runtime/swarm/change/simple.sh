# Restart, start or stop. To stop is to want no tasks; how many there were is
# noted at the service itself, where any manager finds it.

note=opsroom.replicas

replicas() { # service
    docker service inspect -f '{{with .Spec.Mode.Replicated}}{{.Replicas}}{{end}}' "$1"
}

act_on() { # service
    count=$(replicas "$1")
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
    esac
}

# Nothing is touched where one of several cannot be.
if [ "$change" = stop ]; then
    for one in $found; do
        [ -n "$(replicas "$one")" ] || {
            echo "$(names_of "$one") runs on every node and has no number of replicas to take away: docker service rm, or drain the nodes"
            finish
            exit 1
        }
    done
fi
note_troubles
phase switch
for one in $found; do
    act_on "$one" || {
        code=$?
        finish
        exit $code
    }
done
if [ "$change" = stop ]; then
    # The engine lets them end by themselves first.
    until [ -n "$cancelled" ] || running | awk '{ split($2, n, "/"); if (n[1] + 0 > 0) bad = 1 } END { exit bad }'; do
        sleep 1
    done
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
