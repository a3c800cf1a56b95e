# Back to the images that held before those that run, or to a certain one.

phase preflight
# Of a stack, what the last update has put in place goes back, and no more.
updated_at() { # service
    docker service inspect -f '{{index .Spec.Labels "opsroom.updated"}}' "$1"
}
last=$(for one in $found; do updated_at "$one"; done | sort -n | tail -n 1)
plan='' hit=''
for one in $found; do
    now_at=$(image_of "$one")
    image=
    if [ -n "$wanted" ]; then
        image=$(versions_of "$one" | tr ' ' '\n' | grep -F "@sha256:$wanted" | tail -n 1)
        [ -z "$image" ] || hit=yes
    elif [ "$(updated_at "$one")" = "$last" ]; then
        # The one before this, or the newest where this never held.
        image=$(versions_of "$one" | tr ' ' '\n' | sed "\\|^$now_at\$|,\$d" | tail -n 1)
    fi
    plan="$plan$one ${image:-$now_at}
"
done
plan=$(printf %s "$plan")
new=$(printf '%s\n' "$plan" | cut -d' ' -f2)
[ -z "$wanted" ] || [ -n "$hit" ] || refuse no-such-version "$wanted"
if [ "$new" = "$old" ]; then
    [ -z "$wanted" ] || refuse there-already "$wanted"
    refuse no-version
fi
say version "$(short "$old")" "$(short "$new")"
# Nobody goes back to it by asking to go back once more.
keep() {
    printf '%s\n' "$before_plan" | while read -r one image; do
        list=$(versions_of "$one" | tr ' ' '\n' | grep -vxF "$image" | grep . | tr '\n' ' ')
        list=${list% }
        printf '%s\n' "$plan" | grep -qxF "$one $image" || [ "$(versions_of "$one")" = "$list" ] ||
            docker service update -q -d --label-add "$kept=$list" "$one" >/dev/null
    done
}
switch "$plan"
