# Prints what happens to the tasks of a swarm. An engine tells of services and
# nodes as it happens, and of tasks only on the node that runs them; so the
# manager is asked, which needs no network, and what has changed is printed: one
# JSON array a line, with the time, the service, its stack, and the task.

every=5
set -f

tasks() {
    ids=$(docker service ls -q) || return
    [ -n "$ids" ] || return 0
    # shellcheck disable=SC2086 # IDs, one word each
    lines=$(docker service ps --no-trunc --format '{{.ID}} {{.Name}} {{.Node}} {{.DesiredState}} {{.CurrentState}}|{{json .Error}}' $ids 2>/dev/null) ||
        [ -n "$lines" ] || return
    printf '%s\n' "$lines" | sed 's/^\([^|]* [A-Z][a-z]*\) [^|]*|/\1|/'
}

# A task and its state: a node's name is its ID when that is gone.
keys() { # lines
    printf '%s\n' "$1" | sed 's/^\([^ ]*\) .* \([A-Z][a-z]*\)|.*/\1 \2/'
}

# One line as JSON.
tell() { # line
    error=${1#*|}
    # shellcheck disable=SC2086 # five words
    set -- ${1%%|*}
    # A task that waits for a node has none.
    [ $# = 5 ] || set -- "$1" "$2" "" "$3" "$4"
    service=${2%.*}
    stack=$(printf '%s\n' "$stacks" | awk -v s="$service" '$1 == s { print $2; exit }')
    printf '["%s","%s","%s","%s","%s","%s","%s",%s]\n' "$at" "$service" "$stack" "$2" "$3" "$4" "$5" "$error"
}

# Tells each line whose task is not among the others in that state. What was not
# seen before, and has failed already, was not seen to run.
tell_new() { # lines, keys of the others
    printf '%s\n' "$1" | grep . | while IFS= read -r line; do
        head=${line%%|*}
        case "
$2
" in *"
${line%% *} ${head##* }
"*) continue ;; esac
        case "
$2" in *"
${line%% *} "*) ;;
        *) line=$(printf '%s\n' "$line" | sed 's/ [A-Z][a-z]* Failed|/ Unseen Failed|/') ;;
        esac
        tell "$line"
    done
}

known=$(tasks) || exit
while sleep $every; do
    now=$(tasks) || exit
    [ "$now" != "$known" ] || continue
    at=$(date +%s)
    # shellcheck disable=SC2046 # IDs, one word each
    stacks=$(docker service inspect -f '{{.Spec.Name}} {{index .Spec.Labels "com.docker.stack.namespace"}}' $(docker service ls -q) 2>/dev/null)
    # What is scaled down is not listed any more, as little as its end is told.
    left=$(printf '%s\n' "$now" | sed 's/ .*//')
    gone=$(printf '%s\n' "$known" | grep . | grep -vE ' (Failed|Shutdown|Complete|Rejected|Orphaned|Remove)\|' | while IFS= read -r line; do
        case "
$left
" in *"
${line%% *}
"*) ;;
        *) printf '%s\n' "$line" | sed 's/ [A-Z][a-z]*|/ Gone|/' ;;
        esac
    done)
    [ -z "$gone" ] || tell_new "$gone" ''
    tell_new "$now" "$(keys "$known")"
    known=$now
done
