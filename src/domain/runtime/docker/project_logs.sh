# The last $n lines of the containers of project $p, or of its member $m.

list=$(docker ps -a --no-trunc --filter "label=com.docker.compose.project=$p" --filter label=com.docker.compose.oneoff=False \
    --format '{{.ID}} {{.Label "com.docker.compose.service"}} {{.Label "com.docker.compose.container-number"}}' 2>&1) || { echo "$list"; exit 1; }
chosen=$(printf '%s\n' "$list" | sort -k 2,3 | while read -r id part number; do
    case $id in '' | *[!0-9a-f]*) continue ;; esac
    case $m in '' | "$part" | "$part-$number") echo "$id $part-$number" ;; esac
done)
count=$(printf %s "$chosen" | grep -c '')
[ "$count" != 0 ] || exit 4
# They share what is asked for, and each has some.
each=$(((n + count - 1) / count))
printf '%s\n' "$chosen" | while read -r id name; do
    [ "$count" != 1 ] || exec docker logs --tail "$n" "$id" 2>&1
    # What is no name of Compose's is not put before a line.
    case $name in *[!a-zA-Z0-9._-]*) name='?' ;; esac
    docker logs --tail "$each" "$id" 2>&1 </dev/null | sed "s/^/$name | /"
done
