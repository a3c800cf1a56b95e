# What the engine says of the container now, whole and in parts.
see() {
    if [ -n "$whole" ]; then
        see_project
        return
    fi
    seen=$(docker inspect --type container -f "$format" "$container" 2>&1 | tail -n 1)
    id= status= started= restarts= health=
    case $seen in
    "/$container|"* | "$container|"*)
        IFS='|' read -r _name id status started _finished restarts _code _oom health <<END
$seen
END
        ;;
    # The engine also takes the beginning of an ID for a name: that is another container.
    *'|'*) seen="Error: No such object: $container" ;;
    esac
}

# The same of a project, or of those of its containers that are called $member:
# $seen has all their lines in one, $ids their IDs. They stand for one thing that
# runs; how each of them is, `check_neighbours` tells. $id changes with any of
# them.
see_project() {
    seen= ids= id= status= started= restarts=0 health=
    all=$(project_ids "$whole") || { seen=$(printf '%s\n' "$all" | tail -n 1); return; }
    # shellcheck disable=SC2086 # IDs, one word each
    if [ -n "$all" ]; then
        all=$(docker inspect --type container -f "$format" $all 2>&1)
        # One may be gone since; but when none is told, the engine is to blame.
        case $all in *'|'*) ;; *) seen=$(printf '%s\n' "$all" | tail -n 1); return ;; esac
    fi
    while IFS='|' read -r s_name s_id rest; do
        [ -n "$s_id" ] && [ -n "$rest" ] || continue
        # Service and number come last, as JSON.
        number=${rest##*|} part=${rest%|*}
        part=${part##*|}
        case $member in
        '' | "$(bare "$part")" | "$(bare "$part")-$(bare "$number")") ;;
        *) continue ;;
        esac
        seen="$seen${seen:+;;}$s_name|$s_id|$rest"
        ids="$ids${ids:+ }$s_id"
        status=running
    done <<END
$all
END
    if [ -n "$ids" ]; then
        id=project-$(printf %s "$ids" | cksum | cut -d' ' -f1)
    else
        seen="Error: No such container: $whole${member:+/$member}"
    fi
}

# A JSON string that needs no escapes, without its quotes.
bare() {
    name=${1#?}
    printf %s "${name%?}"
}

# The IDs of a project's containers, in an order that does not change. What
# `docker compose run` left there belongs to nobody's deployment.
project_ids() { # project
    found=$(docker ps -aq --no-trunc --filter "label=com.docker.compose.project=$1" --filter label=com.docker.compose.oneoff=False 2>&1) ||
        { printf '%s\n' "$found"; return 1; }
    printf '%s\n' "$found" | sort
}
