# What an update would do: which images it would pull.

phase preflight
said=$(docker node ls -q 2>&1) || refuse engine "$(printf '%s\n' "$said" | tail -n 1)"
found=$(find_services | sort -u)
for one in $found; do
    image=$(image_of "$one")
    say image "${image%@sha256:*}"
done
