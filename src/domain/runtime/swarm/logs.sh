# The last lines of a service's tasks, and what the engine says of those that it
# could not start. $member is one of several: a service of a stack, or one of its
# slots.

found=$(find_services | sort -u)
if [ -z "$found" ]; then
    docker service ls -q >/dev/null || { docker service ls -q; exit 1; }
    echo 'there is no such service'
    exit 4
fi
if [ -n "$member" ]; then
    of=$stacks
    # shellcheck disable=SC2086 # one ID
    [ -n "$of" ] || of=$(command docker service inspect -f '{{index .Spec.Labels "com.docker.stack.namespace"}}' $found 2>/dev/null)
    # "web" is all of a service, "web-2" the second of it, "web.node" the one there.
    # shellcheck disable=SC2086 # IDs, one word each
    found=$(command docker service ps --no-trunc --format '{{.ID}} {{.Name}} {{.Node}}' $found 2>/dev/null | awk -v m="$member" -v stack="$of" '{
        dot = match($2, /\.[^.]*$/)
        part = substr($2, 1, dot - 1)
        if (stack != "" && index(part, stack "_") == 1) part = substr(part, length(stack) + 2)
        if (m == part || m == part "-" substr($2, dot + 1) || m == part "." $3) print $1
    }')
    [ -n "$found" ] || { echo 'there is no such member'; exit 4; }
    shown=$(for task in $found; do docker inspect --type task -f '{{if .Status.Err}}{{.Status.State}}: {{.Status.Err}}{{end}}' "$task"; done)
else
    # shellcheck disable=SC2086 # IDs, one word each
    shown=$(docker service ps --no-trunc --format '{{if .Error}}{{.Name}}: {{.CurrentState}}: {{.Error}}{{end}}' $found)
fi
# The engine begins each line with task, task's ID and node: "web.1.k3jd8wq1x0az@node-2    | text".
# Of that is left what tells the lines apart; a global service has no slots, and 0 for one.
# It fails, too, when one of them has no log yet: the text says what could not be had.
for one in $found; do
    docker service logs --tail "$lines" "$one"
done | awk '{
    task = node = ""; text = $0
    if (match($0, /^[^ |]+\.[^ |]+@[^ |]+ *\| ?/)) {
        task = substr($0, 1, RLENGTH); text = substr($0, RLENGTH + 1)
        sub(/ *\| ?$/, "", task)
        node = substr(task, index(task, "@") + 1)
        sub(/\.[^.]*@.*$/, "", task)
        sub(/\.0$/, "", task)
        if (!(task in tasks)) { tasks[task]; many_tasks++ }
        if (!(node in nodes)) { nodes[node]; many_nodes++ }
    }
    of[NR] = task; on[NR] = node; said[NR] = text
}
END {
    for (i = 1; i <= NR; i++) {
        head = of[i] == "" || many_tasks + many_nodes < 3 ? "" : many_nodes > 1 ? of[i] "@" on[i] " | " : of[i] " | "
        print head said[i]
    }
}'
printf '%s\n' "$shown" | grep -v 'non-zero exit' | grep . | head -n 3
command docker service ls -q >/dev/null 2>&1
