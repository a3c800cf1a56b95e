# The other containers of the service's Compose project: an update replaces and
# restarts them too, so they are verified with it.

# The project of the service's container, or of its directory where there is no
# container yet. Empty where there is none.
project_of_service() {
    project=$whole
    [ -z "$whole" ] || return 0
    [ -z "$id" ] || project=$(docker inspect --type container -f '{{index .Config.Labels "com.docker.compose.project"}}' "$id" 2>/dev/null)
    case $project in '<no value>') project= ;; esac
    if [ -z "$project" ] && [ -z "$id" ] && [ "$strategy" != command ]; then
        project=$(docker compose config 2>/dev/null | sed -n 's/^name: *//p' | head -n 1 | tr -d "'\"")
    fi
}

# One line for each container of the project, or for those that the change is
# about. What `docker compose run` left there belongs to nobody's deployment.
neighbours() {
    if [ -n "$member" ]; then
        n_ids=$ids
    else
        n_ids=$(docker ps -aq --no-trunc --filter "label=com.docker.compose.project=$project" 2>/dev/null)
    fi
    # shellcheck disable=SC2086 # IDs, one word each
    [ -z "$n_ids" ] || docker inspect --type container -f \
        '{{.ID}}|{{.Name}}|{{index .Config.Labels "com.docker.compose.service"}}|{{index .Config.Labels "com.docker.compose.oneoff"}}|{{.State.Status}}|{{.State.StartedAt}}|{{.RestartCount}}|{{.State.ExitCode}}|{{if .State.Health}}{{.State.Health.Status}}{{end}}' \
        $n_ids 2>/dev/null
}

# Notes how they are before anything is replaced: $known has each container as
# ID=start=restarts, $services the project's services, $sick those among them
# that are in trouble already. That is no fault of what comes.
note_neighbours() {
    known=' ' services=' ' sick=' '
    project_of_service
    [ -n "$project" ] || return 0
    while IFS='|' read -r n_id n_name n_service n_oneoff n_status n_started n_restarts n_code n_health; do
        [ -n "$n_id" ] && [ "$n_oneoff" != True ] || continue
        known="$known$n_id=$n_started=$n_restarts "
        services="$services$n_service "
        case $n_status/$n_health/$n_restarts/$n_code in
        running/unhealthy/*) ;;
        running/*/0/*) continue ;;
        # One that loops is running too, now and then.
        running/*) case $(docker ps --no-trunc --filter "id=$n_id" --format '{{.Status}}' </dev/null) in
            *econd*) ;;
            *) continue ;;
            esac ;;
        # It has done what it was there for.
        exited/*/0) continue ;;
        esac
        sick="$sick$n_service "
    done <<END
$(neighbours)
END
}

# Looks at each of them once. Sets $trouble and $culprit for one that fails,
# $waiting for one that is not healthy or not running yet, and $still for those
# that were in trouble before and are now.
check_neighbours() {
    waiting= still=
    [ -n "$project" ] || return 0
    while IFS='|' read -r n_id n_name n_service n_oneoff n_status n_started n_restarts n_code n_health; do
        [ -n "$n_id" ] && [ "$n_id" != "$id" ] && [ "$n_oneoff" != True ] || continue
        n_name=${n_name#/}
        # The engine counts restarts anew after a start by hand.
        n_base=0 failed= slow=
        case $known in
        *" $n_id=$n_started="*)
            n_base=${known#*" $n_id=$n_started="}
            n_base=${n_base%% *}
            ;;
        esac
        case $n_status in
        running)
            [ "$n_health" != unhealthy ] || failed=unhealthy
            [ "$n_restarts" -le "$n_base" ] || failed=died
            [ "$n_health" != starting ] || slow=not-healthy-in-time
            ;;
        restarting | dead) failed=died ;;
        exited) [ "$n_code" = 0 ] || failed=died ;;
        # It may be started yet.
        *) slow=not-running ;;
        esac
        case $sick in
        *" $n_service "*)
            [ -z "$failed$slow" ] || still="$still${still:+ }$n_name"
            continue
            ;;
        esac
        [ -z "$slow" ] || waiting="$slow $n_name"
        if [ -n "$failed" ]; then
            trouble="$relation $failed $n_name"
            culprit=$n_id
            return
        fi
    done <<END
$(neighbours)
END
}

if [ -n "$whole" ]; then
    note_neighbours
    was_good=
    # All of it was well, and there was some of it.
    [ "$known" = ' ' ] || [ "$sick" != ' ' ] || was_good=yes
fi

# Removes what only the version that is taken back had: Compose leaves those
# containers running, and one of them may be why.
remove_newcomers() {
    [ -n "$project" ] || return 0
    # What there was could not be seen: then everything would look new.
    [ "$services" != ' ' ] || return 0
    while IFS='|' read -r n_id n_name n_service n_oneoff _; do
        [ -n "$n_id" ] && [ "$n_oneoff" != True ] || continue
        case $services in *" $n_service "*) ;; *) docker rm -f "$n_id" </dev/null ;; esac
    done <<END
$(neighbours)
END
    # One that is left says nothing about what was put back.
    return 0
}
