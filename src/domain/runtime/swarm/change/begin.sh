# What every change of a service or a stack begins with.

cancelled=''
trap 'cancelled=yes; say cancelled' TERM

# The lock is held by the job alone.
docker() {
    command docker "$@" 8<&-
}

# How it is now: $seen is what `look` prints, in one line; $found its services.
see() {
    # What it complains of beside that would hide it.
    seen=$( (
        docker() { command docker "$@" 2>/dev/null; }
        look
    ) | tr '\n' ' ')
    found=$(find_services | sort -u)
}

names_of() { # IDs
    # shellcheck disable=SC2086 # IDs, one word each
    docker service inspect -f '{{.Spec.Name}}' $1
}

# IDs of the tasks of all its services that failed, now or before: "all" of them, or
# those of the images that are to run.
failures() { # which
    images=$(images_now)
    # shellcheck disable=SC2086 # IDs, one word each
    ids=$(docker service ps -q --no-trunc $found 2>/dev/null)
    # shellcheck disable=SC2086 # IDs, one word each
    [ -z "$ids" ] || docker inspect --type task -f '{{.Status.State}} {{.ID}} {{.Spec.ContainerSpec.Image}}' $ids 2>/dev/null |
        while read -r t_state t_id t_image; do
            case $t_state in failed | rejected) ;; *) continue ;; esac
            [ "$1" != all ] || { echo "$t_id"; continue; }
            case "
$images
" in *"
$t_image
"*) echo "$t_id" ;; esac
        done
}

slot=swarm:$noun:$workload
lock=$state/locks/$slot
mkdir -p "$state/locks" || refuse no-state "$state"
take_lock "$lock"
take_shared_lock 8 "$(shared_place "$(printf %s "$slot" | cksum | cut -d' ' -f1)")"
command -v docker >/dev/null || refuse engine "there is no docker"
# Another node's commands would fail half-way, too.
said=$(docker node ls -q 2>&1) || refuse engine "$(printf '%s\n' "$said" | tail -n 1)"
if [ -n "$member" ]; then
    # A service of the stack, or the one that this is.
    whole=${stacks}_$member
    if [ -n "$services" ]; then
        stack=$(docker service inspect -f '{{index .Spec.Labels "com.docker.stack.namespace"}}' "$services" 2>/dev/null)
        whole=${stack:+${stack}_}$member
    fi
    [ -z "$services" ] || [ "$services" = "$whole" ] || refuse one-task "$member"
    [ "$(docker service inspect -f '{{.Spec.Name}}' "$whole" 2>/dev/null)" = "$whole" ] || refuse one-task "$member"
    services=$whole stacks=
fi
see
say before "$seen"
[ -n "$found" ] || { echo "there is no such $noun"; finish; exit 1; }
