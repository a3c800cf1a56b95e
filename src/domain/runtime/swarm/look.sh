# Prints how services and stacks of a swarm are: one JSON array a line, for each
# node, service and task. $services and $stacks are their names.

docker() {
    command docker "$@" 2>&1
}

# What has no such label has an empty one.
service_format='["service",{{json .ID}},{{json .Spec.Name}},{{json (index .Spec.Labels "com.docker.stack.namespace")}},{{json .Spec.Mode}},{{json .Spec.TaskTemplate.RestartPolicy}},{{json .UpdateStatus}}]'
task_format='["task",{{json .ID}},{{json .ServiceID}},{{json .Slot}},{{json .NodeID}},{{json .DesiredState}},{{json .Status}}]'

# The IDs of those that are there: of others there is a word below.
find_services() {
    # The engine also takes the beginning of an ID for a name: that is another service.
    # shellcheck disable=SC2086 # names, one word each
    [ -z "$services" ] || command docker service inspect -f '{{.ID}} {{.Spec.Name}}' $services 2>/dev/null |
        while read -r f_id f_name; do
            case " $services " in *" $f_name "*) echo "$f_id" ;; esac
        done
    for stack in $stacks; do
        command docker service ls -q --filter "label=com.docker.stack.namespace=$stack" 2>/dev/null
    done
}

# The image that a service is to run.
image_of() { # service
    command docker service inspect -f '{{.Spec.TaskTemplate.ContainerSpec.Image}}' "$1"
}

images_now() {
    for one in $found; do image_of "$one"; done
}

look() {
    docker node ls --format '["node",{{json .ID}},{{json .Hostname}},{{json .Status}},{{json .Availability}},{{json .ManagerStatus}}]' || return
    found=$(find_services | sort -u)
    if [ -n "$found" ]; then
        # shellcheck disable=SC2086 # IDs, one word each
        docker service inspect -f "$service_format" $found
        # It prints what it has and fails, too, when one of them is gone since.
        # shellcheck disable=SC2086 # IDs, one word each
        tasks=$(command docker service ps -q --no-trunc $found 2>/dev/null) || [ -n "$tasks" ] || return
        # shellcheck disable=SC2086 # IDs, one word each
        if [ -z "$tasks" ] || docker inspect --type task -f "$task_format" $tasks; then
            echo '["tasks"]'
        fi
    fi
    # That one is not there is known only where all were listed.
    command docker service ls -q >/dev/null 2>&1 && echo '["listed"]'
}
